import t from 'tap'
import { createFigures } from '../../../../src/monitoring/figures/figures.ts'
import type { PerformanceReport } from '../../../../src/monitoring/figures/report.ts'
import { mergedReport } from '../../../../src/monitoring/merged/performance.ts'
import type { Verdict } from '../../../../src/monitoring/findings/findings.ts'

type Report = Verdict & PerformanceReport

const finding = (code: string, severity: 'info' | 'warning' | 'critical') =>
  ({ culprit: 'process', code, severity, detail: `${severity} ${code}` }) as const

/** The report of a process in which each stage took this long, `times` times. */
function reportOf(times: number, ms: number, changes: Partial<Report> = {}): Report {
  const figures = createFigures({ longWaitMs: 50 })
  for (let i = 0; i < times; i++) {
    figures.subscriber.stageEnded?.('retrieve', 'ok', ms / 1000)
    figures.subscriber.cacheMissed?.('answer')
    figures.subscriber.questionFailed?.({} as never, i === 0 ? 'internal' : 'overloaded', {} as never)
  }
  const window = figures.read('1m')
  const priced = { ...window, models: { ...window.models, cost: { amount: 0.5, currency: 'USD' } } }
  return {
    verdict: 'ok',
    findings: [],
    at: '2026-01-01T00:00:00.000Z',
    uptimeS: 60,
    version: '1',
    windows: { '1m': priced, '5m': priced, '15m': priced },
    breakers: { database: 'closed', chat: 'closed' },
    limiter: { limit: 20, inFlight: 2, queued: 1 },
    modelCalls: null,
    budgets: [],
    pool: { checkedOut: 1, waiting: 0, open: 5, size: 10, maxOverflow: 15 },
    redis: { state: 'off' },
    process: { rssMb: 100, heapMb: 50, heapLimitMb: 500, eventLoopUtilization: 0.2, eventLoopDelayP99Ms: 3 },
    slowQuestions: [],
    recommendations: [],
    series: { ...figures.series(), from: '2026-01-01T00:00:00.000Z', requests: [times] },
    ...changes,
  }
}

t.test('counts and sizes are summed, ratios come from the sums, quantiles are the highest', async t => {
  const merged = mergedReport([reportOf(2, 10), reportOf(6, 40)])
  const { '1m': window } = merged.windows
  t.match(window, { requests: 8, errors: 2, errorRatio: 0.25, refused: 6 })
  t.same(window.errorsByCode, { internal: 2, overloaded: 6 })
  t.equal(window.stagesMs['retrieve']?.count, 8)
  t.ok(Math.abs((window.stagesMs['retrieve']?.p95 ?? 0) - 40) < 1)
  t.match(window.caches.answer, { misses: 8, hits: 0, hitRatio: 0 })
  t.same(window.models.cost, { amount: 1, currency: 'USD' })
  t.same(merged.limiter, { limit: 40, inFlight: 4, queued: 2 })
  t.same(merged.pool, { checkedOut: 2, waiting: 0, open: 10, size: 20, maxOverflow: 30 })
  t.match(merged.process, { rssMb: 200, heapLimitMb: 1000, eventLoopUtilization: 0.2 })
  t.same(merged.series.requests, [8])
  t.equal(merged.modelCalls, null)
})

t.test('states: the worst, and each finding once', async t => {
  const merged = mergedReport([
    reportOf(1, 1, { verdict: 'degraded', findings: [finding('one', 'warning'), finding('both', 'info')] }),
    reportOf(1, 1, {
      verdict: 'failing',
      findings: [finding('both', 'critical')],
      breakers: { database: 'open', chat: 'half-open' },
      redis: { state: 'deaf' },
    }),
  ])
  t.equal(merged.verdict, 'failing')
  t.same(
    merged.findings.map(({ detail }) => detail),
    ['critical both', 'warning one'],
  )
  t.same(merged.breakers, { database: 'open', chat: 'half-open' })
  t.equal(merged.redis.state, 'deaf')
})

t.test('slow questions: equal ones together, the slowest first', async t => {
  const slow = (fingerprint: string, maxMs: number, lastAt: string) => ({
    fingerprint,
    count: 1,
    maxMs,
    lastAt,
    mode: null,
    language: null,
    slowestStage: null,
  })
  const merged = mergedReport([
    reportOf(1, 1, { slowQuestions: [slow('a', 10, '2026-01-02'), slow('b', 20, '2026-01-01')] }),
    reportOf(1, 1, { slowQuestions: [slow('a', 30, '2026-01-01')] }),
  ])
  t.same(
    merged.slowQuestions.map(({ fingerprint, count, maxMs, lastAt }) => [fingerprint, count, maxMs, lastAt]),
    [
      ['a', 2, 30, '2026-01-02'],
      ['b', 1, 20, '2026-01-01'],
    ],
  )
})

t.test('series of processes that started at different times end together', async t => {
  const series = (requests: readonly number[]) => {
    const report = reportOf(0, 1)
    return { ...report, series: { ...report.series, requests } }
  }
  t.same(mergedReport([series([1, 2, 3]), series([10])]).series.requests, [1, 2, 13])
})
