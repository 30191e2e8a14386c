import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { performanceOf } from '../support/advice.ts'
import { anyWorld, type App, skipReason, type World, eitherWorld } from '../support/app.ts'
import { assertContract } from '../support/contract.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel, type Model } from '../support/model.ts'
import { occupied } from '../support/occupied.ts'
import { administer } from '../support/postgres.ts'
import { sseEvents } from '../support/sse.ts'
import { until } from '../support/until.ts'

/** More is searched than can be: the excess hears so at once, the rest notices nothing. A slow model is no reason. */

/** Two at once, and one may wait for as long as it takes. */
const tight = {
  ADMISSION_FLOOR: '2',
  ADMISSION_CEILING: '2',
  ADMISSION_MAX_WAITING: '1',
  ADMISSION_MAX_WAIT_MS: '60000',
}
const batch = { 'x-priority': 'batch' }

let asked = 0

/** Asked by nobody before, and not near to what was. */
function fresh(): { question: string } {
  asked++
  return { question: `How much does a place in the dormitory cost in room ${asked}?` }
}

async function start(
  t: Test,
  world: World,
  settings: Record<string, string> = {},
): Promise<{ app: App; model: Model }> {
  const model = await startModel(t)
  const app = await startHandbookApp(t, world, {
    ...settingsFor(model, 'test-embedding'),
    ...tight,
    SEMANTIC_CACHE: 'off',
    ...settings,
  })
  return { app, model }
}

async function figure(app: App, name: string): Promise<number> {
  const { text } = await app.send('GET', '/metrics')
  return Number(
    text
      .split('\n')
      .find(line => line.startsWith(`askwell_${name} `))
      ?.split(' ')
      .at(-1) ?? 0,
  )
}

const inFlight = (app: App) => figure(app, 'admission_in_flight')
const queued = (app: App) => figure(app, 'admission_queued')
const refused = (app: App, priority: string, reason: string) =>
  figure(app, `admission_refused_total{priority="${priority}",reason="${reason}"}`)

async function stageCount(app: App, stage: string): Promise<number> {
  const { text } = await app.send('GET', '/metrics')
  const lines = text
    .split('\n')
    .filter(line => line.startsWith('askwell_stage_seconds_count') && line.includes(`stage="${stage}"`))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

/** A question on a connection of its own, for a client that leaves. */
function askAndLeave(app: App): { readonly ended: Promise<unknown>; leave(): void } {
  const leaving = new AbortController()
  const ended = fetch(`${app.url}/ask`, {
    method: 'POST',
    body: JSON.stringify(fresh()),
    headers: { 'content-type': 'application/json' },
    signal: leaving.signal,
  }).catch(() => 'left')
  return { ended, leave: () => leaving.abort() }
}

for (const world of eitherWorld) {
  t.test(`room for two, ${world}`, { skip: skipReason(world) }, async t => {
    const { app, model } = await start(t, world)
    const known = fresh()
    t.equal((await app.ask(known)).status, 200)

    const busy = occupied(app, 2)
    await until('both run', async () => (await inFlight(app)) === 2)
    const waiting = app.ask({ ...fresh(), include: ['timings'] })
    await until('one waits', async () => (await queued(app)) === 1)

    t.test(
      'the excess: 503 overloaded, a problem that says when to come back, as JSON, as a stream and of a search',
      async t => {
        const replies = [
          ['/ask', await app.ask(fresh())],
          ['/ask', await app.ask({ ...fresh(), stream: true })],
          ['/search', await app.send('POST', '/search', fresh())],
        ] as const
        for (const [path, reply] of replies) {
          t.equal(reply.status, 503)
          t.match(reply.json, { code: 'overloaded', type: /#temporary-reduced-capacity$/ })
          assertContract(t, { method: 'POST', path, status: reply.status, headers: reply.headers, body: reply.text })
        }
        t.equal(await refused(app, 'interactive', 'queue'), 3)
        const { refused: many, errors_by_code } = (await performanceOf(app)).windows['1m']
        t.match({ many, errors_by_code }, { many: 3, errors_by_code: { overloaded: 3 } }, 'each is counted once')
      },
    )

    t.test('nobody who is told no costs the model or a vector anything', async t => {
      const before = model.chat.requests.length
      await app.ask({ ...fresh(), mode: 'smart', history: [{ role: 'user', content: 'And?' }] })
      t.equal(model.chat.requests.length, before)
    })

    t.test('what is remembered passes beside it', async t => {
      t.match((await app.ask(known)).json, { cache: { status: 'hit' } })
      t.equal(await inFlight(app), 2)
    })

    t.test('probes, figures and documents do too', async t => {
      for (const path of ['/livez', '/readyz', '/metrics', '/openapi.yaml'])
        t.equal((await app.send('GET', path)).status, 200, path)
    })

    t.test('it is over: who waited is answered, and all is as before', async t => {
      await busy.release()
      const { status, headers, json, text } = await waiting
      t.equal(status, 200)
      t.ok(json.timings_ms.admit > 0, 'how long it waited is told')
      t.match(headers.get('server-timing'), /\badmit;dur=/)
      assertContract(t, { method: 'POST', path: '/ask', status, headers, body: text })
      t.equal(await stageCount(app, 'admit'), 1, 'and counted')
      const again = await app.ask({ ...known, include: ['timings'] })
      t.notOk('admit' in again.json.timings_ms, 'what is remembered waited for nothing')
      await until('all left', async () => (await inFlight(app)) === 0)
      t.same(
        await Promise.all([app.ask(fresh()), app.ask(fresh())].map(async reply => (await reply).status)),
        [200, 200],
      )
      t.equal(await queued(app), 0)
    })
  })

  t.test(`batch goes last, ${world}`, { skip: skipReason(world) }, async t => {
    const { app } = await start(t, world, { ADMISSION_MAX_WAITING: '1' })
    const busy = occupied(app, 2)
    await until('both run', async () => (await inFlight(app)) === 2)

    t.test("its place in the queue is the interactive one's, who waits on", async t => {
      const last = app.ask(fresh(), batch)
      await until('it waits', async () => (await queued(app)) === 1)
      const first = app.ask(fresh())
      t.match((await last).json, { code: 'overloaded', detail: /another request took the place/ })
      t.equal((await app.ask(fresh(), batch)).status, 503, 'there is no place for another')
      t.equal(await refused(app, 'batch', 'evicted'), 1)
      await busy.release()
      t.equal((await first).status, 200)
    })
  })
}

t.test('batch takes its share only: there is room for who waits for a reply', async t => {
  const { app } = await start(t, anyWorld, { ADMISSION_MAX_WAITING: '0' })
  const busy = occupied(app, 2, 'batch')
  await until('one runs', async () => (await inFlight(app)) === 1)
  await until('one was refused', async () => (await refused(app, 'batch', 'queue')) === 1)
  t.equal((await app.ask(fresh())).status, 200)
  await busy.release()
})

t.test('equal questions are one run: those who join it need no room', async t => {
  const { app, model } = await start(t, anyWorld, { ADMISSION_MAX_WAITING: '0' })
  model.chat.behave({ delayMs: 1000 })
  const question = fresh()
  const replies = await Promise.all(Array.from({ length: 20 }, () => app.ask(question)))
  t.same(new Set(replies.map(({ status }) => status)), new Set([200]))
})

t.test('an answer past its time is better than a no, and says what is amiss', async t => {
  const { app } = await start(t, anyWorld, { ADMISSION_MAX_WAITING: '0', ANSWER_CACHE_SECONDS: '1' })
  const known = fresh()
  const { json } = await app.ask(known)
  const busy = occupied(app, 2)
  await until('both run', async () => (await inFlight(app)) === 2)
  const stale = await until('its time is over', async () => {
    const reply = await app.ask(known)
    return reply.json.cache?.status === 'hit' ? undefined : reply
  })
  t.match(stale.json, { answer: json.answer, cache: { status: 'stale' }, degraded: ['capacity'] })
  assertContract(t, { method: 'POST', path: '/ask', status: stale.status, headers: stale.headers, body: stale.text })
  t.match(sseEvents((await app.ask({ ...known, stream: true })).text).at(-1), {
    event: 'done',
    data: { degraded: ['capacity'] },
  })
  t.equal((await app.ask(known, { 'cache-control': 'no-cache' })).status, 503, 'unless it is not wanted')
  await busy.release()
})

t.test('who leaves while waiting leaves nothing behind', async t => {
  const { app } = await start(t, anyWorld)
  const busy = occupied(app, 2)
  await until('both run', async () => (await inFlight(app)) === 2)
  const waiting = askAndLeave(app)
  await until('one waits', async () => (await queued(app)) === 1)
  waiting.leave()
  t.equal(await waiting.ended, 'left')
  await until('it is gone', async () => (await queued(app)) === 0)
  await busy.release()
  await until('all left', async () => (await inFlight(app)) === 0)
})

t.test(
  'a search that takes long holds its place until its client leaves',
  { skip: skipReason('postgres') },
  async t => {
    const { app } = await start(t, 'postgres')
    await administer(app.env['DATABASE_URL']!, sql =>
      sql.begin(async sql => {
        await sql`lock table chunks`
        const clients = [askAndLeave(app), askAndLeave(app), askAndLeave(app)]
        await until('two search, one waits', async () => (await inFlight(app)) === 2 && (await queued(app)) === 1)
        for (const client of clients) client.leave()
        await until('none does', async () => (await inFlight(app)) === 0 && (await queued(app)) === 0)
      }),
    )
    t.equal((await app.ask(fresh())).status, 200)
  },
)

t.test('a model that takes long: its questions hold no place, so nobody is refused', async t => {
  const { app, model } = await start(t, anyWorld)
  const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
  model.chat.behave({ held })
  const replies = []
  for (let asked = 1; asked <= 12; asked++) {
    replies.push(app.ask(fresh()))
    await until('it waits for the model', () => model.chat.requests.length === asked)
    t.equal(await inFlight(app), 0)
  }
  t.equal(await figure(app, 'model_calls_in_flight'), 12)
  const leaving = askAndLeave(app)
  await until('another waits for the model', () => model.chat.requests.length === 13)
  leaving.leave()
  await until('its call is ended', async () => (await figure(app, 'model_calls_in_flight')) === 12)
  goOn()
  for (const reply of await Promise.all(replies))
    t.match(reply, { status: 200, json: { generator: 'llm', degraded: [] } })
  await until('no call is left', async () => (await figure(app, 'model_calls_in_flight')) === 0)
})

for (const wish of ['no-store', 'no-cache', 'max-age=0', '']) {
  t.test(`a reader that does not read keeps no place from others${wish && `, ${wish}`}`, async t => {
    const { app, model } = await start(t, anyWorld)
    // More than the system's buffers hold for a connection that is not read.
    model.chat.behave({ answer: Array.from({ length: 12 }, () => 'x'.repeat(1e6)).join(' ') })
    const [body, { hostname, port }] = [JSON.stringify({ ...fresh(), stream: true }), new URL(app.url)]
    const socket = connect(Number(port), hostname).pause()
    t.teardown(() => socket.destroy())
    socket.write(
      `POST /ask HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${wish && `cache-control: ${wish}\r\n`}content-length: ${body.length}\r\n\r\n${body}`,
    )
    await until('the model is asked', () => model.chat.requests.length === 1)
    await until(
      'its places are free',
      async () => (await inFlight(app)) === 0 && (await figure(app, 'model_calls_in_flight')) === 0,
    )
    const text: string[] = []
    socket
      .setEncoding('utf8')
      .on('data', (piece: string) => text.push(piece))
      .resume()
    await until('it reads on, and gets the whole answer', () => text.at(-1)?.includes('0\r\n\r\n'))
    t.match(text.join(''), /event: done/)
  })
}

t.test('X-Priority that is none: 400, and says what it may be', async t => {
  const { app } = await start(t, anyWorld)
  for (const path of ['/ask', '/search']) {
    const { status, json } = await app.send('POST', path, fresh(), { 'x-priority': 'urgent' })
    t.equal(status, 400)
    t.match(json, { code: 'invalid_request', detail: 'The X-Priority header must be interactive or batch.' })
  }
  t.equal((await app.send('POST', '/search', fresh(), batch)).status, 200)
})
