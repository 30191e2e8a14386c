import { createRequire } from 'node:module'
import fc from 'fast-check'
import t from 'tap'
import { createTokenCounter, plainText, readVocabulary } from '../../src/adapters/models/local/tokens.ts'
import { createWorkerPool } from '../../src/adapters/models/worker-pool.ts'
import { createLocalEmbedder } from '../../src/adapters/models/local/embedder.ts'

const never = new AbortController().signal

function open(options = {}) {
  const embedder = createLocalEmbedder(options)
  t.teardown(() => embedder.close())
  return embedder
}

/** The package's own tokenizer, without its model. */
function ownTokenizer(): { encode(text: string): number[] } {
  const { EmbeddingsModel } = createRequire(import.meta.url)('@energetic-ai/embeddings')
  return new EmbeddingsModel({ vocabulary: readVocabulary() }).tokenizer
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}

t.test('what is alike is near, and every vector has unit length', async t => {
  const embedder = open()
  const [paris, france, bread] = await embedder.embed(
    ['What is the capital of France?', 'Paris is the capital of France.', 'Bread is baked in an oven.'],
    never,
  )
  t.equal(paris!.length, embedder.dimensions())
  for (const vector of [paris!, france!, bread!]) t.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5)
  t.ok(dot(paris!, france!) > dot(paris!, bread!) + 0.2)
})

t.test('no texts: no vectors, and no thread', async t => {
  t.strictSame(await open().embed([], never), [])
})

t.test('white space makes no difference', async t => {
  const [a, b] = await open().embed(['one  two\n\nthree', ' one two three '], never)
  t.strictSame(a, b)
})

t.test('empty and over-long texts are refused, the longest that fits is not', async t => {
  const embedder = open()
  for (const text of ['', ' \n ', 'word '.repeat(embedder.maxTokens + 1)]) {
    await t.rejects(embedder.embed(['fine', text], never), { code: 'model_rejected' })
  }
  const longest = 'word '.repeat(embedder.maxTokens)
  t.equal(embedder.countTokens(longest), embedder.maxTokens)
  await t.resolves(embedder.embed([longest], never))
})

t.test('the model reads as far as the limit that we declare', async t => {
  const embedder = open()
  const start = 'word '.repeat(embedder.maxTokens - 1)
  const [one, other] = await embedder.embed([`${start}good`, `${start}bad`], never)
  t.ok(dot(one!, other!) < 0.99999, 'the last token counts')
})

t.test('tokens are counted as the model counts them', async t => {
  const tokenizer = ownTokenizer()
  const count = createTokenCounter(readVocabulary())
  const words = fc.array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.constantFrom('the', 'Internationalization', 'é', '12', '…', 'ﬁ', '日本'),
    ),
  )
  fc.assert(
    fc.property(words, fc.constantFrom(' ', '  ', '\n', ''), (parts, blank) => {
      const text = plainText(parts.join(blank))
      // The vocabulary gives colons no score, which makes the package count them one way or the other.
      if (text === '' || text.includes(':')) return
      t.equal(count(text), tokenizer.encode(text).length, text)
    }),
    { numRuns: 300 },
  )
})

t.test('a question goes before a bulk that came first', async t => {
  const embedder = open()
  await embedder.warm()
  const ended: string[] = []
  const bulk = embedder
    .embed(
      Array.from({ length: 40 }, (_, i) => `Sentence ${i} of a document.`),
      never,
    )
    .then(() => ended.push('bulk'))
  const question = embedder.embed(['Who asks?'], never).then(() => ended.push('question'))
  await Promise.all([bulk, question])
  t.strictSame(ended, ['question', 'bulk'])
})

t.test('an abort drops what is queued, at once', async t => {
  const embedder = open()
  await embedder.warm()
  const controller = new AbortController()
  const bulk = embedder.embed(
    Array.from({ length: 2000 }, (_, i) => `Sentence ${i} of a long document.`),
    controller.signal,
  )
  controller.abort(new Error('not needed any more'))
  await t.rejects(bulk, { message: 'not needed any more' })
  await t.resolves(embedder.embed(['next'], never))
  await t.rejects(embedder.embed(['x'], controller.signal), { message: 'not needed any more' })
})

t.test('two threads give every caller its own vectors, in order', async t => {
  const embedder = open({ workers: 2 })
  const texts = Array.from({ length: 100 }, (_, i) => `A sentence about number ${i}.`)
  const vectors = await embedder.embed(texts, never)
  const alone = await Promise.all(texts.map(async text => (await embedder.embed([text], never))[0]))
  t.strictSame(vectors, alone)
})

t.test('the model computes on a thread of its own', async t => {
  const embedder = open()
  await embedder.warm()
  const [all, ours] = [process.cpuUsage(), process.threadCpuUsage()]
  await embedder.embed(
    Array.from({ length: 30 }, () => 'word '.repeat(100)),
    never,
  )
  const [spent, onThisThread] = [process.cpuUsage(all), process.threadCpuUsage(ours)].map(
    ({ user, system }) => user + system,
  )
  t.ok(onThisThread! < spent! / 2, `${onThisThread} µs of ${spent} µs were computed here`)
})

const fragile = {
  name: 'The embedding model',
  program: new URL('../support/fragile-worker.ts', import.meta.url),
  itemsAtOnce: 4,
}

for (const [what, calls, threads] of [
  ['a document is no reason for a second thread', [Array.from({ length: 60 }, () => 'live')], 1],
  ['nor are a few questions', [['one'], ['two'], ['three']], 1],
  ['a load of many documents is', [Array.from({ length: 100 }, () => 'both')], 2],
  ['many questions at once are', Array.from({ length: 8 }, () => ['both']), 2],
] as const) {
  t.test(what, async t => {
    const state = new Int32Array(new SharedArrayBuffer(8))
    const pool = createWorkerPool<string, Float32Array>({ ...fragile, size: 2, data: state.buffer })
    t.teardown(() => pool.close())
    await Promise.all(calls.map(texts => pool.run(texts, never)))
    t.equal(state[0], threads)
  })
}

t.test('nothing waits for a thread that still loads while another works', async t => {
  const state = new Int32Array(new SharedArrayBuffer(8))
  const pool = createWorkerPool<string, Float32Array>({ ...fragile, size: 2, data: state.buffer })
  t.teardown(() => pool.close())
  await Promise.all(Array.from({ length: 8 }, () => pool.run(['both'], never)))
  t.equal(state[0], 2, 'the second never ended its loading')
})

t.test('a model that cannot be loaded fails what waits for it', async t => {
  const pool = createWorkerPool<string, Float32Array>({
    name: 'The embedding model',
    program: new URL('data:text/javascript,throw new Error("no model")'),
    size: 2,
    itemsAtOnce: 4,
  })
  t.teardown(() => pool.close())
  const replies = await Promise.allSettled(Array.from({ length: 8 }, () => pool.run(['one'], never)))
  t.equal(replies.filter(each => each.status === 'rejected' && each.reason.code === 'model_failed').length, 8)
})

t.test('a thread that dies fails the call it was at and is replaced', async t => {
  const pool = createWorkerPool<string, Float32Array>({ ...fragile, size: 1 })
  t.teardown(() => pool.close())
  const dying = pool.run(['die'], never)
  const waiting = pool.run(['live'], never)
  await t.rejects(dying, { code: 'model_failed' })
  t.strictSame([...(await waiting)[0]!], [1])
  await t.rejects(pool.run(['fail'], never), { code: 'model_failed' })
  t.strictSame([...(await pool.run(['live'], never))[0]!], [1])
})

t.test('closing ends what waits, and nothing is taken after', async t => {
  const embedder = createLocalEmbedder()
  const waiting = embedder.embed(['one', 'two', 'three'], never)
  const closed = embedder.close()
  await t.rejects(waiting, { code: 'model_failed' })
  await closed
  await t.rejects(embedder.embed(['four'], never), { code: 'model_failed' })
})
