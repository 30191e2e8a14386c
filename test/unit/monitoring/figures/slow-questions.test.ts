import t from 'tap'
import { normalised } from '../../../../src/ask/cache/cache-key.ts'
import type { Answer } from '../../../../src/ask/terms/answer.ts'
import type { CacheStatus } from '../../../../src/ask/terms/caching.ts'
import type { Question } from '../../../../src/ask/terms/question.ts'
import type { AskFacts } from '../../../../src/ask/terms/run.ts'
import { createSlowQuestions } from '../../../../src/monitoring/figures/slow-questions.ts'
import { factsOf } from '../../../support/ask-facts.ts'

const minute = 60_000

type Slow = ReturnType<typeof createSlowQuestions>

function questionOf(text: string, collection = 'default'): Question {
  return { text, collection, mode: 'auto', topK: 5, filters: {}, language: undefined, history: [] }
}

const answerOf = (status: CacheStatus) => ({ mode: 'fast', language: 'en', cache: { status } }) as Answer

function hear({ subscriber }: Slow, question: Question, ms: number, facts: Partial<AskFacts> = {}): void {
  const timings = { embed: 1, generate: ms - 1, total: ms }
  subscriber.questionAnswered!(question, answerOf('miss'), factsOf({ ms, timings, ...facts }))
}

function started(isTextKept = false) {
  let time = 0
  const slow = createSlowQuestions({ isTextKept, normalised, now: () => time })
  return { slow, advance: (ms: number) => void (time += ms) }
}

t.test('questions that are one to the cache are one here', async t => {
  const { slow } = started()
  hear(slow, questionOf('Where is it?'), 30)
  hear(slow, questionOf('where  is it'), 50, { loggedTraceId: 'abc' })
  hear(slow, questionOf('Where is it?', 'other'), 20)
  t.match(slow.slowest(), [
    { count: 2, maxMs: 50, slowestStage: 'generate', traceId: 'abc', mode: 'fast', language: 'en' },
    { count: 1, maxMs: 20 },
  ])
  t.equal(new Set(slow.slowest().map(({ fingerprint }) => fingerprint)).size, 2)
})

t.test('no words of a question are shown, unless they may be', async t => {
  const silent = started().slow
  hear(silent, questionOf('Where is my secret?'), 30)
  t.notMatch(JSON.stringify(silent.slowest()), /secret/)
  const open = started(true).slow
  hear(open, questionOf('Where is my secret?'), 30)
  t.equal(open.slowest()[0]?.question, 'Where is my secret?')
})

t.test('after a quarter of an hour it is forgotten', async t => {
  const { slow, advance } = started()
  hear(slow, questionOf('a'), 30)
  advance(14 * minute)
  hear(slow, questionOf('b'), 20)
  t.equal(slow.slowest().length, 2)
  advance(minute)
  t.match(slow.slowest(), [{ maxMs: 20 }])
  advance(60 * minute)
  t.same(slow.slowest(), [])
})

t.test('of a rush the slowest are kept', async t => {
  const { slow } = started()
  for (let count = 0; count < 5000; count++) hear(slow, questionOf(`question ${count}`), 1 + ((count * 7919) % 5000))
  t.same(
    slow.slowest().map(({ maxMs }) => maxMs),
    [5000, 4999, 4998, 4997, 4996, 4995, 4994, 4993, 4992, 4991],
  )
})

t.test('a cached answer is no slow question, whatever it took; one that failed is, and a search never', async t => {
  for (const [status, count] of [
    ['miss', 1],
    ['bypass', 1],
    ['hit', 0],
    ['near', 0],
    ['stale', 0],
    ['coalesced', 0],
  ] as const) {
    const { slow } = started()
    slow.subscriber.questionAnswered!(questionOf('a'), answerOf(status), factsOf())
    t.equal(slow.slowest().length, count, status)
  }
  const { slow } = started()
  slow.subscriber.questionFailed!(questionOf('a'), 'model_failed', factsOf({ loggedTraceId: 'abc' }))
  slow.subscriber.questionFailed!(questionOf('b'), 'overloaded', factsOf({ operation: 'search' }))
  t.match(slow.slowest(), [{ mode: null, language: null, traceId: 'abc' }])
  t.equal(slow.slowest().length, 1)
})
