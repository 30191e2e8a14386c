import type { FirstWordStatus } from '../../adapters/models/first-word.ts'
import type { PoolStatus } from '../../adapters/postgres/pool.ts'
import type { LockWait, ServerConnections } from '../../adapters/postgres/server-connections.ts'
import type { BudgetStatus } from '../../ask/terms/usage.ts'
import type { BreakerState } from '../../resilience/breaker.ts'
import type { CallLimitStatus } from '../../resilience/call-limit.ts'
import type { LimiterStatus } from '../../resilience/limiter.ts'
import type { DatabaseFault, Dependency, ModelFault } from '../../faults.ts'
import type { OutputStatus } from '../../output.ts'
import type { DeliveryStatus } from '../../tracing/delivery.ts'
import type { Spread } from '../figures/windows.ts'

/** What this process knows at one moment, without asking any dependency. */
export interface Facts {
  readonly pool: PoolStatus
  /** In milliseconds, over the last minute. */
  readonly waitMs: Spread
  readonly holdMs: Spread
  readonly database: {
    readonly isDown: boolean
    /** How the last ping failed. */
    readonly downBy: DatabaseFault | null
    /** True for a standby, or a database set to read-only. */
    readonly isReadOnly: boolean
    /** Null when it was never read. */
    readonly server: (ServerConnections & { readonly ageMs: number }) | null
    /** Seen recently, or before the circuit breaker of the database opened. */
    readonly lock: LockWait | null
    /** Documents with more metadata than the limit allows today. Null when they were never counted. */
    readonly largeMetadata: number | null
    /** Documents that an older version prepared. Null when they were never counted. */
    readonly outdated: number | null
    /** Chunks whose units are still to be embedded in the background. Null when they were never counted. */
    readonly unitsBehind: number | null
    /** Collections whose embedding model makes other vectors today. Null when they were never counted. */
    readonly changedModels: number | null
  }
  /** States of all circuit breakers. */
  readonly breakers: Readonly<Partial<Record<Dependency, BreakerState>>>
  /** `off`, or the status from adapters/redis/redis.ts. */
  readonly redis: string
  /** Why Redis is unavailable, from the same file. */
  readonly redisOutage: 'gone' | 'silent' | 'refuses' | null
  readonly limiter: LimiterStatus
  /** Calls to the language model; null without one. */
  readonly modelCalls: CallLimitStatus | null
  /** The waits for its first word; null without one. */
  readonly firstWord: FirstWordFacts | null
  /** Daily budgets of the language model. */
  readonly budgets: readonly BudgetStatus[]
  readonly process: ProcessFacts
  readonly connections: ConnectionFacts
  readonly workers: WorkerFacts
  /** The log lines of this process. */
  readonly log: OutputStatus
  /** The spans of this process. */
  readonly traces: DeliveryStatus
  readonly isDraining: boolean
  /** Number of events in the last ten seconds, by the names of figures/figures.ts. */
  readonly times: (kind: string) => number
  /** How a model failed last. Null when it never did. */
  readonly lastFault: (dependency: Dependency) => ModelFault | null
}

export interface FirstWordFacts extends FirstWordStatus {
  /** Tokens of passages that fit into a prompt of the usual deadline, and the most that PROMPT_TOKENS allows. */
  readonly promptTokens: number
  readonly mostPromptTokens: number
}

export interface ProcessFacts {
  /** The longest event loop delay in the last ten seconds. */
  readonly lateMs: number
  /** True if the delay came from the process's own work, false if it was not scheduled. */
  readonly wasBusy: boolean
  /** Heap in use as a share of the limit, 0 to 1. */
  readonly heapShare: number
}

/** The processes of this service. */
export interface WorkerFacts {
  /** Times that one was killed. */
  readonly killed: number
  /** How long ago that happened last. Null if it never did. */
  readonly killedAgoMs: number | null
}

/** Client connections to the main port. */
export interface ConnectionFacts {
  readonly open: number
  readonly max: number
  /** Open for two seconds or more without a byte received. */
  readonly silent: number
  /** In the middle of a request for two seconds or more. */
  readonly trickling: number
}

/**
 * Wait for a connection from which on it counts as long. Shorter ones are brief bursts, or normal if there is only one
 * connection (the embedded database).
 */
export function longWaitMs({ size, maxOverflow }: Pick<PoolStatus, 'size' | 'maxOverflow'>): number {
  return size + maxOverflow === 1 ? 500 : 50
}
