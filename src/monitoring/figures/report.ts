import type { PoolStatus } from '../../adapters/postgres/database.ts'
import type { BudgetStatus } from '../../ask/terms/usage.ts'
import type { CacheType } from '../../events.ts'
import type { BreakerState } from '../../resilience/breaker.ts'
import type { CallLimitStatus } from '../../resilience/call-limit.ts'
import type { LimiterStatus } from '../../resilience/limiter.ts'
import type { RuleFacts, Recommendation } from '../recommendations/recommendation.ts'
import type { Figures, FigureWindow, Series } from './figures.ts'
import type { Inspection } from '../recommendations/inspection.ts'
import { processLoad, type ProcessLoad } from './process-load.ts'
import { recommend } from '../recommendations/recommend.ts'
import type { SlowQuestion, SlowQuestions } from './slow-questions.ts'
import type { WindowLength } from './windows.ts'
import type { Config } from '../../config/terms.ts'

export interface Cost {
  readonly amount: number
  readonly currency: string
}

export type PerformanceWindow = Omit<FigureWindow, 'models'> & {
  readonly models: FigureWindow['models'] & { readonly cost: Cost | null }
}

/** The body of GET /monitoring/performance-metrics without the verdict. The route converts names to snake_case. */
export interface PerformanceReport {
  readonly at: string
  readonly uptimeS: number
  readonly version: string
  readonly windows: Readonly<Record<WindowLength, PerformanceWindow>>
  readonly breakers: Readonly<Record<string, string>>
  readonly limiter: { readonly limit: number; readonly inFlight: number; readonly queued: number } | null
  /** Calls to the language model; null without one. */
  readonly modelCalls: {
    readonly limit: number
    readonly inFlight: number
    readonly queued: number
    readonly saturated: boolean
  } | null
  /** Daily budgets of the language model, those of the service first. */
  readonly budgets: readonly BudgetStatus[]
  readonly pool: Pick<PoolStatus, 'checkedOut' | 'waiting' | 'open' | 'size' | 'maxOverflow'>
  readonly redis: { readonly state: string }
  readonly process: ProcessLoad & {
    readonly eventLoopUtilization: number | null
    readonly eventLoopDelayP99Ms: number | null
  }
  readonly slowQuestions: readonly SlowQuestion[]
  readonly recommendations: readonly Recommendation[]
  readonly series: Omit<Series, 'agoMs'> & { readonly from: string }
}

/** The status of parts that report it when asked. */
export interface Sources {
  readonly limiter: () => LimiterStatus
  readonly modelCalls: (() => CallLimitStatus) | null
  readonly breakers: () => Readonly<Record<string, BreakerState>>
  readonly caches: () => Readonly<Record<CacheType, { readonly entries: number; readonly bytes: number }>>
  readonly budgets: () => readonly BudgetStatus[]
}

export interface PerformanceParts {
  readonly config: RuleFacts['config'] & Pick<Config, 'models'>
  readonly version: string
  readonly figures: Figures
  readonly slow: SlowQuestions
  readonly inspection: Inspection
  readonly sources: Sources
  readonly isEmbedded: boolean
  readonly pool: () => PoolStatus
  readonly redis: () => string
  /** In milliseconds since 1970. */
  readonly now?: () => number
}

export interface Performance {
  /** Uses data in memory only, so it works while every dependency hangs. Takes 8–12 ms of work with full series. */
  report(): PerformanceReport
}

export function createPerformance({
  config,
  version,
  figures,
  slow,
  inspection,
  sources,
  isEmbedded,
  pool,
  redis,
  now = Date.now,
}: PerformanceParts): Performance {
  function facts(window: FigureWindow): RuleFacts {
    return {
      config,
      window,
      isEmbedded,
      pool: pool(),
      limiter: sources.limiter(),
      caches: sources.caches(),
      redis: redis(),
      inspected: inspection.latest(),
      at: now(),
    }
  }

  function report(): PerformanceReport {
    inspection.touch()
    const five = figures.read('5m')
    const windows = { '1m': priced(figures.read('1m')), '5m': priced(five), '15m': priced(figures.read('15m')) }
    const {
      pool: { checkedOut, waiting, open, size, maxOverflow },
      limiter,
      redis: state,
    } = facts(five)
    const { utilization, delayP99Ms } = windows['1m'].eventLoop
    const { agoMs, ...series } = figures.series()
    return {
      at: new Date(now()).toISOString(),
      uptimeS: Math.round(figures.uptimeMs() / 1000),
      version,
      windows,
      breakers: sources.breakers(),
      limiter: limiter && { limit: limiter.limit, inFlight: limiter.inFlight, queued: limiter.waiting },
      modelCalls: callsOf(sources.modelCalls),
      budgets: sources.budgets(),
      pool: { checkedOut, waiting, open, size, maxOverflow },
      redis: { state },
      process: { ...processLoad(), eventLoopUtilization: utilization, eventLoopDelayP99Ms: delayP99Ms },
      slowQuestions: slow.slowest(),
      recommendations: recommend(facts(five)),
      series: { ...series, from: new Date(now() - agoMs).toISOString() },
    }
  }

  function priced(window: FigureWindow): PerformanceWindow {
    return { ...window, models: { ...window.models, cost: costOf(window.models, config.models.prices) } }
  }

  return { report }
}

/** Rounded to a millionth. Null if no prices are set. */
export function costOf(
  { promptTokens, completionTokens }: Pick<FigureWindow['models'], 'promptTokens' | 'completionTokens'>,
  prices: Config['models']['prices'],
): Cost | null {
  if (prices === null) return null
  const amount = (promptTokens * prices.prompt + completionTokens * prices.completion) / 1e6
  return { amount: Math.round(amount * 1e6) / 1e6, currency: prices.currency }
}

function callsOf(status: Sources['modelCalls']): PerformanceReport['modelCalls'] {
  if (!status) return null
  const { limit, inFlight, waiting, isSaturated } = status()
  return { limit, inFlight, queued: waiting, saturated: isSaturated }
}
