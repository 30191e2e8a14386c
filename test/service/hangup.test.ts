import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { skipReason, worlds, type App } from '../support/app.ts'
import { atLeast } from '../support/at-least.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { openStream, type LiveStream } from '../support/live-stream.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel, type Endpoint } from '../support/model.ts'
import { administer } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/** A client that leaves frees what worked for it: the model's connection, the query, the lease. */

const rent = 'How much does a place in the dormitory cost?'

/** A question asked by a client that does not wait for the end. */
function askOnly(app: App, body: object) {
  const outgoing = request(`${app.url}/ask`, { method: 'POST', headers: { 'content-type': 'application/json' } })
  outgoing.on('error', () => {}) // it is we who hang up
  outgoing.end(JSON.stringify(body))
  let hasReply = false
  outgoing.on('response', () => (hasReply = true))
  return { leave: () => void outgoing.destroy(), hasReply: () => hasReply }
}

/** The client asks; once that has reached the model it leaves; resolves when the model has been hung up on. */
async function untilAborted(endpoint: Endpoint<unknown>, ask: () => Promise<{ leave(): void }>): Promise<void> {
  const [asked, aborted] = [endpoint.requests.length, endpoint.aborted]
  const client = await ask()
  await until('the model is asked', () => endpoint.requests.length > asked)
  client.leave()
  await until('the model sees the hang-up', () => endpoint.aborted > aborted)
}

const isIdle = (app: App) => until('every lease is back', () => app.deps.database.status().checkedOut === 0)

async function cancelledCount(app: App): Promise<number> {
  const { text } = await app.send('GET', '/metrics')
  return Number(/^askwell_failures_total\{code="cancelled"\} (\d+)$/m.exec(text)?.[1] ?? 0)
}

for (const world of worlds) {
  t.test(`a client that leaves, ${world}`, { skip: skipReason(world) }, async t => {
    const model = await startModel(t)
    const app = await startHandbookApp(t, world, { ...settingsFor(model, 'test-embedding'), ABSTAIN_BELOW: '0' })
    t.afterEach(async () => {
      model.chat.behave({})
      model.embeddings.behave({})
      await isIdle(app)
    })
    const isNotCached = async (t: Test, question: string) => {
      model.chat.behave({})
      t.match((await app.ask({ question })).json, { cache: { status: 'miss' } })
    }

    t.test('while it waits for JSON: the chat call is hung up on, counted, nothing cached', async t => {
      model.chat.behave({ silent: true })
      const before = await cancelledCount(app)
      await untilAborted(model.chat, async () => askOnly(app, { question: rent }))
      await until('it is counted', async () => (await cancelledCount(app)) === before + 1)
      await isNotCached(t, rent)
    })

    t.test('while the question is embedded: the embedding call is hung up on', async () => {
      model.embeddings.behave({ silent: true })
      await untilAborted(model.embeddings, async () =>
        askOnly(app, { question: 'Where do students apply for a grant?' }),
      )
    })

    const streams = {
      'before the first word': [{ stallAfterTokens: 0 }, ({ events }: LiveStream) => events[0]?.event === 'passages'],
      'in the middle': [
        { answer: 'A place costs 12,000 tenge [1].', stallAfterTokens: 4 },
        ({ said }: LiveStream) => said.includes('costs'),
      ],
      'while words still come': [
        { answer: 'word '.repeat(4000), perTokenMs: 10 },
        ({ said }: LiveStream) => said.includes('word word'),
      ],
    } as const
    for (const [i, [moment, [behaviour, isMoment]]] of Object.entries(streams).entries()) {
      t.test(`a stream, ${moment}: the chat call is hung up on, counted, nothing cached`, async t => {
        model.chat.behave(behaviour)
        const question = `${rent} (${i})` // not the answer that another test has cached
        const before = await cancelledCount(app)
        await untilAborted(model.chat, async () => {
          const stream = await openStream(app.url, { question })
          await stream.seen(isMoment)
          return stream
        })
        await until('it is counted', async () => (await cancelledCount(app)) === before + 1)
        await isNotCached(t, question)
      })
    }

    t.test('a client that waits for a slow model: no connection is held for it', async t => {
      model.chat.behave({ silent: true })
      await untilAborted(model.chat, async () => {
        const client = askOnly(app, { question: 'Who settles foreign students?' })
        const asked = model.chat.requests.length
        await until('the model is asked', () => model.chat.requests.length > asked)
        t.match(app.deps.database.status().holders, { retrieve: undefined, collections: undefined })
        return client
      })
    })

    t.test('in the middle of its body: no model is asked, the service goes on', async t => {
      const asked = model.chat.requests.length
      const { port } = new URL(app.url)
      const socket = connect(Number(port), '127.0.0.1')
      await once(socket, 'connect')
      socket.write(
        'POST /ask HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"question": "Ho',
      )
      socket.destroy()
      t.equal((await app.ask({ question: 'Who keeps the list of free rooms?' })).status, 200)
      t.equal(model.chat.requests.length, asked + 1)
    })

    t.test('many at once: every call is hung up on, every lease comes back', async t => {
      model.chat.behave({ silent: true })
      const [asked, aborted] = [model.chat.requests.length, model.chat.aborted]
      const clients = Array.from({ length: 12 }, (_, i) =>
        askOnly(app, { question: `${rent} ${i}`, stream: i % 2 === 0 }),
      )
      await until('all wait for the model', () => model.chat.requests.length === asked + clients.length)
      for (const client of clients) client.leave()
      await until('all are hung up on', () => model.chat.aborted === aborted + clients.length)
      await isIdle(app)
      t.equal(app.deps.database.status().waiting, 0)
    })
  })
}

t.test('a client that leaves while its query runs', { skip: skipReason('postgres') }, async t => {
  const app = await startHandbookApp(t, 'postgres')
  await administer(app.env['DATABASE_URL']!, sql =>
    sql.begin(async sql => {
      await sql`lock table chunks`
      const waiting = () =>
        sql`select from pg_stat_activity where application_name = 'askwell' and wait_event_type = 'Lock' and datname = current_database()`
      for (const stream of [false, true]) {
        let client = askOnly(app, { question: rent, stream })
        await until('its query waits for the lock', async () => {
          // On a busy machine its time may be over before it comes to its query.
          if (client.hasReply()) client = askOnly(app, { question: rent, stream })
          return (await waiting()).length === 1
        })
        client.leave()
        await until('the query is cancelled', async () => (await waiting()).length === 0)
        await isIdle(app)
      }
      // One more for each question whose time was over.
      t.ok(app.deps.database.status().totals.cancels >= 2)
    }),
  )
  t.match((await app.ask({ question: rent })).json, { answer: /12,000/ })
})

t.test(
  'hundreds that leave at random moments, one run for some of them: nothing goes on, nothing half is kept',
  { skip: skipReason('postgres') },
  async t => {
    const model = await startModel(t, {
      chat: { answer: 'A place costs 12,000 tenge [1]. And so on. The end.', perTokenMs: 5 },
    })
    const app = await startHandbookApp(t, 'postgres', { ...settingsFor(model, 'test-embedding'), ABSTAIN_BELOW: '0' })
    const questions = Array.from({ length: 100 }, (_, i) => `${rent} (${i})`)
    await Promise.all(
      Array.from({ length: 400 }, async (_, i) => {
        const client = askOnly(app, { question: questions[i % questions.length], stream: i % 3 === 0 })
        await atLeast(Math.random() * 400)
        client.leave()
      }),
    )
    await administer(app.env['DATABASE_URL']!, async sql => {
      const active = () =>
        sql`select from pg_stat_activity where application_name = 'askwell' and state = 'active' and datname = current_database()`
      await until('no query runs', async () => (await active()).length === 0)
    })
    await until('no model is asked', () => model.answering === 0)
    await isIdle(app)
    t.match(app.deps.database.status(), { waiting: 0, totals: { overdue: 0 } })
    for (const question of questions) {
      const { status, json } = await app.ask({ question }, { 'cache-control': 'only-if-cached' })
      if (status === 504) continue
      t.match(json, { answer: /The end\.$/, generator: 'llm' })
      t.same(json.degraded, [])
    }
  },
)

t.test(
  'a stream that is left before its first event is read: its run ends',
  { skip: skipReason('postgres') },
  async t => {
    const model = await startModel(t, { chat: { stallAfterTokens: 0 } })
    const app = await startHandbookApp(t, 'postgres', { ...settingsFor(model, 'test-embedding'), ABSTAIN_BELOW: '0' })
    for (let i = 0; i < 50; i++) {
      const asked = model.embeddings.requests.length
      const client = askOnly(app, { question: `${rent} (${i})`, stream: true })
      await until('its question is embedded', () => model.embeddings.requests.length > asked)
      // From here the head is sent within milliseconds: some leave just before it, some just behind.
      await atLeast(Math.random() * 10)
      client.leave()
    }
    await until('no model is asked', () => model.answering === 0)
    await isIdle(app)
  },
)
