import t from 'tap'
import { createReranker } from '../../../../src/adapters/models/reranker.ts'
import { rerankWith } from '../../../../src/ask/retrieval/rerank.ts'
import { isAskError, type ErrorCode } from '../../../../src/errors.ts'
import { passage } from '../../../support/passages.ts'
import { startReranker, type RerankBehaviour } from '../../../support/reranker.ts'
import { runOf } from '../../../support/run-of.ts'
import { until } from '../../../support/until.ts'

const key = 'rerank-key-for-tests'
const texts = ['the first text', 'the second text', 'the third text']
const quiet = new AbortController().signal
const settings = { candidates: 3, readsUnits: false, budgetMs: Infinity }

t.test('a reranker over HTTP', async t => {
  const server = await startReranker(t)
  const reranker = createReranker({ url: server.url, model: 'test-rerank', apiKey: key })
  t.beforeEach(() => server.behave({}))

  t.test('what is sent; the scores come back in the order of the texts', async t => {
    server.behave({ likes: 'second' })
    const [first, second, third] = await reranker.score('Which?', texts, quiet)
    t.ok(second! > first! && second! > third!)
    t.match(server.requests.at(-1), {
      model: 'test-rerank',
      query: 'Which?',
      documents: texts,
      top_n: 3,
      authorization: `Bearer ${key}`,
    })
  })

  t.test('without a key no Authorization is sent', async t => {
    await createReranker({ url: server.url, model: 'm', apiKey: undefined }).score('Which?', texts, quiet)
    t.equal(server.requests.at(-1)?.authorization, undefined)
  })

  const faults: Readonly<Record<string, [RerankBehaviour, ErrorCode, RegExp]>> = {
    '500': [{ status: 500 }, 'model_failed', /failed. \(status 500\)/],
    '429': [{ status: 429 }, 'model_busy', /rate limit of the reranker/],
    '401': [{ status: 401 }, 'model_rejected', /RERANK_API_KEY/],
    '404': [{ status: 404 }, 'model_rejected', /RERANK_MODEL and RERANK_URL/],
    '422': [{ status: 422 }, 'model_rejected', /status 422/],
    'no JSON': [{ garbage: true }, 'model_failed', /not JSON/],
    'no results': [{ body: { data: [] } }, 'model_failed', /no list/],
    null: [{ body: null as unknown as object }, 'model_failed', /./],
    'a list of numbers': [{ results: () => [1, 2, 3] }, 'model_failed', /each passage exactly once/],
    'one missing': [{ results: results => results.slice(1) }, 'model_failed', /each passage exactly once/],
    'one twice': [{ results: ([a, b]) => [a, b, b] }, 'model_failed', /each passage exactly once/],
    'one too many': [
      { results: results => [...results, { index: 3, relevance_score: 1 }] },
      'model_failed',
      /each passage exactly once/,
    ],
    'an index out of range': [
      { results: ([a, b]) => [a, b, { index: 7, relevance_score: 1 }] },
      'model_failed',
      /each passage exactly once/,
    ],
    'a score that is none': [
      { results: ([a, b]) => [a, b, { index: 0, relevance_score: '0.9' }] },
      'model_failed',
      /each passage exactly once/,
    ],
    'a redirect': [{ location: 'http://127.0.0.1:1/' }, 'model_unreachable', /RERANK_URL/],
  }
  for (const [name, [behaviour, code, detail]] of Object.entries(faults)) {
    t.test(`${name}: ${code}, without the key; passages keep their order`, async t => {
      server.behave(behaviour)
      const error = await reranker.score('Which?', texts, quiet).catch((thrown: unknown) => thrown)
      t.ok(isAskError(error, code), String(error))
      t.match(String(error), detail)
      t.notMatch(`${String(error)} ${String((error as Error).cause)}`, key)
      const passages = texts.map(text => passage(text))
      t.same(await rerankWith(reranker, settings)({ query: 'Which?', passages }, runOf()), {
        passages,
        degraded: ['rerank'],
      })
    })
  }

  t.test("aborted: rejects with the signal's reason, and hangs up", async t => {
    for (const behaviour of [{ silent: true }, { stalled: true }]) {
      server.behave(behaviour)
      const [asked, aborted] = [server.requests.length, server.aborted]
      const controller = new AbortController()
      const scores = reranker.score('Which?', texts, controller.signal)
      scores.catch(() => {})
      await until('it is asked', () => server.requests.length > asked)
      controller.abort(new Error('enough'))
      await t.rejects(scores, { message: 'enough' })
      await until('it is hung up on', () => server.aborted > aborted)
    }
  })

  t.test('sentences are read with a second request, if that is wanted', async t => {
    const passages = [passage('Cats sleep. Dogs bark.'), passage('Birds sing. Fish swim at night.', { title: 'Sea' })]
    const rerank = rerankWith(reranker, { ...settings, readsUnits: true })
    const asked = server.requests.length
    server.behave({ likes: 'Fish' })
    const { passages: found, degraded } = await rerank({ query: 'Which fish swim?', passages }, runOf())
    t.same(degraded, [])
    t.same(
      server.requests.slice(asked).map(({ documents }) => documents.toSorted()),
      [
        ['Sea\n\nBirds sing. Fish swim at night.', 'Title\n\nCats sleep. Dogs bark.'],
        ['Sea\nBirds sing.', 'Sea\nFish swim at night.', 'Title\nCats sleep.', 'Title\nDogs bark.'],
      ],
    )
    const [first] = found
    t.match(first, { title: 'Sea', scores: { rerank: 0.9 }, units: [{ start: 0, end: 11 }, { rerank: 0.9 }] })

    // The second reply leaves one out.
    server.behave({ likes: 'Fish', results: results => (results.length === 2 ? results : results.slice(1)) })
    const whole = await rerank({ query: 'Which fish swim?', passages }, runOf())
    t.match(whole, { degraded: [], passages: [{ title: 'Sea', units: undefined }, {}] })
  })

  t.test('nobody there: model_unreachable', async t => {
    await server.stop()
    await t.rejects(reranker.score('Which?', texts, quiet), { code: 'model_unreachable' })
    await server.start()
  })
})

t.test('reranking: titles are read, ties keep their order, what is beyond the candidates stays behind', async t => {
  const asked: string[][] = []
  const rerank = rerankWith({ model: 'm', score: async (_, texts) => (asked.push([...texts]), [1, 2, 2]) }, settings)
  const passages = ['a', 'b', 'c', 'd'].map(text => passage(text, { title: text === 'a' ? '' : 'Title' }))
  const { passages: found } = await rerank({ query: 'Which?', passages }, runOf())
  t.same(asked, [['a', 'Title\n\nb', 'Title\n\nc']])
  t.same(
    found.map(({ text, scores }) => [text, scores.rerank]),
    [
      ['b', 2],
      ['c', 2],
      ['a', 1],
      ['d', undefined],
    ],
  )
})
