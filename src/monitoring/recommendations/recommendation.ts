import type { PoolStatus } from '../../adapters/postgres/database.ts'
import type { CacheType } from '../../events.ts'
import type { LimiterStatus } from '../../resilience/limiter.ts'
import type { FigureWindow } from '../figures/figures.ts'
import type { Inspected } from './inspection.ts'
import type { Config } from '../../config/terms.ts'

/** What to change and why. Texts are plain English; figures belong in `evidence`. */
export interface Recommendation {
  readonly id: string
  readonly severity: 'info' | 'warning'
  /** The environment variable to change. Null when it is not a setting of Askwell. */
  readonly setting: string | null
  readonly title: string
  readonly evidence: string
  readonly action: string
}

/** The input of the rules. The window is five minutes, long enough to rule out chance. */
export interface RuleFacts {
  readonly config: Pick<
    Config,
    | 'budgets'
    | 'database'
    | 'redis'
    | 'models'
    | 'guard'
    | 'rerank'
    | 'ask'
    | 'cache'
    | 'admission'
    | 'rateLimit'
    | 'telemetry'
  >
  readonly window: FigureWindow
  readonly isEmbedded: boolean
  readonly pool: PoolStatus
  readonly limiter: LimiterStatus | null
  readonly caches: Readonly<Record<CacheType, { readonly entries: number; readonly bytes: number }>> | null
  /** The status from adapters/redis/redis.ts, or 'off' without Redis. */
  readonly redis: string
  readonly inspected: Inspected | null
  /** In milliseconds since 1970. */
  readonly at: number
}

export type Rule = (facts: RuleFacts) => Recommendation | readonly Recommendation[] | null
