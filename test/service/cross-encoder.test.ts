import { join } from 'node:path'
import t, { type Test } from 'tap'
import { batchesOf } from '../../src/adapters/models/onnx/batches.ts'
import { openCrossEncoder } from '../../src/adapters/models/onnx/cross-encoder.ts'
import { rerankWith } from '../../src/ask/retrieval/rerank.ts'
import { anyWorld } from '../support/app.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { broken, scoreOf, tinyCrossEncoder, type TinyCrossEncoder } from '../support/onnx-cross-encoder.ts'
import { tinyModel } from '../support/onnx-model.ts'
import { passage } from '../support/passages.ts'
import { runOf } from '../support/run-of.ts'

/** A reranker on disk: a real ONNX graph that counts the words question and text have in common. */

t.setTimeout(1_800_000)

const never = new AbortController().signal
const words = ['cats', 'dogs', 'birds', 'sleep', 'bark', 'sing']

async function open(t: Test, model: Partial<TinyCrossEncoder> = {}) {
  const encoder = await openCrossEncoder(t.testdir(tinyCrossEncoder({ words, ...model })))
  t.teardown(() => encoder.close())
  return encoder
}

function isNear(t: Test, scores: readonly (number | null)[], logits: readonly number[]): void {
  t.equal(scores.length, logits.length)
  logits.forEach((logit, i) => t.ok(Math.abs(scores[i]! - scoreOf(logit)) < 1e-5, `${scores[i]} for ${logit}`))
}

t.test('each text has its score, in order, whatever is scored together', async t => {
  const encoder = await open(t)
  t.match(encoder.model, /^onnx:[^#]+#[0-9a-f]{12}$/)
  const texts = ['dogs sleep', 'birds', 'cats sleep. cats sleep.', '', 'nothing that it knows', 'sleep '.repeat(20)]
  isNear(t, await encoder.score('Cats sleep', texts, never), [1, 0, 4, 0, 0, 20])
  t.strictSame(await encoder.score('Cats', [], never), [])
})

t.test('two logits: relevant against irrelevant', async t => {
  isNear(t, await (await open(t, { logits: 2 })).score('cats', ['cats sleep', 'dogs'], never), [2, 0])
})

t.test('a long text is cut at its end, and never the question', async t => {
  const encoder = await open(t, { maxTokens: 24 })
  // 24 tokens: three marks, the question's two, and nineteen of the text.
  const texts = [`${'sleep '.repeat(30)}cats`, `cats ${'dogs '.repeat(30)}`]
  isNear(t, await encoder.score('cats sleep', texts, never), [19, 1])
  // Not a fault of the model: questions of one caller must not open the breaker for all.
  t.strictSame(await encoder.score('dogs '.repeat(30), ['dogs', 'dogs '.repeat(20)], never), [null, null])
  // There is room for eight more tokens, which is all of one text and too little of the other.
  t.strictSame(
    (await encoder.score('dogs '.repeat(13), ['dogs', 'dogs '.repeat(20)], never)).map(each => each === null),
    [false, true],
  )
  isNear(t, await encoder.score('cats', ['cats'], never), [1])
})

t.test('texts of similar length are scored together, long ones alone, in the order of their importance', async t => {
  const texts = ['x'.repeat(900), 'x'.repeat(30), 'x'.repeat(10), 'x'.repeat(20), 'x'.repeat(500), 'x']
  t.strictSame(batchesOf(texts), [[0], [2, 3, 1], [4], [5]])
  t.strictSame(
    batchesOf(Array.from({ length: 20 }, () => 'short')).map(batch => batch.length),
    [8, 8, 4],
  )
})

t.test('time over: what was scored counts, the first texts first', async t => {
  const encoder = await open(t, { work: 40 })
  const texts = Array.from({ length: 200 }, () => `cats ${'dogs '.repeat(100)}`)
  const scores = await encoder.score('cats', texts, never, { deadline: performance.now() + 200 })
  const count = scores.filter(score => score !== null).length
  t.ok(count < texts.length, `${count} were scored`)
  t.strictSame(
    scores.map(score => score !== null),
    texts.map((_, i) => i < count),
  )
  t.strictSame(await encoder.score('cats', ['cats'], never, { deadline: 0 }), [null])
})

t.test('a caller that leaves takes its texts along: the next question does not wait for them', async t => {
  const encoder = await open(t, { work: 40 })
  const leaving = new AbortController()
  const left = encoder.score(
    'cats',
    Array.from({ length: 5000 }, () => 'cats '.repeat(100)),
    leaving.signal,
  )
  leaving.abort(new Error('gone'))
  await t.rejects(left, { message: 'gone' })
  // Five thousand batches of that work would outlast the test.
  isNear(t, await encoder.score('dogs', ['dogs'], never), [1])
})

t.test('closed while it computes: the process goes on', async t => {
  const encoder = await open(t, { work: 40 })
  const scores = encoder.score('cats', ['cats '.repeat(100), 'dogs '.repeat(100)], never)
  await Promise.all([t.rejects(scores, { code: 'model_failed' }), encoder.close()])
  await t.rejects(encoder.score('late', ['late'], never), { code: 'model_failed' })
})

t.test('more questions than it can serve: refused at once', async t => {
  const encoder = await open(t, { work: 10 })
  const leaving = new AbortController()
  const many = Array.from({ length: 32 }, () => encoder.score('cats', ['cats '.repeat(100)], leaving.signal))
  await t.rejects(encoder.score('cats', ['cats'], never), { code: 'model_busy' })
  leaving.abort(new Error('gone'))
  await Promise.allSettled(many)
  isNear(t, await encoder.score('cats', ['cats'], never), [1])
})

const notPairs = { 'tokenizer.json': tinyModel()['tokenizer.json'] as string }
const unusable: readonly (readonly [name: string, folder: object, detail: RegExp])[] = [
  ['an embedding model', tinyModel(), /RERANK_MODEL: .*cannot join a question and a text/],
  ['a tokenizer for single texts', tinyCrossEncoder({ words, files: notPairs }), /cannot join a question and a text/],
  ['three logits', tinyCrossEncoder({ words, logits: 3 }), /logits \[2, 3\], but not one or two logits per pair/],
  ['no model', tinyCrossEncoder({ words, files: { 'model.onnx': null } }), /RERANK_MODEL=onnx:FOLDER\/FILE\.onnx$/],
  [
    'no tokenizer',
    tinyCrossEncoder({ words, files: { 'tokenizer.json': null, 'tokenizer_config.json': null } }),
    /RERANK_MODEL: .* lacks tokenizer\.json, tokenizer_config\.json; copy/,
  ],
  ['a broken model', tinyCrossEncoder({ words, files: { 'model.onnx': 'no graph '.repeat(200) } }), /does not run/],
]
for (const [name, folder, detail] of unusable) {
  t.test(`${name}: refused with what to do`, async t => {
    await t.rejects(openCrossEncoder(t.testdir(folder as Parameters<Test['testdir']>[0])), {
      code: 'model_failed',
      detail,
    })
  })
}

t.test('no such folder: refused with its whole path', async t => {
  await t.rejects(openCrossEncoder('no/such/folder'), {
    code: 'model_failed',
    detail: `RERANK_MODEL: "${join(process.cwd(), 'no/such/folder')}" does not exist`,
  })
})

const settings = { candidates: 30, readsUnits: true, budgetMs: 60_000 }

t.test('units: the best sentences are scored, each with its headings, and count for their passage', async t => {
  const rerank = rerankWith(await open(t), settings)
  const passages = [
    passage('Cats sleep. Dogs bark. Birds sing.', { chunkId: 'a.0', title: 'Animals' }),
    passage('Dogs bark. Cats sleep and birds sleep.', { chunkId: 'b.0', title: 'Cats', before: 'Before. ' }),
  ]
  const { passages: found, degraded } = await rerank({ query: 'Do cats sleep?', passages }, runOf())
  t.same(degraded, [])
  // As a whole they share cats and sleep: 1 + 1, and with the title 2 + 2. Its best sentence shares as many.
  t.strictSame(
    found.map(({ chunkId }) => chunkId),
    ['b.0', 'a.0'],
  )
  const [first] = found
  isNear(t, [first!.scores.rerank!], [4])
  const text = (start: number, end: number) => first!.text.slice(start - first!.start, end - first!.start)
  t.strictSame(
    first!.units!.map(({ start, end, similarity }) => [text(start, end), similarity]),
    [
      ['Dogs bark.', null],
      ['Cats sleep and birds sleep.', null],
    ],
  )
  isNear(
    t,
    first!.units!.map(({ rerank }) => rerank!),
    [1, 4],
  )
})

t.test('units with vectors are those of the passage, and the most similar are read', async t => {
  const rerank = rerankWith(await open(t), settings)
  const text = Array.from({ length: 10 }, (_, i) => `No ${i}. `).join('')
  const units = [...text.matchAll(/No \d\./g)].map(({ index }, i) => ({
    start: index,
    end: index + 5,
    similarity: i / 10,
  }))
  const { passages } = await rerank({ query: 'cats?', passages: [passage(text, { units })] }, runOf())
  t.strictSame(
    passages[0]!.units!.map(({ rerank }) => rerank !== undefined),
    [false, false, true, true, true, true, true, true, true, true],
  )
})

t.test('nothing scored in time: the search order, degraded', async t => {
  const rerank = rerankWith(await open(t), { ...settings, budgetMs: 0 })
  const passages = [passage('Dogs bark.'), passage('Cats sleep.')]
  t.strictSame(await rerank({ query: 'cats', passages }, runOf()), { passages, degraded: ['rerank'] })
})

t.test('the service: answers in the order of the model, degraded while it fails, and never down', async t => {
  const folder = join(
    t.testdir({ models: { reranker: tinyCrossEncoder({ words: ['library', 'book', 'lost', 'grant'] }) } }),
    'models/reranker',
  )
  const question = 'students dormitory grant library book'
  const app = await startHandbookApp(t, anyWorld, { RERANK_MODEL: `onnx:${folder}`, RERANK_BUDGET_MS: '20000' })
  const search = async (body: object) => (await app.send('POST', '/search', { question, ...body })).json
  t.match((await app.send('GET', '/readyz')).json.components, { rerank: 'onnx:reranker' })

  const { passages, degraded, timings_ms } = await search({ include: ['timings'] })
  t.equal(passages[0].source, 'handbook/library.md')
  t.ok(passages[0].scores.rerank > 0.9 && passages[0].scores.rerank <= 1)
  t.same(degraded, [])
  t.match(timings_ms, { rerank: Number })
  t.equal((await search({ mode: 'fast' })).passages[0].scores.rerank, null, 'fast is not reranked')
  const answered = await app.ask({ question: 'How long does the library lend books?', include: ['passages'] })
  t.match(answered.json, {
    abstained: false,
    passages: [{ source: 'handbook/library.md', scores: { rerank: Number } }],
  })

  const failing = await app.send('POST', '/search', { question: `${question} ${broken}` })
  t.match(failing.json, { degraded: ['rerank'], passages: [{ scores: { rerank: null } }] })
  t.same((await search({})).degraded, [], 'the next question is scored again')
  const metrics = (await app.send('GET', '/metrics')).text
  t.match(metrics, /gen_ai_client_operation_duration_seconds_count\{[^}]*operation="rerank"[^}]*\} [1-9]/)
  t.match(metrics, /askwell_stage_seconds_count\{stage="rerank",outcome="ok"\}/)
})
