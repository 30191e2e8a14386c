import { createEvents } from '../../src/events.ts'
import type { Answer } from '../../src/ask/terms/answer.ts'
import type { Question } from '../../src/ask/terms/question.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { factsOf } from '../../test/support/ask-facts.ts'
import { createFigures } from '../../src/monitoring/figures/figures.ts'

/**
 * `node bench/cache/events.ts`: what the events of one answer from memory cost with all that subscribe to them, metrics
 * and rolling figures, in microseconds of processor time; median, lowest and highest of 11 rounds.
 */
const { emit, subscribe } = createEvents(error => console.error(error))
const metrics = createMetrics(() => ({ size: 0, open: 0, checkedOut: 0, waiting: 0 }) as never)
for (const each of [...metrics.subscribers, createFigures({ longWaitMs: 50 }).subscriber]) subscribe(each)

const answer: Answer = {
  text: '',
  abstained: false,
  language: 'en',
  mode: 'fast',
  citations: [],
  passages: [],
  cache: { status: 'hit', tier: 'memory', age: 1 },
  degraded: [],
  generator: 'llm',
  model: 'a-model',
  usage: { llmCalls: 0, promptTokens: 0, completionTokens: 0 },
}
const question: Question = {
  text: 'When does the library open?',
  collection: 'default',
  mode: 'auto',
  topK: 5,
  filters: {},
  language: undefined,
  history: [],
}
const facts = factsOf({ ms: 0.1, timings: { total: 0.1 } })
const saved = { answer, tookMs: 900 }
const perRound = 500_000

function round(): number {
  const before = process.cpuUsage()
  for (let i = 0; i < perRound; i++) {
    emit.answerReused('hit', 'memory', saved)
    emit.questionAnswered(question, answer, facts)
    emit.responseSent(200)
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / perRound
}

round()
const rounds = Array.from({ length: 11 }, round).sort((a, b) => a - b)
const [lowest, median, highest] = [rounds[0]!, rounds[5]!, rounds[10]!].map(each => each.toFixed(2))
console.log(`events of an answer from memory: ${median} µs (${lowest}–${highest})`)
metrics.stop()
