import t from 'tap'
import { normalised } from '../../../../src/ask/cache/cache-key.ts'
import type { Question } from '../../../../src/ask/terms.ts'
import { createSlowQuestions, type ObservedQuestion } from '../../../../src/monitoring/figures/slow-questions.ts'

const minute = 60_000

function heard(
  text: string,
  ms: number,
  more: Partial<ObservedQuestion> = {},
  collection = 'default',
): ObservedQuestion {
  const question: Question = { text, collection, mode: 'auto', topK: 5, filters: {}, language: undefined, history: [] }
  return { question, mode: 'fast', language: 'en', ms, timings: { embed: 1, generate: ms - 1, total: ms }, ...more }
}

function started(isTextKept = false) {
  let time = 0
  const slow = createSlowQuestions({ isTextKept, normalised, now: () => time })
  return { slow, advance: (ms: number) => void (time += ms) }
}

t.test('questions that are one to the cache are one here', async t => {
  const { slow } = started()
  slow.note(heard('Where is it?', 30))
  slow.note(heard('where  is it', 50, { traceId: 'abc' }))
  slow.note(heard('Where is it?', 20, {}, 'other'))
  t.match(slow.slowest(), [
    { count: 2, maxMs: 50, slowestStage: 'generate', traceId: 'abc', mode: 'fast', language: 'en' },
    { count: 1, maxMs: 20 },
  ])
  t.equal(new Set(slow.slowest().map(({ fingerprint }) => fingerprint)).size, 2)
})

t.test('no words of a question are shown, unless they may be', async t => {
  const silent = started().slow
  silent.note(heard('Where is my secret?', 30))
  t.notMatch(JSON.stringify(silent.slowest()), /secret/)
  const open = started(true).slow
  open.note(heard('Where is my secret?', 30))
  t.equal(open.slowest()[0]?.question, 'Where is my secret?')
})

t.test('after a quarter of an hour it is forgotten', async t => {
  const { slow, advance } = started()
  slow.note(heard('a', 30))
  advance(14 * minute)
  slow.note(heard('b', 20))
  t.equal(slow.slowest().length, 2)
  advance(minute)
  t.match(slow.slowest(), [{ maxMs: 20 }])
  advance(60 * minute)
  t.same(slow.slowest(), [])
})

t.test('of a rush the slowest are kept', async t => {
  const { slow } = started()
  for (let count = 0; count < 5000; count++) slow.note(heard(`question ${count}`, 1 + ((count * 7919) % 5000)))
  t.same(
    slow.slowest().map(({ maxMs }) => maxMs),
    [5000, 4999, 4998, 4997, 4996, 4995, 4994, 4993, 4992, 4991],
  )
})
