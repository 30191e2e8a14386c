import { openCaches } from '../../src/wiring/caches.ts'
import type { Answer } from '../../src/ask/terms/answer.ts'
import type { Passage } from '../../src/ask/terms/passage.ts'
import { answerText } from '../../src/http/replies/wire.ts'
import { silent } from '../../src/events.ts'

/**
 * `node --expose-gc bench/cache/fill-memory.ts COUNT ANSWER_MB VECTOR_MB`: puts so many different questions through the
 * memory tiers of the product and says what they hold by their own reckoning, and what the process really grew by.
 */
const [count, answerMb, vectorMb] = process.argv.slice(2).map(Number) as [number, number, number]
const mb = 2 ** 20
const model = { model: 'a-model', dimensions: () => 512 }
const keep = { seconds: 3600, fastSeconds: 3600, abstainedSeconds: 30, staleSeconds: 600 }
const config = {
  keep,
  answerBytes: answerMb * mb,
  embeddingBytes: vectorMb * mb,
  embeddingSeconds: 3600,
  semantic: { mode: 'off', acceptedError: 0.01 },
} as const
const caches = openCaches({ config, redis: undefined, events: silent })
const vectors = caches.vectors(model)

const before = heldBytes()
let largest = 0
for (let number = 0; number < count; number++) {
  const answer = answerOf(number)
  caches.answers.keep(`1:${number.toString(36).padStart(43, 'k')}`, answer, { seconds: 3600, tookMs: 100 }, null)
  answerText(answer, { id: 'id', include: [], timings: {} }) // given once: its JSON is kept with it
  vectors.set(`${number}: ${question(number)}`, new Float32Array(model.dimensions()).fill(number))
  if (number % Math.ceil(count / 10) === 0) largest = Math.max(largest, heldBytes() - before)
}
const grown = Math.max(largest, heldBytes() - before)
const sizes = caches.sizes()
const reckoned = Object.values(sizes).reduce((sum, { bytes }) => sum + bytes, 0)
console.log(
  JSON.stringify({
    boundMb: answerMb + vectorMb,
    reckonedMb: reckoned / mb,
    grownMb: grown / mb,
    answers: sizes.answer.entries,
    vectors: sizes.embedding.entries,
  }),
)

function heldBytes(): number {
  // Twice: what the first finds dead in the old space, buffers among it, the second frees.
  for (let times = 0; times < 2; times++) globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage() // external has the array buffers in it
  return heapUsed + external
}

/** Half of them in letters that take two bytes. */
function question(number: number): string {
  return number % 2 === 0
    ? 'How much does a place in the dormitory cost for a visitor'
    : 'Сколько стоит место в общежитии для гостя'
}

/** About 3 kB of text in two passages. Parsed, as what comes from the database: every string a copy of its own. */
function answerOf(number: number): Answer {
  const text = `${number} ${question(number)}. `.repeat(number % 2 === 0 ? 20 : 25)
  const passage = (ordinal: number): Passage => ({
    chunkId: `8aa35f3a-6035-83f8-8cce-${number}.${ordinal}`,
    documentId: `8aa35f3a-6035-83f8-8cce-${number}`,
    version: 1,
    source: `handbook/${number}.md`,
    title: `Handbook › ${number}`,
    url: `https://example.org/${number}`,
    language: 'en',
    text,
    start: 0,
    end: text.length,
    page: null,
    metadata: { faculty: 'law', year: number },
    scores: { lexical: 7.25 + ordinal, lexicalRank: 1, vector: 0.625, vectorRank: 2, fused: 0.5, coverage: 0.4 },
    windows: [
      { start: 0, end: 500, similarity: 0.61 },
      { start: 500, end: text.length, similarity: 0.52 },
    ],
  })
  const passages = [passage(0), passage(1)]
  const citations = passages.map(({ documentId, chunkId, source, title, url, metadata }, i) => ({
    index: i + 1,
    documentId,
    chunkId,
    version: 1,
    source,
    title,
    url,
    page: null,
    metadata,
    quote: text.slice(0, 150),
    start: 0,
    end: 150,
    score: 0.5,
  }))
  const answer: Answer = {
    text: text.slice(0, 300),
    abstained: false,
    language: 'en',
    mode: 'fast',
    citations,
    passages,
    cache: { status: 'miss' },
    degraded: [],
    generator: 'extractive',
    model: null,
    usage: { llmCalls: 0, promptTokens: 0, completionTokens: 0 },
  }
  return JSON.parse(JSON.stringify(answer)) as Answer
}
