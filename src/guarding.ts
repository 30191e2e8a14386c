import { guardChat, guardEmbedder, guardReads, guardReranker, type Dependency, type GuardedReads, type GuardEvents } from './adapters/guarded.ts'
import type { Database } from './adapters/database.ts'
import type { Models } from './adapters/models.ts'
import { measureChat, measureEmbedder, measureReranker } from './adapters/measured.ts'
import { createReranker } from './adapters/rerank.ts'
import type { Reranker } from './ask/rerank.ts'
import type { RunLog } from './ask/terms.ts'
import type { Config } from './config.ts'
import type { Metrics } from './metrics.ts'
import type { BreakerState } from './resilience/breaker.ts'
import type { Guard } from './resilience/guard.ts'
import { createPulse } from './resilience/pulse.ts'

export interface Guarded {
  /** Those of an API behind breakers; a model that runs here needs none. */
  readonly models: Models
  readonly reranker: Reranker | null
  /** The database for the reads that a question makes. */
  readonly reads: GuardedReads
  /** Of everything that has a breaker. */
  states(): Readonly<Partial<Record<Dependency, BreakerState>>>
  close(): Promise<void>
}

export interface GuardParts {
  readonly config: Pick<Config, 'guard' | 'rerank'>
  readonly database: Database
  readonly models: Models
  readonly metrics: Metrics
  readonly log: RunLog
}

/** Puts breakers, second tries and limits of silence around what others run; what they know is shown and logged once a change. */
export function openGuards({ config, database, models, metrics, log }: GuardParts): Guarded {
  const guards = new Map<Dependency, Guard>()
  const told = new Map<Dependency, BreakerState>()
  const stateOf = (dependency: Dependency): BreakerState => (dependency === 'database' && pulse.isDown() ? 'open' : (guards.get(dependency)?.state() ?? 'closed'))

  function tell(dependency: Dependency): void {
    const [before = 'closed', now] = [told.get(dependency), stateOf(dependency)]
    if (before === now) return
    told.set(dependency, now)
    if (now === 'open') metrics.breakerOpened(dependency)
    // Half-open is a moment of one request; it is in the metrics.
    if (now === 'open' && before === 'closed') log.warn({ dependency }, `${dependency}: not asked any more until it answers`)
    if (now === 'closed') log.info({ dependency }, `${dependency}: asked again`)
  }

  const events: GuardEvents = { changed: tell, retried: metrics.retried, noRetryLeft: () => metrics.exceeded('calls') }
  const pulse = createPulse({
    ping: async () => await database.ping(never),
    onChange(isDown) {
      if (!isDown) guards.get('database')?.reset()
      tell('database')
    },
  })
  const kept = <G extends { readonly guard: Guard }>(dependency: Dependency, each: G): G => {
    guards.set(dependency, each.guard)
    return each
  }
  const reads = kept('database', guardReads(database, pulse.isDown, events))
  const guarded = {
    ...models,
    chat: models.chat && kept('chat', guardChat(measureChat(models.chat, metrics.models, () => metrics.exceeded('tokens')), config.guard.silenceMs, events)),
    embedder: models.isEmbedderRemote
      ? kept('embeddings', guardEmbedder(measureEmbedder(models.embedder, metrics.models), { hedgeMs: config.guard.hedgeMs, onHedge: metrics.hedged }, events))
      : models.embedder,
  }
  const reranker = config.rerank ? kept('rerank', guardReranker(measureReranker(createReranker(config.rerank), metrics.models), events)) : null
  const states = () => Object.fromEntries([...guards.keys()].map(dependency => [dependency, stateOf(dependency)]))
  metrics.watchBreakers(states)
  metrics.watchDatabase(() => !pulse.isDown())
  return { models: guarded, reranker, reads, states, close: async () => pulse.stop() }
}

const never = new AbortController().signal
