import t from 'tap'
import type { Answer } from '../../../../src/ask/terms.ts'
import { createFigures } from '../../../../src/monitoring/figures/figures.ts'
import { costOf } from '../../../../src/monitoring/figures/report.ts'
import { manualClock } from '../../../support/clock.ts'

function answerOf(more: Partial<Answer> = {}): Answer {
  return {
    text: '',
    abstained: false,
    language: 'en',
    mode: 'fast',
    citations: [],
    passages: [],
    cache: { status: 'miss' },
    degraded: [],
    generator: 'llm',
    model: null,
    usage: { llmCalls: 1, promptTokens: 100, completionTokens: 10 },
    ...more,
  }
}

const noUsage = { llmCalls: 0, promptTokens: 0, completionTokens: 0 }

t.test('answers are told apart by mode, and by whether they were remembered', async t => {
  const figures = createFigures({ now: () => 0 })
  figures.answered(answerOf(), 1000)
  figures.answered(answerOf({ mode: 'smart', abstained: true, degraded: ['rerank', 'cache'] }), 2000)
  for (const status of ['hit', 'near', 'stale', 'coalesced'] as const)
    figures.answered(answerOf({ cache: { status }, usage: noUsage }), 1)
  const { requests, abstained, degraded, degradedByReason, latencyMs, models } = figures.read('1m')
  t.match(
    { requests, abstained, degraded, degradedByReason },
    { requests: 6, abstained: 1, degraded: 1, degradedByReason: { rerank: 1, cache: 1 } },
  )
  t.same(Object.fromEntries(Object.entries(latencyMs).map(([name, { count }]) => [name, count])), {
    all: 6,
    fast: 5,
    smart: 1,
    cached: 4,
    fresh: 2,
  })
  t.same(models, { calls: 2, promptTokens: 200, completionTokens: 20, callsPerRequest: 0.3333 })
})

t.test('a refusal is no error, nor is what the caller did', async t => {
  const figures = createFigures({ now: () => 0 })
  for (const code of [
    'overloaded',
    'rate_limited',
    'cancelled',
    'unknown_collection',
    'not_cached',
    'database_unavailable',
    'internal',
    'deadline_exceeded',
  ])
    figures.failed(code)
  const { requests, errors, refused, errorRatio, errorsByCode } = figures.read('1m')
  t.same({ requests, errors, refused, errorRatio }, { requests: 8, errors: 3, refused: 2, errorRatio: 0.375 })
  t.equal(errorsByCode['cancelled'], 1)
})

t.test("a cache's ratio counts all that was given", async t => {
  const figures = createFigures({ now: () => 0 })
  for (const status of ['hit', 'near', 'stale', 'coalesced']) figures.servedFromCache(status)
  figures.missed('answer')
  figures.evicted('answer')
  t.same(figures.read('1m').caches.answer, {
    hits: 1,
    misses: 1,
    hitRatio: 0.8,
    near: 1,
    stale: 1,
    coalesced: 1,
    evictions: 1,
  })
  t.equal(figures.read('1m').caches.draft.hitRatio, null)
})

t.test('the series has a step for every ten seconds, empty ones too', async t => {
  const clock = manualClock()
  const figures = createFigures({ now: clock.now })
  figures.answered(answerOf(), 100)
  figures.stage('generate', 'ok', 80)
  figures.gauges({ poolCheckedOut: 4, poolWaiting: 0, inFlight: 2 })
  clock.advance(20_000)
  figures.failed('internal')
  figures.failed('overloaded')
  clock.advance(10_000)
  const { requests, errors, refused, p50Ms, poolCheckedOut, inFlight, stagesP95Ms } = figures.series()
  t.same(
    { requests, errors, refused, poolCheckedOut, inFlight },
    {
      requests: [1, 0, 2],
      errors: [0, 0, 1],
      refused: [0, 0, 1],
      poolCheckedOut: [4, null, null],
      inFlight: [2, null, null],
    },
  )
  t.ok(Math.abs(p50Ms[0]! - 100) <= 1)
  t.same([p50Ms[1], p50Ms[2]], [null, null])
  t.same(Object.keys(stagesP95Ms), ['generate'])
})

t.test('what connections are held for, and where the time ran out', async t => {
  const figures = createFigures({ now: () => 0 })
  figures.held(30, 'retrieve')
  figures.held(10, 'near')
  figures.stage('retrieve', 'deadline', 500)
  figures.stage('retrieve', 'ok', 5)
  const { heldMs, poolHoldMs, deadlines } = figures.read('1m')
  t.same(heldMs, { retrieve: 30, near: 10 })
  t.equal(poolHoldMs.count, 2)
  t.same(deadlines, { retrieve: 1 })
})

t.test('money is told where prices are set', async t => {
  const used = { promptTokens: 2_000_000, completionTokens: 500_000 }
  t.same(costOf(used, { prompt: 0.15, completion: 0.6, currency: 'EUR' }), { amount: 0.6, currency: 'EUR' })
  t.equal(costOf(used, null), null)
})
