import t from 'tap'
import { anyWorld, type App, skipReason, startApp } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { administer, startPostgres } from '../support/postgres.ts'
import { startReranker } from '../support/reranker.ts'
import { sseEvents } from '../support/sse.ts'
import { until } from '../support/until.ts'

/** What is broken is not asked again and again: it is left alone, and found to be well again. */

const rent = 'How much does a place in the dormitory cost?'
/** For a check that asks a question. */
const seldom = { everyMs: 100 }

let asked = 0
/** Another question each time, so that nothing of it is remembered. */
const anew = () => ({ question: `${++asked}. ${rent}` })

const breakersOf = async (app: App) => (await app.send('GET', '/readyz')).json.breakers as Record<string, string>
async function figureOf(app: App, line: string): Promise<number> {
  const { text } = await app.send('GET', '/metrics')
  return Number(
    text
      .split('\n')
      .find(each => each.startsWith(`${line} `))
      ?.split(' ')
      .at(-1),
  )
}

t.test('a model that fails', async t => {
  const model = await startModel(t)
  const app = await startHandbookApp(t, anyWorld, {
    ...settingsFor(model, 'test-embedding'),
    RATE_LIMIT: '0',
    ABSTAIN_BELOW: '0',
  })

  t.test('once: nobody notices, and the second try is counted', async t => {
    model.chat.behave({ status: 500, times: 1 })
    model.embeddings.behave({ status: 503, times: 1 })
    const { json } = await app.ask(anew())
    t.equal(json.generator, 'llm')
    t.same(json.degraded, [])
    for (const dependency of ['chat', 'embeddings'])
      t.equal(await figureOf(app, `askwell_retries_total{dependency="${dependency}"}`), 1)
  })

  t.test('once, before the first token of a stream: the same', async t => {
    model.chat.behave({ cutAfterTokens: 0, times: 1 })
    const events = sseEvents((await app.ask({ ...anew(), stream: true })).text)
    t.match(events.at(-1), { event: 'done', data: { generator: 'llm' } })
    t.same(events.at(-1)?.data.degraded, [])
  })

  t.test('again and again: it is not asked any more, each question is answered all the same, and it shows', async t => {
    model.chat.behave({ status: 500 })
    model.embeddings.behave({ status: 500 })
    const isOpen = async () => {
      t.match(await app.ask(anew()), {
        status: 200,
        json: { generator: 'extractive', answer: /12,000/, degraded: ['embeddings', 'generation'] },
      })
      const { chat, embeddings } = await breakersOf(app)
      return chat === 'open' && embeddings === 'open'
    }
    await until('both are left alone', isOpen)
    t.equal(await figureOf(app, 'askwell_breaker_state{dependency="chat",state="open"}'), 1)
    t.equal(await figureOf(app, 'askwell_breaker_opened_total{dependency="chat"}'), 1)
    const opened = (dependency: string) => figureOf(app, `askwell_breaker_opened_total{dependency="${dependency}"}`)
    const asked = () => [model.chat.requests.length, model.embeddings.requests.length] as const
    const [before, openedBefore] = [asked(), [await opened('chat'), await opened('embeddings')]] as const
    let calls = 0
    for (let i = 0; i < 20; i++) {
      const { json } = await app.ask(anew())
      t.equal(json.generator, 'extractive')
      calls += json.usage.llm_calls
    }
    t.equal(calls, asked()[0] - before[0], 'calls reported: those that were made')
    // However long the twenty take: each time that it is tried, and fails, it is left alone again.
    for (const [i, dependency] of (['chat', 'embeddings'] as const).entries()) {
      const [probes, times] = [asked()[i]! - before[i]!, (await opened(dependency)) - openedBefore[i]!]
      t.ok(
        probes <= times && probes < 20,
        `${dependency}: ${probes} calls for twenty questions, left alone ${times} times`,
      )
    }
  })

  t.test('and is well again: it is asked again by itself', async t => {
    model.chat.behave({})
    model.embeddings.behave({})
    await until(
      'an answer is whole',
      async () => {
        const { json } = await app.ask(anew())
        return json.generator === 'llm' && json.degraded.length === 0
      },
      seldom,
    )
    t.same(await breakersOf(app), { database: 'closed', chat: 'closed', embeddings: 'closed' })
  })

  t.test('a wrong question is no fault of the model: however many are refused, it is asked', async t => {
    model.chat.behave({ status: 400 })
    for (let i = 0; i < 12; i++) t.match((await app.ask(anew())).json, { generator: 'extractive' })
    t.equal((await breakersOf(app))['chat'], 'closed')
    model.chat.behave({})
    t.match((await app.ask(anew())).json, { generator: 'llm' })
  })
})

t.test('a model that asks to be left alone for a while: it is', async t => {
  const model = await startModel(t)
  const app = await startHandbookApp(t, anyWorld, {
    ...settingsFor(model, 'test-embedding'),
    RATE_LIMIT: '0',
    ABSTAIN_BELOW: '0',
  })
  model.chat.behave({ status: 429, retryAfter: 3 })
  t.match((await app.ask(anew())).json, { generator: 'extractive' })
  model.chat.behave({})
  const { requests } = model.chat
  const before = requests.length
  await until(
    'it is asked again',
    async () => {
      const { json } = await app.ask(anew())
      t.equal((await breakersOf(app))['chat'], 'closed', 'busy is not broken')
      if (requests.length === before) t.match(json, { generator: 'extractive', degraded: ['generation'] })
      return json.generator === 'llm'
    },
    seldom,
  )
  t.ok(requests[before]!.at - requests[before - 1]!.at >= 3000, 'not before that')
})

t.test('a model that falls silent: given up after MODEL_SILENCE_MS, long before the deadline', async t => {
  const model = await startModel(t)
  const app = await startHandbookApp(t, anyWorld, {
    ...settingsFor(model, 'test-embedding'),
    ABSTAIN_BELOW: '0',
    RATE_LIMIT: '0',
    MODEL_SILENCE_MS: '300',
  })

  t.test('before the first word: quoted sentences; then it is not asked any more', async t => {
    model.chat.behave({ silent: true })
    await until('it is left alone', async () => {
      t.match((await app.ask(anew())).json, { generator: 'extractive', degraded: ['generation'] })
      return (await breakersOf(app))['chat'] === 'open'
    })
    await until('no call is left waiting', () => model.chat.requests.every(({ aborted }) => aborted))
    model.chat.behave({})
    await until('it is asked again', async () => (await app.ask(anew())).json.generator === 'llm', seldom)
  })

  t.test('after some: the stream ends with an error, never as if whole', async t => {
    model.chat.behave({ stallAfterTokens: 3 })
    // Where the machine lets its first word come late, it is quoted sentences as before.
    const events = await until('it has begun', async () => {
      const heard = sseEvents((await app.ask({ ...anew(), stream: true })).text)
      return heard.at(-1)?.data.generator === 'extractive' ? null : heard
    })
    t.match(events.at(-1), { event: 'error', data: { code: 'deadline_exceeded' } })
    t.notOk(events.some(({ event }) => event === 'done'))
  })
})

t.test('a slow embedding is asked for twice where that is wanted, and the quicker one counts', async t => {
  const model = await startModel(t)
  const app = await startHandbookApp(t, anyWorld, {
    ...settingsFor(model, 'test-embedding'),
    ABSTAIN_BELOW: '0',
    RATE_LIMIT: '0',
    EMBEDDING_HEDGE_MS: '50',
  })
  const [before, hedged, aborted] = [
    model.embeddings.requests.length,
    await figureOf(app, 'askwell_hedges_total'),
    model.embeddings.aborted,
  ]
  model.embeddings.behave({ silent: true, times: 1 })
  t.same((await app.ask(anew())).json.degraded, [])
  t.equal(model.embeddings.requests.length, before + 2)
  t.equal(await figureOf(app, 'askwell_hedges_total'), hedged + 1)
  await until('the slow one is given up', () => model.embeddings.aborted === aborted + 1)
})

t.test('a reranker that fails is not asked any more, and passages keep their order', async t => {
  const reranker = await startReranker(t)
  const app = await startHandbookApp(t, anyWorld, {
    RERANK_URL: reranker.url,
    RERANK_MODEL: 'test-rerank',
    RATE_LIMIT: '0',
  })
  t.same((await app.ask(anew())).json.degraded, [])
  await reranker.stop()
  await until('it is left alone', async () => {
    t.match((await app.ask(anew())).json, { degraded: ['rerank'], answer: /12,000/ })
    return (await breakersOf(app))['rerank'] === 'open'
  })
})

t.test('a database that says nothing', { skip: skipReason('postgres') }, async t => {
  const postgres = await startPostgres(t)
  const app = await startApp(t, 'postgres', { DATABASE_URL: postgres.url, RATE_LIMIT: '0' })
  await loadHandbook(app)
  t.equal((await app.ask({ question: rent })).status, 200)

  postgres.freeze()
  await until('that is known without a question', async () => (await breakersOf(app))['database'] === 'open')
  t.match(
    await app.ask({ question: rent }),
    { status: 200, json: { cache: { status: 'stale' }, degraded: ['database'] } },
    'what is remembered is given',
  )
  const refused = await app.ask(anew())
  t.match(refused, { status: 503, json: { code: 'database_unavailable' } })
  t.ok(refused.headers.has('retry-after'))

  postgres.thaw()
  await until('it is asked again', async () => (await app.ask(anew())).status === 200, seldom)
  t.equal((await breakersOf(app))['database'], 'closed')
})

t.test(
  'connections that break are no reason to fail: reads are made again on others',
  { skip: skipReason('postgres') },
  async t => {
    const app = await startHandbookApp(t, 'postgres', { RATE_LIMIT: '0' })
    await Promise.all(Array.from({ length: 8 }, () => app.ask(anew())))
    for (let i = 0; i < 5; i++) {
      await administer(
        app.env['DATABASE_URL']!,
        sql =>
          sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'askwell' and datname = current_database()`,
      )
      const replies = await Promise.all(Array.from({ length: 4 }, () => app.ask(anew())))
      t.same(
        replies.map(({ status }) => status),
        [200, 200, 200, 200],
      )
    }
  },
)
