import type { CacheWindow } from '../figures/figures.ts'
import type { PerformanceReport, PerformanceWindow } from '../figures/report.ts'
import type { SlowQuestion } from '../figures/slow-questions.ts'
import type { Spread } from '../figures/windows.ts'
import type { Verdict } from '../findings/findings.ts'
import { mergedVerdict } from './findings.ts'
import {
  highestOf,
  mergedBy,
  mergedSpread,
  mergedSteps,
  ratioOf,
  sumOf,
  sumOfCounts,
  sumOfKnown,
  worstOf,
  worstRedis,
} from './values.ts'

type Report = Verdict & PerformanceReport

const breakerStates = ['closed', 'half-open', 'open']
const maxShown = 10

/**
 * The reports of several processes as one. Counts, rates and sizes are summed; ratios are computed from the sums;
 * quantiles are the highest ones ({@link mergedSpread}). Recommendations are those of any process, each once.
 */
export function mergedReport(all: readonly Report[]): Report {
  const [own] = all as [Report, ...Report[]]
  const windows = (length: keyof Report['windows']) => mergedWindow(all.map(report => report.windows[length]))
  return {
    ...mergedVerdict(all),
    at: own.at,
    uptimeS: Math.max(...all.map(({ uptimeS }) => uptimeS)),
    version: own.version,
    windows: { '1m': windows('1m'), '5m': windows('5m'), '15m': windows('15m') },
    breakers: mergedBy(
      all.map(({ breakers }) => breakers),
      states => worstOf(breakerStates, states),
    ),
    limiter: mergedNumbers(all.flatMap(({ limiter }) => limiter ?? [])),
    modelCalls: mergedCalls(all.flatMap(({ modelCalls }) => modelCalls ?? [])),
    pool: mergedNumbers(all.map(({ pool }) => pool)) ?? own.pool,
    redis: worstRedis(all.map(({ redis }) => redis)),
    budgets: mergedBudgets(all.flatMap(({ budgets }) => budgets)),
    process: mergedProcess(all.map(report => report.process)),
    slowQuestions: mergedSlow(all.flatMap(({ slowQuestions }) => slowQuestions)),
    recommendations: [
      ...new Map(all.flatMap(({ recommendations }) => recommendations).map(each => [each.id, each])).values(),
    ],
    series: mergedSeries(all.map(({ series }) => series)),
  }
}

/** Sums every number. Null without any. */
function mergedNumbers<T extends Readonly<Record<keyof T, number>>>(all: readonly T[]): T | null {
  return all.length === 0 ? null : (sumOfCounts(all as readonly Record<string, number>[]) as T)
}

function mergedCalls(all: readonly NonNullable<Report['modelCalls']>[]): Report['modelCalls'] {
  if (all.length === 0) return null
  return {
    limit: sumOf(all, ({ limit }) => limit),
    inFlight: sumOf(all, ({ inFlight }) => inFlight),
    queued: sumOf(all, ({ queued }) => queued),
    saturated: all.some(({ saturated }) => saturated),
  }
}

function mergedProcess(all: readonly Report['process'][]): Report['process'] {
  return {
    rssMb: sumOf(all, ({ rssMb }) => rssMb),
    heapMb: sumOf(all, ({ heapMb }) => heapMb),
    heapLimitMb: sumOf(all, ({ heapLimitMb }) => heapLimitMb),
    eventLoopUtilization: highestOf(all.map(({ eventLoopUtilization }) => eventLoopUtilization)),
    eventLoopDelayP99Ms: highestOf(all.map(({ eventLoopDelayP99Ms }) => eventLoopDelayP99Ms)),
  }
}

/** Each process knows, or estimates, what all have used. */
function mergedBudgets(all: Report['budgets']): Report['budgets'] {
  const byName = Map.groupBy(all, ({ scope, name, unit }) => JSON.stringify([scope, name, unit]))
  return Array.from(byName.values(), same => same.reduce((one, other) => (other.used > one.used ? other : one)))
}

function mergedSlow(all: readonly SlowQuestion[]): SlowQuestion[] {
  const byFingerprint = Map.groupBy(all, ({ fingerprint }) => fingerprint)
  return [...byFingerprint.values()]
    .map(same => {
      const slowest = same.reduce((one, other) => (other.maxMs > one.maxMs ? other : one))
      const lastAt = same.map(each => each.lastAt).reduce((one, other) => (other > one ? other : one))
      return { ...slowest, lastAt, count: sumOf(same, ({ count }) => count) }
    })
    .toSorted((a, b) => b.maxMs - a.maxMs)
    .slice(0, maxShown)
}

function mergedWindow(all: readonly PerformanceWindow[]): PerformanceWindow {
  const sum = (pick: (window: PerformanceWindow) => number) => sumOf(all, pick)
  const spreads = (pick: (window: PerformanceWindow) => Readonly<Record<string, Spread>>) =>
    mergedBy(all.map(pick), mergedSpread)
  const [requests, errors] = [sum(window => window.requests), sum(window => window.errors)]
  return {
    seconds: Math.max(...all.map(({ seconds }) => seconds)),
    requests,
    perSecond: Math.round(sum(({ perSecond }) => perSecond) * 100) / 100,
    errors,
    errorRatio: ratioOf(errors, requests),
    errorsByCode: sumOfCounts(all.map(({ errorsByCode }) => errorsByCode)),
    refused: sum(({ refused }) => refused),
    refusedBy: sumOfCounts(all.map(({ refusedBy }) => refusedBy)),
    limitedBy: sumOfCounts(all.map(({ limitedBy }) => limitedBy)),
    shedBy: sumOfCounts(all.map(({ shedBy }) => shedBy)),
    degraded: sum(({ degraded }) => degraded),
    degradedByReason: sumOfCounts(all.map(({ degradedByReason }) => degradedByReason)),
    abstained: sum(({ abstained }) => abstained),
    smallTalk: sum(({ smallTalk }) => smallTalk),
    latencyMs: spreads(({ latencyMs }) => latencyMs) as PerformanceWindow['latencyMs'],
    searchMs: mergedSpread(all.map(({ searchMs }) => searchMs)),
    firstTokenMs: mergedSpread(all.map(({ firstTokenMs }) => firstTokenMs)),
    stagesMs: spreads(({ stagesMs }) => stagesMs),
    deadlines: sumOfCounts(all.map(({ deadlines }) => deadlines)),
    caches: mergedBy(
      all.map(({ caches }) => caches),
      mergedCache,
    ) as PerformanceWindow['caches'],
    models: mergedModels(
      all.map(({ models }) => models),
      requests,
    ),
    retries: sum(({ retries }) => retries),
    redisFailures: sumOfCounts(all.map(({ redisFailures }) => redisFailures)),
    poolWaitingMost: sumOfKnown(all.map(({ poolWaitingMost }) => poolWaitingMost)),
    poolWaitMs: mergedSpread(all.map(({ poolWaitMs }) => poolWaitMs)),
    poolHoldMs: mergedSpread(all.map(({ poolHoldMs }) => poolHoldMs)),
    heldMs: sumOfCounts(all.map(({ heldMs }) => heldMs)),
    eventLoop: {
      utilization: highestOf(all.map(({ eventLoop }) => eventLoop.utilization)),
      delayP99Ms: highestOf(all.map(({ eventLoop }) => eventLoop.delayP99Ms)),
    },
  }
}

function mergedCache(all: readonly CacheWindow[]): CacheWindow {
  const sum = (pick: (window: CacheWindow) => number) => sumOf(all, pick)
  const counts = {
    hits: sum(({ hits }) => hits),
    misses: sum(({ misses }) => misses),
    near: sum(({ near }) => near),
    stale: sum(({ stale }) => stale),
    coalesced: sum(({ coalesced }) => coalesced),
    evictions: sum(({ evictions }) => evictions),
  }
  const served = counts.hits + counts.near + counts.stale + counts.coalesced
  return { ...counts, hitRatio: ratioOf(served, served + counts.misses) }
}

function mergedModels(all: readonly PerformanceWindow['models'][], requests: number): PerformanceWindow['models'] {
  const calls = sumOf(all, each => each.calls)
  const costs = all.flatMap(({ cost }) => cost ?? [])
  return {
    calls,
    promptTokens: sumOf(all, ({ promptTokens }) => promptTokens),
    completionTokens: sumOf(all, ({ completionTokens }) => completionTokens),
    callsPerRequest: ratioOf(calls, requests),
    cost: costs[0] ? { ...costs[0], amount: Math.round(sumOf(costs, ({ amount }) => amount) * 1e6) / 1e6 } : null,
  }
}

/** Each process has its own steps of ten seconds, so an event may appear one step away from its time. */
function mergedSeries(all: readonly Report['series'][]): Report['series'] {
  const counts = (pick: (series: Report['series']) => readonly number[]) =>
    mergedSteps(all.map(pick), values => sumOf(values, value => value))
  const peaks = (pick: (series: Report['series']) => readonly (number | null)[]) =>
    mergedSteps(all.map(pick), sumOfKnown)
  const longest = all.reduce((one, other) => (other.requests.length > one.requests.length ? other : one))
  return {
    stepS: longest.stepS,
    from: longest.from,
    requests: counts(({ requests }) => requests),
    errors: counts(({ errors }) => errors),
    refused: counts(({ refused }) => refused),
    degraded: counts(({ degraded }) => degraded),
    p50Ms: mergedSteps(
      all.map(({ p50Ms }) => p50Ms),
      highestOf,
    ),
    p95Ms: mergedSteps(
      all.map(({ p95Ms }) => p95Ms),
      highestOf,
    ),
    cacheHits: counts(({ cacheHits }) => cacheHits),
    cacheMisses: counts(({ cacheMisses }) => cacheMisses),
    poolCheckedOut: peaks(({ poolCheckedOut }) => poolCheckedOut),
    poolWaiting: peaks(({ poolWaiting }) => poolWaiting),
    inFlight: peaks(({ inFlight }) => inFlight),
    stagesP95Ms: mergedBy(
      all.map(({ stagesP95Ms }) => stagesP95Ms),
      steps => mergedSteps(steps, highestOf),
    ),
  }
}
