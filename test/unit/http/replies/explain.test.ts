import t from 'tap'
import type { Answer } from '../../../../src/ask/terms/answer.ts'
import type { CacheNote } from '../../../../src/ask/terms/caching.ts'
import type { AskedCollection } from '../../../../src/ask/terms/collection.ts'
import type { Judgement } from '../../../../src/ask/terms/evidence.ts'
import type { Passage } from '../../../../src/ask/terms/passage.ts'
import type { Explanation } from '../../../../src/ask/terms/run.ts'
import { noUsage } from '../../../../src/ask/terms/usage.ts'
import { explanationJson } from '../../../../src/http/replies/explain.ts'

/** What an explanation says of a run, whatever became of its answer. */

function chunk(ordinal: number, start: number, own: Partial<Passage> = {}): Passage {
  return {
    chunkId: `d.${ordinal}`,
    documentId: 'd',
    version: 1,
    source: 'd.md',
    title: 'D',
    url: null,
    language: 'en',
    text: 'secret words of a passage',
    start,
    end: start + 10,
    page: null,
    metadata: {},
    scores: {
      lexical: 2,
      lexicalRank: ordinal + 1,
      vector: null,
      vectorRank: null,
      fused: 1 / (ordinal + 1),
      coverage: 0.5,
    },
    windows: [],
    ...own,
  }
}

const collection = { name: 'default', epoch: 3, languages: ['en'] } as unknown as AskedCollection
const asked = { text: 'Why?', language: 'en', readAs: 'en', terms: [], own: [] }
const term = { term: 'why', count: 1, isContent: false, isSpare: true, isCorrectable: false, spellings: [] }
const [first, second, third] = [chunk(0, 0), chunk(1, 10), chunk(2, 50)]
const joined = { ...second, start: 0, end: 20 }

function judgement(confidence: number): Judgement {
  const note = { name: 'coverage', value: 0.5, weight: 2, contribution: 1 }
  return { confidence, thresholds: { hopeless: 0.1, doubtful: 0.4 }, signals: { coverage: 0.5 }, notes: () => [note] }
}

const whole: Partial<Explanation> = {
  collection,
  cacheKey: '7:k',
  asked: { ...asked, terms: [term] },
  isRewritten: false,
  candidateCount: 9,
  vectorShare: 0.25,
  judgedPassages: judgement(0.9),
  fused: [first, second, third],
  reranked: [second, third, first].map((each, i) => ({ ...each, scores: { ...each.scores, rerank: 3 - i } })),
  selected: [joined, third],
  packed: [joined],
}

function answer(cache: CacheNote, own: Partial<Answer> = {}): Answer {
  return {
    text: 'Because.',
    abstained: false,
    language: 'en',
    mode: 'fast',
    citations: [],
    passages: [],
    cache,
    degraded: [],
    generator: 'llm',
    model: 'm',
    usage: noUsage,
    ...own,
  }
}

function explained(explanation: Partial<Explanation>, given: Answer) {
  return explanationJson(explanation, { degraded: given.degraded, timings: { total: 1 }, answer: given })
}

t.test('ranks: before and after the reranker, selected and packed; joined chunks share a rank', async t => {
  const { passages, candidates, vector_share: share } = explained(whole, answer({ status: 'miss' }))
  t.same(
    passages?.map(({ chunk_id: id, ranks }) => [id, ...Object.values(ranks)]),
    [
      ['d.0', 1, 3, 1, 1],
      ['d.1', 2, 1, 1, 1],
      ['d.2', 3, 2, 2, null],
    ],
  )
  t.same(
    passages?.map(({ scores }) => [scores.lexical_rank, scores.rerank]),
    [
      [1, 1],
      [2, 3],
      [3, 2],
    ],
  )
  t.same([candidates, share], [9, 0.25])
})

t.test('without a reranker there is no rank by it', async t => {
  const { passages } = explained({ ...whole, reranked: null }, answer({ status: 'bypass' }))
  t.same(
    passages?.map(({ ranks }) => ranks.reranked),
    [null, null, null],
  )
})

t.test('no text of a passage', async t => {
  t.notMatch(JSON.stringify(explained(whole, answer({ status: 'miss' }))), /secret words/)
})

t.test('an answer of another run: only its cache entry, though this run searched too', async t => {
  for (const status of ['hit', 'near', 'stale', 'coalesced'] as const) {
    const cached = answer({ status, tier: 'memory', age: 4 }, { degraded: ['generation'] })
    t.same(explained(whole, cached), {
      collection: { name: 'default', epoch: 3 },
      cache: { status, key: '7:k', tier: 'memory', age: 4 },
      question: null,
      abstained_because: null,
      grounding: null,
      confidence: null,
      confidence_threshold: null,
      signals: null,
      vector_share: null,
      candidates: null,
      passages: null,
      degraded: ['generation'],
      timings_ms: { total: 1 },
    })
  }
})

t.test('a cached completion: the passages are those of this run', async t => {
  const { passages, cache } = explained(whole, answer({ status: 'hit', tier: 'redis', age: 9, revalidated: true }))
  t.equal(passages?.length, 3)
  t.match(cache, { status: 'hit', tier: 'redis', age: 9 })
})

t.test('the confidence: of the quotations, else of the passages, each with its threshold and its signals', async t => {
  const signals = [{ name: 'coverage', value: 0.5, weight: 2, contribution: 1 }]
  const fresh = answer({ status: 'miss' })
  t.match(explained(whole, fresh), { confidence: 0.9, confidence_threshold: 0.1, signals })
  t.match(explained({ ...whole, judgedAnswer: judgement(0.7) }, fresh), { confidence: 0.7, confidence_threshold: 0.4 })
  const search = explanationJson({ ...whole, nearBelow: 0.4 }, { degraded: [], timings: {} })
  t.match(search, { confidence: 0.9, confidence_threshold: 0.4 })
})

t.test('why it abstained', async t => {
  const abstained = (own: Partial<Answer>, cache: CacheNote = { status: 'miss' }) =>
    answer(cache, { abstained: true, generator: 'none', model: null, ...own })
  const reason = (explanation: Partial<Explanation>, given: Answer) => explained(explanation, given).abstained_because
  t.equal(reason({ ...whole, judgedPassages: judgement(0.05) }, abstained({})), 'not_relevant', 'hopeless')
  t.equal(reason({ ...whole, judgedAnswer: judgement(0.2) }, abstained({})), 'not_relevant', 'doubtful quotations')
  t.equal(reason({ ...whole, asked, judgedPassages: judgement(0) }, abstained({})), 'no_words')
  t.equal(reason(whole, abstained({})), 'no_sentence')
  const russian = { ...whole, asked: { ...whole.asked!, language: 'ru' }, judgedPassages: judgement(0.05) }
  t.equal(reason({ ...russian, vectorShare: 0 }, abstained({})), 'other_language', 'words cannot tell')
  t.equal(reason({ ...russian, vectorShare: 0.6 }, abstained({})), 'not_relevant', 'vectors were compared')
  const wordsOnly = { ...russian, vectorShare: 1, collection: { ...whole.collection!, modelId: null } }
  t.equal(reason(wordsOnly, abstained({})), 'other_language', 'the documents have no vectors')
  t.equal(reason(whole, abstained({ generator: 'llm', model: 'm' })), 'model')
  t.equal(reason(whole, abstained({}, { status: 'hit' })), null, 'no longer known')
  t.equal(reason(whole, answer({ status: 'miss' })), null)
})
