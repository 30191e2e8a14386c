import t from 'tap'
import type { AskFacts } from '../../../src/ask/observer.ts'
import type { SearchResult } from '../../../src/ask/retrieval/find-passages.ts'
import type { Answer, CacheStatus, Question } from '../../../src/ask/terms.ts'
import type { Metrics } from '../../../src/metrics/metrics.ts'
import type { ObservedQuestion } from '../../../src/monitoring/figures/slow-questions.ts'
import { createAskObserver } from '../../../src/wiring/ask-observer.ts'

const question = { text: 'Why?', collection: 'default' } as Question
const facts = (own: Partial<AskFacts> = {}) =>
  ({ operation: 'ask', ms: 1500, timings: { generate: 1400, total: 1500 }, ...own }) as AskFacts

function observed(act: (observer: ReturnType<typeof createAskObserver>) => void) {
  const counted: unknown[] = []
  const slow: ObservedQuestion[] = []
  const metrics = {
    answered: (_: Answer, seconds: number) => counted.push(['answered', seconds]),
    searched: (_: SearchResult, seconds: number) => counted.push(['searched', seconds]),
    failed: (code: string) => counted.push(['failed', code]),
  } as unknown as Metrics
  act(createAskObserver({ metrics, monitoring: { slow: { note: each => void slow.push(each), slowest: () => [] } } }))
  return { counted, slow }
}

t.test('every outcome is counted; a question without a cached answer may be a slow one, a search is none', async t => {
  const answers: [CacheStatus, number][] = [
    ['miss', 1],
    ['bypass', 1],
    ['hit', 0],
    ['near', 0],
    ['stale', 0],
    ['coalesced', 0],
  ]
  for (const [status, count] of answers) {
    const answer = { mode: 'fast', language: 'en', cache: { status } } as Answer
    const { counted, slow } = observed(({ answered }) => answered(question, answer, facts()))
    t.same(counted, [['answered', 1.5]])
    t.equal(slow.length, count, status)
    if (count > 0)
      t.same(slow[0], { question, mode: 'fast', language: 'en', ms: 1500, timings: { generate: 1400, total: 1500 } })
  }
  const failed = observed(({ failed }) => failed(question, 'model_failed', facts({ loggedTraceId: 'abc' })))
  t.same(failed.counted, [['failed', 'model_failed']])
  t.match(failed.slow, [{ question, mode: null, language: null, traceId: 'abc' }])

  const search = { operation: 'search' } as const
  const searched = observed(observer => {
    observer.searched(question, {} as SearchResult, facts(search))
    observer.failed(question, 'overloaded', facts(search))
  })
  t.same(searched.counted, [
    ['searched', 1.5],
    ['failed', 'overloaded'],
  ])
  t.same(searched.slow, [])
})
