import fc from 'fast-check'
import t from 'tap'
import { brotliCompressSync } from 'node:zlib'
import { decodeAnswer, encodeAnswer } from '../../../../src/adapters/redis/answer-codec.ts'
import { decodeCompletion, encodeCompletion } from '../../../../src/adapters/redis/completion-codec.ts'
import { decodeVector, encodeVector } from '../../../../src/adapters/redis/vector-codec.ts'
import type { CachedAnswer } from '../../../../src/ask/cache/freshness.ts'
import type { CachedCompletion } from '../../../../src/ask/cache/completion-cache.ts'
import type { Answer } from '../../../../src/ask/terms/answer.ts'
import type { Passage } from '../../../../src/ask/terms/passage.ts'
import { noUsage } from '../../../../src/ask/terms/usage.ts'

/** What lies in Redis is read back as it was, or not at all. */

const passage: Passage = {
  chunkId: 'd.0',
  documentId: 'd',
  version: 3,
  source: 'grants.md',
  title: 'Grants › Стипендия',
  url: null,
  language: 'ru',
  text: 'Заявление приносят до 15 сентября. 😀',
  start: 0,
  end: 37,
  page: null,
  metadata: { year: 2025, tags: ['a'] },
  scores: { lexical: 1.5, lexicalRank: 1, vector: null, vectorRank: null, fused: 0.7, coverage: 1 },
  windows: [{ start: 0, end: 10, similarity: 0.5 }],
}
const answer: Answer = {
  text: 'До 15 сентября. [1]',
  abstained: false,
  language: 'ru',
  mode: 'smart',
  passages: [passage],
  citations: [
    {
      index: 1,
      documentId: 'd',
      chunkId: 'd.0',
      version: 3,
      source: passage.source,
      title: 'Grants',
      url: null,
      page: null,
      metadata: passage.metadata,
      quote: 'до 15 сентября',
      start: 19,
      end: 33,
      score: 0.7,
    },
  ],
  cache: { status: 'miss' },
  degraded: [],
  generator: 'llm',
  model: 'test-chat',
  usage: { llmCalls: 1, promptTokens: 100, completionTokens: 10 },
}
const remembered: CachedAnswer = { answer, madeAt: 1_790_000_000_000, freshUntil: 1_790_000_300_000.5, tookMs: 812.25 }
const draft: CachedCompletion = { text: 'До 15 сентября. [1]', usage: noUsage, madeAt: 1_790_000_000_000, tookMs: 800 }
const vector = Float16Array.from({ length: 384 }, (_, i) => Math.sin(i) / 20)

t.test('an answer comes back as it was', async t => t.same(decodeAnswer(encodeAnswer(remembered)), remembered))

t.test('an answer of a version before 0.2 comes back with the present name of its generator', async t => {
  const before = { ...remembered, answer: { ...answer, generator: 'openai' as 'llm' } }
  t.same(decodeAnswer(encodeAnswer(before)), remembered)
})

t.test('citations of an older version get source and metadata from their passages', async t => {
  const citations = answer.citations.map(({ source: _source, metadata: _metadata, ...older }) => older)
  const before = { ...remembered, answer: { ...answer, citations: citations as unknown as Answer['citations'] } }
  t.same(decodeAnswer(encodeAnswer(before)), remembered)
})

t.test('an answer with any text comes back as it was', async () => {
  const text = fc.string({ unit: 'grapheme' })
  fc.assert(
    fc.property(text, text, fc.nat(2e12), (words, quote, madeAt) => {
      const value: CachedAnswer = {
        ...remembered,
        madeAt,
        freshUntil: madeAt + 1000,
        answer: { ...answer, text: words, citations: [{ ...answer.citations[0]!, quote }] },
      }
      return JSON.stringify(decodeAnswer(encodeAnswer(value))) === JSON.stringify(value)
    }),
  )
})

t.test("an answer's head says until when it is fresh, in 13 digits, as the scripts read it", async t => {
  t.equal(encodeAnswer(remembered).toString('latin1', 0, 14), '11790000300001')
  t.equal(encodeAnswer({ ...remembered, freshUntil: 5 }).toString('latin1', 0, 14), '10000000000005')
})

t.test('an answer is small: less than half of its JSON', async t => {
  const long: CachedAnswer = {
    ...remembered,
    answer: {
      ...answer,
      passages: Array.from({ length: 5 }, () => ({
        ...passage,
        text: 'A student applies for a grant at the office. '.repeat(20),
      })),
    },
  }
  t.ok(encodeAnswer(long).length < JSON.stringify(long).length / 2)
})

t.test('a draft comes back as it was', async t => t.same(decodeCompletion(encodeCompletion(draft)), draft))

t.test('a vector comes back as it was, whatever address it lies at', async t => {
  const bytes = encodeVector(vector)
  t.equal(bytes.length, 2 + 2 * vector.length)
  const shifted = Buffer.concat([Buffer.of(0), bytes]).subarray(1)
  for (const each of [bytes, shifted]) t.same([...decodeVector(each)!], [...vector])
  t.equal(encodeVector(Float16Array.of(1, -2)).toString('hex'), '0100003c00c0', 'the bytes of every version')
})

const packed = (value: unknown) =>
  Buffer.concat([Buffer.from('11790000300000'), brotliCompressSync(JSON.stringify(value))])
const notAnswers: Record<string, Buffer> = {
  nothing: Buffer.alloc(0),
  'one byte': Buffer.from('1'),
  'another form': Buffer.concat([Buffer.from('2'), encodeAnswer(remembered).subarray(1)]),
  text: Buffer.from('hello'),
  'no compressed data': Buffer.from('11790000300000{"answer":{}}'),
  'half of an answer': encodeAnswer(remembered).subarray(0, 60),
  null: packed(null),
  'a number': packed(7),
  'no answer in it': packed({ madeAt: 1, freshUntil: 2, tookMs: 3 }),
  'no times in it': packed({ answer }),
  'a time that is no number': packed({ ...remembered, madeAt: '1' }),
  'an answer without citations': packed({ ...remembered, answer: { ...answer, citations: undefined } }),
  'more than any answer unpacks to': packed({ ...remembered, answer: { ...answer, text: 'x'.repeat(9 * 2 ** 20) } }),
}
for (const [what, bytes] of Object.entries(notAnswers)) {
  t.test(`${what}: no answer, and no throw`, async t => t.equal(decodeAnswer(bytes), undefined))
}

const notDrafts: Record<string, string> = {
  nothing: '',
  'another form': `2${JSON.stringify(draft)}`,
  'half of a draft': encodeCompletion(draft).toString().slice(0, 30),
  null: '1null',
  'a list': '1[]',
  'no usage': `1${JSON.stringify({ ...draft, usage: undefined })}`,
  'no time': `1${JSON.stringify({ ...draft, madeAt: null })}`,
  'no text': `1${JSON.stringify({ ...draft, text: 1 })}`,
}
for (const [what, bytes] of Object.entries(notDrafts)) {
  t.test(`${what}: no draft, and no throw`, async t => t.equal(decodeCompletion(Buffer.from(bytes)), undefined))
}

t.test('a vector that lacks half a number, of another form, or with something that is no number: none', async t => {
  t.equal(decodeVector(encodeVector(vector).subarray(0, -1)), undefined)
  t.equal(decodeVector(Buffer.concat([Buffer.of(2), encodeVector(vector).subarray(1)])), undefined)
  t.equal(decodeVector(Buffer.alloc(0)), undefined)
  for (const odd of [NaN, Infinity, 1e6])
    t.equal(decodeVector(encodeVector(Float16Array.of(odd))), undefined, String(odd))
})

t.test('no bytes at all make a codec throw', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom('', '1', '11790000300000'), (bytes, head) => {
      const damaged = Buffer.concat([Buffer.from(head), bytes])
      decodeVector(damaged)
      return decodeAnswer(damaged) === undefined && decodeCompletion(damaged) === undefined
    }),
    { numRuns: 2000 },
  )
})

t.test('one flipped byte of an answer: no answer, or the same shape', async t => {
  const whole = encodeAnswer(remembered)
  for (let at = 14; at < whole.length; at += 1) {
    const damaged = Buffer.from(whole)
    damaged[at]! ^= 0x10
    const back = decodeAnswer(damaged)
    if (back) t.type(back.answer.text, 'string')
  }
})
