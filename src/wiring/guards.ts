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
import { databaseFault } from '../adapters/postgres/errors.ts'
import type { DatabaseFault } from '../adapters/postgres/faults.ts'
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
  /** The models, those of an API behind circuit breakers; a local model needs none. */
  readonly models: Models
  readonly reranker: Reranker | null
  /** The database, guarded for the reads of a question. */
  readonly reads: GuardedReads
  /** State of every circuit breaker. */
  states(): Readonly<Partial<Record<Dependency, BreakerState>>>
  /** The database heartbeat. `downBy` is null while the database is up. */
  pulse(): { readonly isDown: boolean; readonly downBy: DatabaseFault | null }
  /** How it last failed, or null if it never has. */
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

/**
 * Adds circuit breakers, retries and idle timeouts to remote dependencies; each change of state is measured and logged
 * once.
 */
export function openGuards({ config, database, models, metrics, log, recent }: GuardParts): Guarded {
  const guards = new Map<Dependency, Guard>()
  const lastStates = new Map<Dependency, BreakerState>()
  const faults = new Map<Dependency, ModelFault>()
  const stateOf = (dependency: Dependency): BreakerState =>
    dependency === 'database' && heartbeat.isDown() ? 'open' : (guards.get(dependency)?.state() ?? 'closed')

  function reportChange(dependency: Dependency): void {
    const [before = 'closed', now] = [lastStates.get(dependency), stateOf(dependency)]
    if (before === now) return
    lastStates.set(dependency, now)
    if (now === 'open') metrics.breakerOpened(dependency)
    // Half-open lasts one request and is only in the metrics.
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
    return heartbeat.isDown() ? faultOfPing(heartbeat.missedBy()) : null
  }

  const faultOf = (dependency: Dependency) => (dependency === 'database' ? downBy() : (faults.get(dependency) ?? null))

  const events: GuardEvents = {
    changed: reportChange,
    retried: metrics.retried,
    noRetryLeft: () => metrics.exceeded('calls'),
    ended,
  }
  const heartbeat = createHeartbeat({
    ping: async () => {
      await database.answer(never)
      return true
    },
    onChange(isDown) {
      if (!isDown) guards.get('database')?.reset()
      reportChange('database')
    },
  })
  const register: Register = (dependency, each) => {
    guards.set(dependency, each.guard)
    return each
  }
  const reads = register('database', guardReads(database, heartbeat.isDown, events))
  const remote = guardModels({ config, models, metrics }, events, register)
  const states = () => Object.fromEntries([...guards.keys()].map(dependency => [dependency, stateOf(dependency)]))
  metrics.watchBreakers(states)
  metrics.watchDatabase(() => !heartbeat.isDown())
  return {
    ...remote,
    reads,
    states,
    pulse: () => ({ isDown: heartbeat.isDown(), downBy: downBy() }),
    lastFault: dependency => faults.get(dependency) ?? null,
    close: async () => heartbeat.stop(),
  }
}

type Register = <G extends { readonly guard: Guard }>(dependency: Dependency, each: G) => G

function guardModels(
  { config, models, metrics }: Pick<GuardParts, 'config' | 'models' | 'metrics'>,
  events: GuardEvents,
  register: Register,
): Pick<Guarded, 'models' | 'reranker'> {
  const { chat, embedder, isEmbedderRemote } = models
  const { hedgeMs, silenceMs } = config.guard
  const meteredChat = chat && meterChat(chat, metrics.models, () => metrics.exceeded('tokens'))
  const hedging = { hedgeMs, onHedge: metrics.hedged }
  return {
    models: {
      ...models,
      chat: meteredChat && register('chat', guardChat(meteredChat, silenceMs, events)),
      embedder: isEmbedderRemote
        ? register('embeddings', guardEmbedder(meterEmbedder(embedder, metrics.models), hedging, events))
        : embedder,
    },
    reranker: config.rerank
      ? register('rerank', guardReranker(meterReranker(createReranker(config.rerank), metrics.models), events))
      : null,
  }
}

const never = new AbortController().signal

/** No reply at all counts as silent. */
function faultOfPing(error: unknown): DatabaseFault {
  const isSilent = error instanceof LateReply || isAskError(error, 'deadline_exceeded')
  return isSilent ? 'silent' : (databaseFault(error) ?? 'unreachable')
}
