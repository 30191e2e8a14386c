import t from 'tap'
import type { Answer } from '../../../../src/ask/terms/answer.ts'
import type { Question } from '../../../../src/ask/terms/question.ts'
import { createFigures } from '../../../../src/monitoring/figures/figures.ts'
import { costOf } from '../../../../src/monitoring/figures/report.ts'
import { factsOf } from '../../../support/ask-facts.ts'
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

const question: Question = {
  text: 'Why?',
  collection: 'default',
  mode: 'auto',
  topK: 5,
  filters: {},
  language: undefined,
  history: [],
}
const noUsage = { llmCalls: 0, promptTokens: 0, completionTokens: 0 }

t.test('answers are told apart by mode, and by whether they were remembered', async t => {
  const figures = createFigures({ longWaitMs: 50, now: () => 0 })
  figures.subscriber.questionAnswered!(question, answerOf(), factsOf({ ms: 1000 }))
  figures.subscriber.questionAnswered!(
    question,
    answerOf({ mode: 'smart', abstained: true, degraded: ['rerank', 'cache'] }),
    factsOf({ ms: 2000 }),
  )
  for (const status of ['hit', 'near', 'stale', 'coalesced'] as const)
    figures.subscriber.questionAnswered!(question, answerOf({ cache: { status }, usage: noUsage }), factsOf({ ms: 1 }))
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
  const figures = createFigures({ longWaitMs: 50, now: () => 0 })
  for (const code of [
    'overloaded',
    'rate_limited',
    'cancelled',
    'unknown_collection',
    'not_cached',
    'database_unavailable',
    'internal',
    'deadline_exceeded',
  ] as const)
    figures.subscriber.questionFailed!(question, code, factsOf())
  const { requests, errors, refused, errorRatio, errorsByCode } = figures.read('1m')
  t.same({ requests, errors, refused, errorRatio }, { requests: 8, errors: 3, refused: 2, errorRatio: 0.375 })
  t.equal(errorsByCode['cancelled'], 1)
})

t.test("a cache's ratio counts all that was given", async t => {
  const figures = createFigures({ longWaitMs: 50, now: () => 0 })
  for (const status of ['hit', 'near', 'stale', 'coalesced'] as const)
    figures.subscriber.answerReused!(status, 'memory', { answer: answerOf(), tookMs: 1 })
  figures.subscriber.cacheMissed!('answer')
  figures.subscriber.cacheEvicted!('answer')
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
  const figures = createFigures({ longWaitMs: 50, now: clock.now })
  figures.subscriber.questionAnswered!(question, answerOf(), factsOf({ ms: 100 }))
  figures.subscriber.stageEnded!('generate', 'ok', 0.08)
  figures.gauges({ poolCheckedOut: 4, poolWaiting: 0, inFlight: 2 })
  clock.advance(20_000)
  figures.subscriber.questionFailed!(question, 'internal', factsOf())
  figures.subscriber.questionFailed!(question, 'overloaded', factsOf())
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

t.test('the wait for admission is a stage like the others', async t => {
  const figures = createFigures({ longWaitMs: 50, now: () => 0 })
  figures.subscriber.stageEnded!('admit', 'ok', 2)
  t.equal(figures.read('1m').stagesMs['admit']?.count, 1)
})

t.test('what connections are held for, and where the time ran out', async t => {
  const figures = createFigures({ longWaitMs: 50, now: () => 0 })
  figures.subscriber.connectionReturned!(0.03, 'retrieve')
  figures.subscriber.connectionReturned!(0.01, 'near')
  figures.subscriber.stageEnded!('retrieve', 'deadline', 0.5)
  figures.subscriber.stageEnded!('retrieve', 'ok', 0.005)
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

t.test('what just happened: counts of the last ten seconds, and no longer', async t => {
  const clock = manualClock()
  const figures = createFigures({ longWaitMs: 50, now: clock.now })
  const { subscriber, recent } = figures
  t.equal(recent('chat:silent'), 0)
  subscriber.modelEnded!('chat', 'silent')
  clock.advance(5000)
  subscriber.modelEnded!('chat', 'silent')
  subscriber.modelEnded!('chat', null)
  t.same([recent('chat:silent'), recent('chat:ok'), recent('chat:busy')], [2, 1, 0])
  clock.advance(6000)
  t.equal(recent('chat:silent'), 1)
  clock.advance(120_000)
  t.equal(recent('chat:silent'), 0)
  t.equal(figures.read('5m').seconds, 131)
})

t.test('a wait for a connection counts as long when it was queued for the whole time', async t => {
  const { subscriber, recent } = createFigures({ longWaitMs: 50, now: () => 0 })
  subscriber.connectionLeased!(0.049, true)
  subscriber.connectionLeased!(0.2, false)
  t.equal(recent('pool:waited'), 0)
  subscriber.connectionLeased!(0.05, true)
  t.equal(recent('pool:waited'), 1)
})

t.test('times of connections: quantiles of the last minute in milliseconds, null where nothing was', async t => {
  const clock = manualClock()
  const { subscriber, poolTimes } = createFigures({ longWaitMs: 50, now: clock.now })
  t.same(poolTimes().waitMs, { count: 0, p50: null, p95: null, p99: null, max: null })
  for (let ms = 1; ms <= 100; ms++) subscriber.connectionLeased!(ms / 1000, false)
  const { count, p50, p95, max } = poolTimes().waitMs
  t.equal(count, 100)
  t.ok(Math.abs(p50! - 50) < 1.5 && Math.abs(p95! - 95) < 1.5 && Math.abs(max! - 100) < 1.5, `${p50} ${p95} ${max}`)
  t.equal(poolTimes().holdMs.count, 0)
  clock.advance(30_000)
  subscriber.connectionLeased!(0.0002, false)
  t.equal(poolTimes().waitMs.count, 101)
  clock.advance(45_000)
  t.match(poolTimes().waitMs, { count: 1, p50: 0.2, max: 0.2 })
  clock.advance(600_000)
  t.equal(poolTimes().waitMs.count, 0)
})
