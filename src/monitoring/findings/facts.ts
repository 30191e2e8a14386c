import type { Dependency } from '../../adapters/models/guards.ts'
import type { ModelFault } from '../../adapters/models/faults.ts'
import type { PoolStatus } from '../../adapters/postgres/pool.ts'
import type { DatabaseFault } from '../../adapters/postgres/errors.ts'
import type { LockWait, ServerConnections } from '../../adapters/postgres/server-connections.ts'
import type { BreakerState } from '../../resilience/breaker.ts'
import type { LimiterStatus } from '../../resilience/limiter.ts'
import type { Quantiles } from '../figures/one-minute.ts'

/** What is known of a moment; nobody was asked for it. */
export interface Facts {
  readonly pool: PoolStatus
  /** Milliseconds, of the last minute. */
  readonly waitMs: Quantiles
  readonly holdMs: Quantiles
  readonly database: {
    readonly isDown: boolean
    /** Why, as the last look at it ended. */
    readonly downBy: DatabaseFault | null
    /** A standby, or made read-only. */
    readonly isReadOnly: boolean
    /** Null: never read. */
    readonly server: (ServerConnections & { readonly ageMs: number }) | null
    /** Seen lately, or before the database was left alone. */
    readonly lock: LockWait | null
    /** Documents with more metadata than is stored by now; null: never counted. */
    readonly largeMetadata: number | null
  }
  /** Of everything that has a breaker. */
  readonly breakers: Readonly<Partial<Record<Dependency, BreakerState>>>
  /** `off`, or as adapters/redis.ts tells it. */
  readonly redis: string
  /** Why it cannot be used, as there. */
  readonly redisOutage: 'gone' | 'silent' | 'refuses' | null
  readonly limiter: LimiterStatus
  readonly process: ProcessFacts
  readonly connections: ConnectionFacts
  readonly isDraining: boolean
  /** How often something happened in the last ten seconds; kinds as in {@link recentKinds}. */
  readonly times: (kind: string) => number
  /** The last way in which a model failed; null: none was seen. */
  readonly lastFault: (dependency: Dependency) => ModelFault | null
}

export interface ProcessFacts {
  /** The longest that it was late at its work in the last ten seconds. */
  readonly lateMs: number
  /** It was so by its own work; else it was not let run. */
  readonly wasBusy: boolean
  /** Of the memory that Node may use, 0…1. */
  readonly heapShare: number
}

/** Of clients, to the port where questions are asked. */
export interface ConnectionFacts {
  readonly open: number
  readonly max: number
  /** Open for two seconds and more, without a byte. */
  readonly silent: number
  /** In the middle of a request for two seconds and more. */
  readonly trickling: number
}

/** A shorter wait for a connection is a rush of a moment; where there is but one (the embedded database), it is as usual. */
export function longWaitMs({ size, maxOverflow }: Pick<PoolStatus, 'size' | 'maxOverflow'>): number {
  return size + maxOverflow === 1 ? 500 : 50
}

/** `times` looks so far back. */
export const lately = 10
