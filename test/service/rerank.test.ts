import t from 'tap'
import { adminKey, anyWorld, type App, databaseSettings, skipReason, eitherWorld } from '../support/app.ts'
import { assertContract } from '../support/contract.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { startReranker, type RerankBehaviour } from '../support/reranker.ts'
import { clientOf, startService } from '../support/service.ts'
import { unlessLate } from '../support/unless-late.ts'
import { until } from '../support/until.ts'

/** Passages put in order by a reranker, which may fail. */

t.setTimeout(1_800_000)

const question = 'students dormitory grant library book'
const key = 'rerank-key-for-tests'
const settings = (url: string) => ({
  RERANK_URL: url,
  RERANK_MODEL: 'test-rerank',
  RERANK_API_KEY: key,
  RERANK_CANDIDATES: '3',
})

interface Shown {
  readonly source: string
  readonly scores: { readonly rerank: number | null }
}

for (const world of eitherWorld) {
  t.test(`a reranker, ${world}`, { skip: skipReason(world) }, async t => {
    const server = await startReranker(t)
    const app = await startHandbookApp(t, world, settings(server.url))
    t.beforeEach(() => server.behave({ likes: 'lost book' }))
    const search = async (body: object) => {
      const reply = await app.send('POST', '/search', { question, ...body })
      assertContract(t, {
        method: 'POST',
        path: '/search',
        status: reply.status,
        headers: reply.headers,
        body: reply.text,
      })
      return reply
    }
    const plain = (await search({ mode: 'fast' })).json

    t.test('its order counts; it reads the best of the search, and its scores are shown', async t => {
      const { json } = await search({ include: ['timings'] })
      t.equal(json.passages[0].source, 'handbook/library.md')
      const scores = (json.passages as Shown[]).map(({ scores }) => scores.rerank)
      t.same(
        scores.slice(0, 3),
        scores.slice(0, 3).sort((a, b) => b! - a!),
      )
      t.equal(server.requests.at(-1)?.documents.length, Math.min(3, json.passages.length))
      t.match(server.requests.at(-1), { query: question, documents: [/^Dormitory|^Grants|^Library/] })
      t.match(json, { timings_ms: { rerank: Number } })
      t.same(json.degraded, [])
      t.match((await app.send('GET', '/metrics')).text, /askwell_stage_seconds_count\{stage="rerank",outcome="ok"\}/)
      t.match((await app.send('GET', '/readyz')).json.components, { rerank: 'test-rerank' })
    })

    t.test('an answer is made from what it puts first, though only one passage is wanted', async t => {
      const { json } = await app.ask({ question, top_k: 1, include: ['passages'] })
      t.match(json, {
        passages: [{ source: 'handbook/library.md', scores: { rerank: 0.9 } }],
        abstained: false,
      })
      t.same(json.degraded, [])
    })

    t.test('fast: it is not asked; nor when nothing is near and an answer is not written', async t => {
      const before = server.requests.length
      t.same((await search({ mode: 'fast' })).json.passages, plain.passages)
      t.equal((plain.passages as Shown[])[0]?.scores.rerank, null)
      t.equal((await app.ask({ question: 'What is the weather in Paris today?' })).json.abstained, true)
      t.equal(server.requests.length, before)
    })

    const faults: Readonly<Record<string, RerankBehaviour>> = {
      'replies 500': { status: 500 },
      'replies 429': { status: 429 },
      'replies 401': { status: 401 },
      'replies with garbage': { garbage: true },
      'leaves a passage out': { results: results => results.slice(1) },
      'scores a passage twice': { results: results => [...results.slice(1), results[1]] },
      'scores beyond all measure': { results: results => results.map(each => ({ ...each, relevance_score: 1e308 })) },
      'says nothing': { silent: true },
      'breaks off': { stalled: true },
      'is slow': { delayMs: 5000 },
    }
    /** As long as most calls of the last seconds went well no breaker opens, and the next fault is met and not avoided. */
    const recovered = async () => {
      server.behave({})
      await until('it is asked again', async () => (await search({})).json.degraded.length === 0)
      await Promise.all(Array.from({ length: 6 }, () => search({})))
    }
    for (const [fault, behaviour] of Object.entries(faults)) {
      t.test(`it ${fault}: the order of the search, in time, never cached`, async t => {
        server.behave(behaviour)
        const { json } = await unlessLate('rerank', () => search({ timeout_ms: 1500 }))
        t.same(json.passages, plain.passages)
        t.match(json, { degraded: ['rerank'], near: true })
        t.match((await unlessLate('rerank', () => app.ask({ question, timeout_ms: 1500 }))).json, {
          degraded: ['rerank'],
          abstained: false,
          cache: { status: 'miss' },
        })
        await recovered()
      })
    }

    t.test('it is gone: the order of the search; back: used again', async t => {
      await server.stop()
      t.match((await app.ask({ question })).json, { degraded: ['rerank'], abstained: false })
      await server.start()
      await recovered()
      for (const status of ['miss', 'hit']) {
        const { json } = await app.ask({ question })
        t.equal(json.cache.status, status)
        t.same(json.degraded, [])
      }
    })

    t.test('a client that leaves: it is hung up on', async () => {
      server.behave({ silent: true })
      const [asked, aborted] = [server.requests.length, server.aborted]
      const leaving = new AbortController()
      const body = JSON.stringify({ question: `${question} and the warden` })
      const gone = fetch(`${app.url}/search`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
        signal: leaving.signal,
      })
      gone.catch(() => {})
      await until('it is asked', () => server.requests.length > asked)
      leaving.abort()
      await until('it is hung up on', () => server.aborted > aborted)
      await until('it is counted', async () =>
        /failures_total\{code="cancelled"\} 1/.test((await app.send('GET', '/metrics')).text),
      )
    })
  })
}

t.test('its wait has a limit of its own', async t => {
  const server = await startReranker(t)
  server.behave({ silent: true })
  const app: App = await startHandbookApp(t, anyWorld, { ...settings(server.url), RERANK_TIMEOUT_MS: '100' })
  // It says nothing for ever, and nothing is left of a minute's time but what its own limit leaves.
  t.match(await app.send('POST', '/search', { question }), { status: 200, json: { degraded: ['rerank'] } })
  await until('it is hung up on', () => server.aborted > 0)
})

t.test('sentences that it does not score in time: the scores of whole passages stay', async t => {
  const server = await startReranker(t)
  const limits = { RERANK_UNITS: 'on', RERANK_TIMEOUT_MS: '2000' }
  const app = await startHandbookApp(t, anyWorld, { ...settings(server.url), ...limits })
  // The second request is that for the sentences.
  server.behave({ likes: 'lost book', results: results => (server.behave({ silent: true }), results) })
  const { json } = await app.send('POST', '/search', { question })
  t.equal(server.requests.length, 2)
  t.match(json, { degraded: [], passages: [{ source: 'handbook/library.md', scores: { rerank: 0.9 } }] })
  await until('it is hung up on', () => server.aborted > 0)
})

t.test('the log warns, and never has the key, which the server repeats', async t => {
  const server = await startReranker(t)
  const service = startService(t, { ...(await databaseSettings(t, anyWorld)), ...settings(server.url) })
  const { send, ask } = clientOf(await service.ready())
  await send(
    'PUT',
    '/documents',
    {
      documents: [
        { source: 'a', text: '# A\n\nGrants are paid in May.' },
        { source: 'b', text: '# B\n\nGrants are given by the dean.' },
      ],
    },
    { authorization: `Bearer ${adminKey}` },
  )
  server.behave({ status: 401 })
  t.match((await ask({ question: 'When are grants paid?' })).json, { degraded: ['rerank'] })
  await server.stop()
  t.match((await ask({ question: 'When are grants paid?' })).json, { degraded: ['rerank'] })
  // A busy machine may be warned about, too.
  const warnings = () =>
    service.log.filter(line => line['level'] === 'warn' && String(line['msg']).startsWith('reranking'))
  await until('both are logged', () => warnings().length === 2)
  t.match(warnings(), [{ code: 'model_rejected', detail: /RERANK_API_KEY/ }, { code: 'model_unreachable' }])
  t.notMatch(JSON.stringify(service.log), key)
})
