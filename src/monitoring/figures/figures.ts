import type { Degraded } from '../../ask/terms/answer.ts'
import type { CacheStatus } from '../../ask/terms/caching.ts'
import type { StageName } from '../../ask/terms/run.ts'
import type { Usage } from '../../ask/terms/usage.ts'
import { errorTable, type ErrorCode } from '../../errors.ts'
import type { CacheType, Subscriber } from '../../events.ts'
import { createRollingWindows, type RollingWindows, type Spread, type Window, type WindowLength } from './windows.ts'

export type { Spread, WindowLength } from './windows.ts'

export interface CacheWindow {
  readonly hits: number
  readonly misses: number
  /** Null if there were no lookups. */
  readonly hitRatio: number | null
  readonly near: number
  readonly stale: number
  readonly coalesced: number
  readonly evictions: number
}

/** What happened in one window. Times are in milliseconds. */
export interface FigureWindow {
  readonly seconds: number
  readonly requests: number
  readonly perSecond: number
  /** Failures of the service: 5xx except rejections. */
  readonly errors: number
  readonly errorRatio: number | null
  /** All failures, including those of the caller. */
  readonly errorsByCode: Readonly<Record<string, number>>
  /** Rejections: 429, and 503 because of overload. */
  readonly refused: number
  /** Requests of all routes that a rate limit rejected: that of an `address` or of a `key`. */
  readonly limitedBy: Readonly<Record<string, number>>
  /** Fresh runs that admission rejected, by reason. */
  readonly refusedBy: Readonly<Record<string, number>>
  /** Requests rejected because the event `loop` is late or the `heap` is full. */
  readonly shedBy: Readonly<Record<string, number>>
  readonly degraded: number
  readonly degradedByReason: Readonly<Record<string, number>>
  readonly abstained: number
  /** Replies to greetings, thanks and goodbyes: requests, but no answers. */
  readonly smallTalk: number
  readonly latencyMs: Readonly<Record<'all' | 'fast' | 'smart' | 'cached' | 'fresh', Spread>>
  readonly searchMs: Spread
  readonly firstTokenMs: Spread
  readonly stagesMs: Readonly<Record<string, Spread>>
  /** Timeouts by stage. */
  readonly deadlines: Readonly<Record<string, number>>
  readonly caches: Readonly<Record<CacheType, CacheWindow>>
  readonly models: {
    readonly calls: number
    readonly promptTokens: number
    readonly completionTokens: number
    readonly callsPerRequest: number | null
  }
  readonly retries: number
  /** Failed commands by reason. */
  readonly redisFailures: Readonly<Record<string, number>>
  /** Highest number of requests seen waiting for a connection. Null before the first sample. */
  readonly poolWaitingMost: number | null
  readonly poolWaitMs: Spread
  readonly poolHoldMs: Spread
  /** Total milliseconds that connections were held, by purpose. */
  readonly heldMs: Readonly<Record<string, number>>
  readonly eventLoop: { readonly utilization: number | null; readonly delayP99Ms: number | null }
}

/** The last 15 minutes in steps of ten seconds, oldest first. Null where there is no value. */
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

/** Momentary values. Each step of a series shows its highest one. */
export interface Gauges {
  readonly poolCheckedOut: number
  readonly poolWaiting: number
  readonly inFlight: number
}

export type Figures = ReturnType<typeof createFigures>

const stagesInOrder: Readonly<Record<StageName, true>> = {
  remember: true,
  admit: true,
  understand: true,
  embed: true,
  retrieve: true,
  rerank: true,
  generate: true,
  ground: true,
  extract: true,
}
const stageNames = Object.keys(stagesInOrder) as readonly StageName[]
const rejectionCodes: ReadonlySet<string> = new Set<ErrorCode>(['rate_limited', 'overloaded'])

/** Latency series by mode and by whether the answer was cached, so that each answer is recorded only once. */
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
const hitNames: Readonly<Record<Exclude<CacheStatus, 'miss' | 'bypass'>, string>> = {
  hit: 'answer hits',
  near: 'answer near',
  stale: 'answer stale',
  coalesced: 'answer coalesced',
}

export interface FiguresOptions {
  /** A wait for a connection that counts as long. */
  readonly longWaitMs: number
  readonly now?: () => number
}

/**
 * Statistics over rolling windows, from events. Names of counts are closed lists of short words, some with a prefix:
 * `failed:overloaded`, `chat:silent`, `deadline:retrieve`.
 */
export function createFigures({ longWaitMs, now }: FiguresOptions) {
  const windows = createRollingWindows({ ...(now && { now }), charted: { all: latencySeries.all, ...stageSeries } })
  const { add, record, peak } = windows

  /** The event loop was active for `activeMs` of the last `ms`. */
  function loopActive(activeMs: number, ms: number): void {
    add('loop active', activeMs)
    add('loop', ms)
  }

  function gauges({ poolCheckedOut, poolWaiting, inFlight }: Gauges): void {
    peak('pool checked out', poolCheckedOut)
    peak('pool waiting', poolWaiting)
    peak('in flight', inFlight)
  }

  /** Waits for and holds of pooled connections over the last minute. */
  function poolTimes(): { readonly waitMs: Spread; readonly holdMs: Spread } {
    const { spread } = windows.read('1m')
    return { waitMs: spread('pool wait'), holdMs: spread('pool hold') }
  }

  return {
    subscriber: countEvents(windows, longWaitMs),
    count: add,
    recent: windows.recent,
    poolTimes,
    loopActive,
    loopDelay: (ms: number) => record('loop delay', ms),
    gauges,
    read: (length: WindowLength): FigureWindow => windowOf(windows.read(length)),
    series: (): Series => seriesOf(windows.chart()),
    uptimeMs: windows.uptimeMs,
  }
}

function countEvents({ add, record }: Pick<RollingWindows, 'add' | 'record'>, longWaitMs: number): Subscriber {
  function countUsage({ degraded, usage }: { readonly degraded: readonly Degraded[]; readonly usage: Usage }): void {
    if (degraded.length > 0) add('degraded')
    for (const reason of degraded) add(`degraded:${reason}`)
    if (usage.llmCalls === 0) return
    add('model calls', usage.llmCalls)
    add('prompt tokens', usage.promptTokens)
    add('completion tokens', usage.completionTokens)
  }

  function countFailure(code: string): void {
    add('requests')
    add(`failed:${code}`)
    if (rejectionCodes.has(code)) add('refused')
    else if ((errorTable[code as ErrorCode]?.status ?? 500) >= 500 && code !== 'not_cached') add('errors')
  }

  return {
    questionAnswered(_, answer, { ms }) {
      add('requests')
      record(answerSeries[answer.mode][isCached(answer.cache.status) ? 'cached' : 'fresh'], ms)
      if (answer.abstained) add('abstained')
      if (answer.isSmallTalk) add('small talk')
      countUsage(answer)
    },
    passagesFound(_, result, { ms }) {
      add('requests')
      record('search', ms)
      countUsage(result)
    },
    questionFailed: (_, code) => countFailure(code),
    questionRejected(code) {
      countFailure(code)
      add('rejected')
    },
    runRefused: (_, reason) => add(`refused:${reason}`),
    stageEnded(stage, outcome, seconds) {
      record(`stage ${stage}`, seconds * 1000)
      if (outcome === 'deadline') add(`deadline:${stage}`)
    },
    stageStreamed: (_, seconds) => record('first token', seconds * 1000),
    answerReused: status => add(hitNames[status]),
    completionReused: () => add('draft hits'),
    vectorReused: () => add('embedding hits'),
    cacheMissed: type => add(`${type} misses`),
    cacheEvicted: type => add(`${type} evictions`),
    callDeclined: model => add(`${model}:declined`),
    modelEnded: (model, fault) => add(`${model}:${fault ?? 'ok'}`),
    callRetried: () => add('retries'),
    textsEmbedded: count => add('texts embedded', count),
    connectionLeased(seconds, wasQueued) {
      record('pool wait', seconds * 1000)
      if (wasQueued && seconds * 1000 >= longWaitMs) add('pool:waited')
    },
    connectionReturned(seconds, label) {
      record('pool hold', seconds * 1000)
      add(`held:${label}`, seconds * 1000)
    },
    databaseFailed: fault => add(`database:${fault}`),
    redisFailed: reason => add(`redis:${reason}`),
    redisLost: () => add('redis lost'),
    requestUnparsed: code => add(`unparsed:${code}`),
    requestShed: by => add(`shed:${by}`),
    requestLimited: by => add(`limited:${by}`),
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
    errorsByCode: counts('failed:'),
    refused: count('refused'),
    limitedBy: counts('limited:'),
    refusedBy: counts('refused:'),
    shedBy: counts('shed:'),
    degraded: count('degraded'),
    degradedByReason: counts('degraded:'),
    abstained: count('abstained'),
    smallTalk: count('small talk'),
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
    deadlines: counts('deadline:'),
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
    redisFailures: counts('redis:'),
    poolWaitingMost: peak('pool waiting'),
    poolWaitMs: spread('pool wait'),
    poolHoldMs: spread('pool hold'),
    heldMs: Object.fromEntries(Object.entries(counts('held:')).map(([label, ms]) => [label, Math.round(ms)])),
    eventLoop: { utilization: ratio(count('loop active'), count('loop')), delayP99Ms: spread('loop delay').p99 },
  }
}

function cacheOf({ count }: Window, type: CacheType): CacheWindow {
  const of = (event: string) => count(`${type} ${event}`)
  const [hits, misses, near, stale, coalesced] = [of('hits'), of('misses'), of('near'), of('stale'), of('coalesced')]
  const served = hits + near + stale + coalesced
  return { hits, misses, hitRatio: ratio(served, served + misses), near, stale, coalesced, evictions: of('evictions') }
}

function seriesOf({ agoMs, points }: ReturnType<ReturnType<typeof createRollingWindows>['chart']>): Series {
  const counts = (name: string) => points.map(point => point?.count(name) ?? 0)
  const peaks = (name: string) => points.map(point => point?.peak(name) ?? null)
  const p95 = (name: string) => points.map(point => point?.spread(name).p95 ?? null)
  return {
    stepS: 10,
    agoMs,
    requests: counts('requests'),
    errors: counts('errors'),
    refused: counts('refused'),
    degraded: counts('degraded'),
    p50Ms: points.map(point => point?.spread('all').p50 ?? null),
    p95Ms: p95('all'),
    cacheHits: points.map(point =>
      ['hits', 'near', 'stale', 'coalesced'].reduce((sum, kind) => sum + (point?.count(`answer ${kind}`) ?? 0), 0),
    ),
    cacheMisses: counts('answer misses'),
    poolCheckedOut: peaks('pool checked out'),
    poolWaiting: peaks('pool waiting'),
    inFlight: peaks('in flight'),
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
