import {
  guardChat,
  guardEmbedder,
  guardReads,
  guardReranker,
  type Dependency,
  type GuardedReads,
  type GuardEvents,
} from '../adapters/models/guards.ts'
import type { Database } from '../adapters/postgres/database.ts'
import type { ModelFault } from '../adapters/models/faults.ts'
import type { Models } from '../adapters/models/models.ts'
import { meterChat, meterEmbedder, meterReranker } from '../adapters/models/metered.ts'
import { databaseFault, type DatabaseFault } from '../adapters/postgres/errors.ts'
import { createReranker } from '../adapters/models/reranker.ts'
import type { Reranker } from '../ask/retrieval/rerank.ts'
import type { RunLog } from '../ask/terms.ts'
import { isAskError } from '../errors.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { RecentCounts } from '../monitoring/figures/recent-counts.ts'
import type { BreakerState } from '../resilience/breaker.ts'
import type { Guard } from '../resilience/guard.ts'
import { LateReply } from '../resilience/with-timeout.ts'
import { createHeartbeat } from '../resilience/heartbeat.ts'
import type { Config } from '../config/terms.ts'

export interface Guarded {
  /** Those of an API behind breakers; a model that runs here needs none. */
  readonly models: Models
  readonly reranker: Reranker | null
  /** The database for the reads that a question makes. */
  readonly reads: GuardedReads
  /** Of everything that has a breaker. */
  states(): Readonly<Partial<Record<Dependency, BreakerState>>>
  /** Of the database's pulse. `downBy`: null while it is up. */
  pulse(): { readonly isDown: boolean; readonly downBy: DatabaseFault | null }
  /** In which way it failed last; null: it did not. */
  lastFault(dependency: Dependency): ModelFault | null
  close(): Promise<void>
}

export interface GuardParts {
  readonly config: Pick<Config, 'guard' | 'rerank'>
  readonly database: Database
  readonly models: Models
  readonly metrics: Metrics
  readonly log: RunLog
  readonly recent: Pick<RecentCounts, 'count'>
}

/** Puts breakers, second tries and limits of silence around what others run; what they know is shown and logged once a change. */
export function openGuards({ config, database, models, metrics, log, recent }: GuardParts): Guarded {
  const guards = new Map<Dependency, Guard>()
  const told = new Map<Dependency, BreakerState>()
  const faults = new Map<Dependency, ModelFault>()
  const stateOf = (dependency: Dependency): BreakerState =>
    dependency === 'database' && pulse.isDown() ? 'open' : (guards.get(dependency)?.state() ?? 'closed')

  function tell(dependency: Dependency): void {
    const [before = 'closed', now] = [told.get(dependency), stateOf(dependency)]
    if (before === now) return
    told.set(dependency, now)
    if (now === 'open') metrics.breakerOpened(dependency)
    // Half-open is a moment of one request; it is in the metrics.
    if (now === 'open' && before === 'closed')
      log.warn(
        { dependency, culprit: dependency, code: 'breaker-open', fault: faultOf(dependency) },
        `${dependency}: circuit breaker opened`,
      )
    if (now === 'closed')
      log.info({ dependency, culprit: dependency, code: 'breaker-closed' }, `${dependency}: circuit breaker closed`)
  }

  function ended(dependency: Dependency, fault: ModelFault | null): void {
    recent.count(`${dependency}:${fault ?? 'ok'}`)
    if (fault === null) return
    metrics.modelFailed(dependency, fault)
    if (fault !== 'paused') faults.set(dependency, fault)
  }

  function downBy(): DatabaseFault | null {
    return pulse.isDown() ? faultOfPing(pulse.missedBy()) : null
  }

  const faultOf = (dependency: Dependency) => (dependency === 'database' ? downBy() : (faults.get(dependency) ?? null))

  const events: GuardEvents = {
    changed: tell,
    retried: metrics.retried,
    noRetryLeft: () => metrics.exceeded('calls'),
    ended,
  }
  const pulse = createHeartbeat({
    ping: async () => {
      await database.answer(never)
      return true
    },
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
    chat:
      models.chat &&
      kept(
        'chat',
        guardChat(
          meterChat(models.chat, metrics.models, () => metrics.exceeded('tokens')),
          config.guard.silenceMs,
          events,
        ),
      ),
    embedder: models.isEmbedderRemote
      ? kept(
          'embeddings',
          guardEmbedder(
            meterEmbedder(models.embedder, metrics.models),
            { hedgeMs: config.guard.hedgeMs, onHedge: metrics.hedged },
            events,
          ),
        )
      : models.embedder,
  }
  const reranker = config.rerank
    ? kept('rerank', guardReranker(meterReranker(createReranker(config.rerank), metrics.models), events))
    : null
  const states = () => Object.fromEntries([...guards.keys()].map(dependency => [dependency, stateOf(dependency)]))
  metrics.watchBreakers(states)
  metrics.watchDatabase(() => !pulse.isDown())
  return {
    models: guarded,
    reranker,
    reads,
    states,
    pulse: () => ({ isDown: pulse.isDown(), downBy: downBy() }),
    lastFault: dependency => faults.get(dependency) ?? null,
    close: async () => pulse.stop(),
  }
}

const never = new AbortController().signal

/** No reply at all, in time or in the end, is silence. */
function faultOfPing(error: unknown): DatabaseFault {
  const isSilence = error instanceof LateReply || isAskError(error, 'deadline_exceeded')
  return isSilence ? 'silent' : (databaseFault(error) ?? 'unreachable')
}
