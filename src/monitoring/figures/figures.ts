import type { SearchResult } from '../../ask/retrieval/find-passages.ts'
import type { Answer, CacheStatus, Degraded, Outcome, StageName, Usage } from '../../ask/terms.ts'
import { errorTable, type ErrorCode } from '../../errors.ts'
import type { CacheType } from '../../metrics/metrics.ts'
import { createRollingWindows, type Spread, type Window, type WindowLength } from './windows.ts'

export type { Spread, WindowLength } from './windows.ts'

export interface CacheWindow {
  readonly hits: number
  readonly misses: number
  /** Of the answers asked for: null where none was. */
  readonly hitRatio: number | null
  readonly near: number
  readonly stale: number
  readonly coalesced: number
  readonly evictions: number
}

/** What happened in one window. Times in milliseconds. */
export interface FigureWindow {
  readonly seconds: number
  readonly requests: number
  readonly perSecond: number
  /** Failures that are ours: 5xx, but for refusals. */
  readonly errors: number
  readonly errorRatio: number | null
  /** Every reply that was no answer, whoever was to blame. */
  readonly errorsByCode: Readonly<Record<string, number>>
  /** 429, and 503 because too much was asked. */
  readonly refused: number
  readonly degraded: number
  readonly degradedByReason: Readonly<Record<string, number>>
  readonly abstained: number
  readonly latencyMs: Readonly<Record<'all' | 'fast' | 'smart' | 'cached' | 'fresh', Spread>>
  readonly searchMs: Spread
  readonly firstTokenMs: Spread
  readonly stagesMs: Readonly<Record<string, Spread>>
  /** Stages in which the time ran out. */
  readonly deadlines: Readonly<Record<string, number>>
  readonly caches: Readonly<Record<CacheType, CacheWindow>>
  readonly models: {
    readonly calls: number
    readonly promptTokens: number
    readonly completionTokens: number
    readonly callsPerRequest: number | null
  }
  readonly retries: number
  /** Commands that came to nothing, by why. */
  readonly redisFailures: Readonly<Record<string, number>>
  /** Most that were seen to wait for a connection at once; null: nobody looked yet. */
  readonly poolWaitingMost: number | null
  readonly poolWaitMs: Spread
  readonly poolHoldMs: Spread
  /** Milliseconds that connections were held in all, by what for. */
  readonly heldMs: Readonly<Record<string, number>>
  readonly eventLoop: { readonly utilization: number | null; readonly delayP99Ms: number | null }
}

/** The last 15 minutes in steps of ten seconds, oldest first; null where nothing was. */
export interface Series {
  readonly stepS: number
  /** How long ago the first step began. */
  readonly agoMs: number
  readonly requests: readonly number[]
  readonly errors: readonly number[]
  readonly refused: readonly number[]
  readonly degraded: readonly number[]
  readonly p50Ms: readonly (number | null)[]
  readonly p95Ms: readonly (number | null)[]
  readonly cacheHits: readonly number[]
  readonly cacheMisses: readonly number[]
  readonly poolCheckedOut: readonly (number | null)[]
  readonly poolWaiting: readonly (number | null)[]
  readonly inFlight: readonly (number | null)[]
  readonly stagesP95Ms: Readonly<Record<string, readonly (number | null)[]>>
}

/** Levels at one moment; of each step the highest is kept. */
export interface Gauges {
  readonly poolCheckedOut: number
  readonly poolWaiting: number
  readonly inFlight: number
}

export type Figures = ReturnType<typeof createFigures>

const stageNames: readonly StageName[] = [
  'remember',
  'understand',
  'embed',
  'retrieve',
  'rerank',
  'pack',
  'generate',
  'extract',
  'save',
]
const refusals: ReadonlySet<string> = new Set<ErrorCode>(['rate_limited', 'overloaded'])

/** Series of answers, so that each is recorded once: by mode, and by whether it was made for this question. */
const answerSeries = {
  fast: { cached: 'answer fast cached', fresh: 'answer fast fresh' },
  smart: { cached: 'answer smart cached', fresh: 'answer smart fresh' },
} as const
const { fast, smart } = answerSeries
const latencySeries = {
  all: [fast.cached, fast.fresh, smart.cached, smart.fresh],
  fast: [fast.cached, fast.fresh],
  smart: [smart.cached, smart.fresh],
  cached: [fast.cached, smart.cached],
  fresh: [fast.fresh, smart.fresh],
} as const
const stageSeries = Object.fromEntries(stageNames.map(name => [name, [`stage ${name}`]]))
const givenNames: Readonly<Record<string, string>> = {
  hit: 'answer hits',
  near: 'answer near',
  stale: 'answer stale',
  coalesced: 'answer coalesced',
}

/** Figures over windows, told by those who tell the metrics (feed.ts). A cached answer costs .3 µs here: bench/monitoring. */
export function createFigures({ now }: { readonly now?: () => number } = {}) {
  const windows = createRollingWindows({ ...(now && { now }), charted: { all: latencySeries.all, ...stageSeries } })
  const { add, record, peak } = windows

  function answered(answer: Answer, ms: number): void {
    add('requests')
    record(answerSeries[answer.mode][isCached(answer.cache.status) ? 'cached' : 'fresh'], ms)
    if (answer.abstained) add('abstained')
    took(answer)
  }

  function searched(found: SearchResult, ms: number): void {
    add('requests')
    record('search', ms)
    took(found)
  }

  function took({ degraded, usage }: { readonly degraded: readonly Degraded[]; readonly usage: Usage }): void {
    if (degraded.length > 0) add('degraded')
    for (const reason of degraded) add(`degraded ${reason}`)
    if (usage.llmCalls === 0) return
    add('model calls', usage.llmCalls)
    add('prompt tokens', usage.promptTokens)
    add('completion tokens', usage.completionTokens)
  }

  function failed(code: string): void {
    add('requests')
    add(`code ${code}`)
    if (refusals.has(code)) add('refused')
    else if ((errorTable[code as ErrorCode]?.status ?? 500) >= 500 && code !== 'not_cached') add('errors')
  }

  function stage(name: StageName, outcome: Outcome, ms: number): void {
    record(`stage ${name}`, ms)
    if (outcome === 'deadline') add(`deadline ${name}`)
  }

  function held(ms: number, label: string): void {
    record('pool hold', ms)
    add(`held ${label}`, ms)
  }

  /** The event loop was at work for so long of the last `ms`. */
  function worked(activeMs: number, ms: number): void {
    add('loop active', activeMs)
    add('loop', ms)
  }

  function levels({ poolCheckedOut, poolWaiting, inFlight }: Gauges): void {
    peak('pool checked out', poolCheckedOut)
    peak('pool waiting', poolWaiting)
    peak('in flight', inFlight)
  }

  return {
    answered,
    searched,
    failed,
    stage,
    held,
    worked,
    late: (ms: number) => record('loop delay', ms),
    levels,
    firstToken: (ms: number) => record('first token', ms),
    waited: (ms: number) => record('pool wait', ms),
    retried: () => add('retries'),
    given: (status: string) => add(givenNames[status] ?? status),
    found: (type: CacheType) => add(`${type} hits`),
    missed: (type: CacheType) => add(`${type} misses`),
    evicted: (type: CacheType) => add(`${type} evictions`),
    redisFailed: (reason: string) => add(`redis ${reason}`),
    read: (length: WindowLength): FigureWindow => windowOf(windows.read(length)),
    series: (): Series => seriesOf(windows.chart()),
    uptimeMs: windows.uptimeMs,
  }
}

function isCached(status: CacheStatus): boolean {
  return status !== 'miss' && status !== 'bypass'
}

function windowOf(window: Window): FigureWindow {
  const { seconds, count, counts, peak, spread } = window
  const requests = count('requests')
  const calls = count('model calls')
  return {
    seconds,
    requests,
    perSecond: seconds > 0 ? rounded(requests / seconds, 100) : 0,
    errors: count('errors'),
    errorRatio: ratio(count('errors'), requests),
    errorsByCode: counts('code '),
    refused: count('refused'),
    degraded: count('degraded'),
    degradedByReason: counts('degraded '),
    abstained: count('abstained'),
    latencyMs: {
      all: spread(...latencySeries.all),
      fast: spread(...latencySeries.fast),
      smart: spread(...latencySeries.smart),
      cached: spread(...latencySeries.cached),
      fresh: spread(...latencySeries.fresh),
    },
    searchMs: spread('search'),
    firstTokenMs: spread('first token'),
    stagesMs: Object.fromEntries(
      stageNames.map(name => [name, spread(`stage ${name}`)] as const).filter(([, { count: many }]) => many > 0),
    ),
    deadlines: counts('deadline '),
    caches: {
      answer: cacheOf(window, 'answer'),
      draft: cacheOf(window, 'draft'),
      embedding: cacheOf(window, 'embedding'),
    },
    models: {
      calls,
      promptTokens: count('prompt tokens'),
      completionTokens: count('completion tokens'),
      callsPerRequest: ratio(calls, requests),
    },
    retries: count('retries'),
    redisFailures: counts('redis '),
    poolWaitingMost: peak('pool waiting'),
    poolWaitMs: spread('pool wait'),
    poolHoldMs: spread('pool hold'),
    heldMs: Object.fromEntries(Object.entries(counts('held ')).map(([label, ms]) => [label, Math.round(ms)])),
    eventLoop: { utilization: ratio(count('loop active'), count('loop')), delayP99Ms: spread('loop delay').p99 },
  }
}

function cacheOf({ count }: Window, type: CacheType): CacheWindow {
  const of = (what: string) => count(`${type} ${what}`)
  const [hits, misses, near, stale, coalesced] = [of('hits'), of('misses'), of('near'), of('stale'), of('coalesced')]
  const given = hits + near + stale + coalesced
  return { hits, misses, hitRatio: ratio(given, given + misses), near, stale, coalesced, evictions: of('evictions') }
}

function seriesOf({ agoMs, points }: ReturnType<ReturnType<typeof createRollingWindows>['chart']>): Series {
  const counted = (name: string) => points.map(point => point?.count(name) ?? 0)
  const level = (name: string) => points.map(point => point?.peak(name) ?? null)
  const p95 = (name: string) => points.map(point => point?.spread(name).p95 ?? null)
  return {
    stepS: 10,
    agoMs,
    requests: counted('requests'),
    errors: counted('errors'),
    refused: counted('refused'),
    degraded: counted('degraded'),
    p50Ms: points.map(point => point?.spread('all').p50 ?? null),
    p95Ms: p95('all'),
    cacheHits: points.map(point =>
      ['hits', 'near', 'stale', 'coalesced'].reduce((sum, what) => sum + (point?.count(`answer ${what}`) ?? 0), 0),
    ),
    cacheMisses: counted('answer misses'),
    poolCheckedOut: level('pool checked out'),
    poolWaiting: level('pool waiting'),
    inFlight: level('in flight'),
    stagesP95Ms: Object.fromEntries(
      stageNames.map(name => [name, p95(name)] as const).filter(([, values]) => values.some(value => value !== null)),
    ),
  }
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? rounded(part / whole, 10_000) : null
}

function rounded(value: number, steps: number): number {
  return Math.round(value * steps) / steps
}
