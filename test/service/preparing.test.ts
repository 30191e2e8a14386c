import { request as httpRequest } from 'node:http'
import tap, { type Test } from 'tap'
import { adminKey, anyWorld, type App, type Reply, startApp } from '../support/app.ts'
import { childrenOf, isRunning } from '../support/processes.ts'
import { clientOf, emptyFolder, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

const headers = { authorization: `Bearer ${adminKey}` }
/** A question waits as long as a busy machine needs. */
const patient = { REQUEST_TIMEOUT_MS: '600000', MAX_EVENT_LOOP_DELAY_MS: '0' }
/** Emphasis that opens and does not close: the parser takes time with the square of it, many minutes for this. */
const endless = '*a**b'.repeat(60_000)
/** The same for less than a minute, in little memory. */
const slow = '*a**b'.repeat(20_000)
/** A list of which the parser makes two gigabytes. */
const enormous = '- a\n'.repeat(200_000)
const good = (source: string, text = `# Title of ${source}\n\nThe library of ${source} is open from nine to six.`) => ({
  source,
  text,
})

const put = async (app: Pick<App, 'send'>, ...documents: object[]): Promise<Reply> =>
  await app.send('PUT', '/documents', { documents }, headers)

/** A PUT that is still at work, in a process of the service's own, until it is left. */
async function held(app: App, documents: readonly object[] = [good('held', endless)]) {
  const controller = new AbortController()
  const reply = fetch(`${app.url}/documents`, {
    method: 'PUT',
    signal: controller.signal,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ documents }),
  })
  const outcome = reply.then(
    async got => ({ status: got.status, body: await got.text() }),
    () => 'left' as const,
  )
  await until('a process is at it', () => app.deps.preparing.status().busy > 0, { ended: outcome })
  return { outcome, leave: () => controller.abort() }
}

const sourcesIn = async (app: App): Promise<number> =>
  (await app.send('GET', '/collections', undefined, headers)).json.collections.reduce(
    (sum: number, each: { document_count: number }) => sum + each.document_count,
    0,
  )

tap.test(
  'while a costly document is prepared, questions and probes are answered; a client that leaves ends it',
  async t => {
    const app = await startApp(t, anyWorld, { ...patient, PREPARE_CPU_SECONDS: '86400', PREPARE_WORKERS: '2' })
    t.equal((await put(app, good('a'))).status, 200)
    const { outcome, leave } = await held(app)
    const [health, asked, other] = [
      await app.send('GET', '/readyz'),
      await app.ask({ question: 'When is the library of a open?' }),
      await put(app, good('b')),
    ]
    t.equal(health.status, 200)
    t.match(asked, { status: 200, json: { abstained: false } })
    t.match(other, { status: 200, json: { documents: [{ status: 'added' }] } }, 'another document too')
    t.equal(app.deps.preparing.status().busy, 1, 'the costly one is still at work')
    const pids = app.deps.preparing.pids()
    leave()
    t.equal(await outcome, 'left')
    await until(
      'its process has ended',
      () => pids.some(pid => !isRunning(pid)) && app.deps.preparing.status().busy === 0,
    )
    await until('its room is free again', () => app.deps.preparing.status().places === 0)
    t.equal(await sourcesIn(app), 2)
  },
)

tap.test(
  'a document that takes too much is refused by name, with the limit; the others are not stored, and the next request is served',
  async t => {
    const app = await startApp(t, anyWorld, { PREPARE_CPU_SECONDS: '3', PREPARE_MEMORY_MB: '400' })
    const late = await put(app, good('a'), good('slow.md', slow), good('c'))
    t.match(late, {
      status: 422,
      json: {
        code: 'document_too_costly',
        errors: [
          {
            pointer: '/documents/1',
            detail: /"slow\.md" takes more than 3 s of CPU time .*PREPARE_CPU_SECONDS.*5 MB/,
          },
        ],
      },
    })
    const large = await put(app, good('large.md', enormous))
    t.match(large, {
      status: 422,
      json: {
        code: 'document_too_costly',
        errors: [{ pointer: '/documents/0', detail: /"large\.md" takes more than (400 MB of memory|3 s)/ }],
      },
    })
    t.equal(
      (await app.send('GET', '/collections', undefined, headers)).json.collections.length,
      0,
      'not even a collection',
    )
    t.match(await put(app, good('a')), { status: 200, json: { documents: [{ status: 'added' }] } })
    t.match(await put(app, good('a')), { status: 200, json: { documents: [{ status: 'unchanged', chunks: 0 }] } })
  },
)

tap.test('what else is wrong with documents is told of all of them', async t => {
  const app = await startApp(t, anyWorld)
  const refused = await put(app, good('deep', '> '.repeat(50_000)), good('a'), good('empty', '<!-- nothing -->'))
  t.match(refused, {
    status: 422,
    json: {
      code: 'document_refused',
      errors: [
        { pointer: '/documents/0', detail: /nested too deeply/ },
        { pointer: '/documents/2', detail: /has no text/ },
      ],
    },
  })
  t.match(await put(app, good('one', '<!-- nothing -->')), {
    status: 422,
    json: { code: 'document_refused', detail: 'Document "one" has no text.' },
  })
  t.equal(await sourcesIn(app), 0)
})

tap.test('a process that is killed from outside is replaced, and the document tried once more', async t => {
  const app = await startApp(t, anyWorld, { PREPARE_CPU_SECONDS: '86400', PREPARE_WORKERS: '1' })
  const { outcome } = await held(app)
  for (let times = 0; times < 2; times++) {
    const [pid] = app.deps.preparing.pids()
    process.kill(pid!, 'SIGKILL')
    await until(
      'another process is at it, or the reply is there',
      async () => !app.deps.preparing.pids().includes(pid!),
    )
  }
  t.match(await outcome, {
    status: 503,
    body: /"code":"preparing_failed".*check whether the machine runs out of memory/,
  })
  t.match(await put(app, good('a')), { status: 200 })
})

tap.test('hundreds of uploads at once: those beyond the bound are refused, questions are answered', async t => {
  const app = await startApp(t, anyWorld, {
    ...patient,
    PREPARE_CPU_SECONDS: '86400',
    PREPARE_WORKERS: '1',
    PREPARE_QUEUE_MB: '2',
  })
  t.equal((await put(app, good('first'))).status, 200)
  const { outcome, leave } = await held(app)
  // In Russian, which the local model does not read: no time goes into vectors.
  const uploads = Array.from(
    { length: 260 },
    async (_, i) => await put(app, { ...good(`u${i}`, 'В читальном зале тихо.'), language: 'ru' }),
  )
  const ended: Reply[] = []
  for (const upload of uploads) void upload.then(reply => ended.push(reply))
  await until('the rest is refused', () => ended.length + app.deps.preparing.status().places - 1 === uploads.length)
  t.ok(ended.length >= 60, `${ended.length} of ${uploads.length} refused`)
  t.ok(
    ended.every(
      ({ status, json, headers: got }) =>
        status === 503 && json.code === 'overloaded' && Number(got.get('retry-after')) >= 1,
    ),
  )
  t.match(await app.ask({ question: 'When is the library of first open?' }), {
    status: 200,
    json: { abstained: false },
  })
  leave()
  await outcome
  const statuses = (await Promise.all(uploads)).map(reply => reply.status)
  t.equal(
    statuses.filter(status => status === 200).length,
    uploads.length - ended.filter(({ status }) => status === 503).length,
    'those that were let in are stored',
  )
  await until('all room is free again', () => app.deps.preparing.status().places === 0)
  t.match(app.deps.preparing.status(), { bytes: 0, waiting: 0 })
})

tap.test('a body that is refused at the door need not be sent', async t => {
  const app = await startApp(t, anyWorld, { PREPARE_CPU_SECONDS: '86400', PREPARE_QUEUE_MB: '1' })
  const { outcome, leave } = await held(app)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const request = httpRequest(
      `${app.url}/documents`,
      { method: 'PUT', headers: { ...headers, 'content-type': 'application/json', 'content-length': 2 ** 20 } },
      reply => resolve(reply.resume().statusCode),
    )
    request.once('error', reject).flushHeaders()
    t.teardown(() => request.destroy())
  })
  t.equal(status, 503, 'of a body of which not one byte was sent')
  leave()
  await outcome
})

async function heldService(t: Test, settings: Record<string, string>) {
  const service = startService(t, { DATA_DIR: emptyFolder(t), PREPARE_CPU_SECONDS: '86400', ...settings })
  const address = await service.ready()
  const outcome = clientOf(address)
    .send('PUT', '/documents', { documents: [good('held', endless)] }, headers)
    .then(
      reply => reply.status,
      () => 'cut off' as const,
    )
  const pid = await until('a process prepares it', () => childrenOf(service.pid)[0], { ended: service.exited() })
  return { service, outcome, pid }
}

tap.test(
  'SIGTERM while a document is prepared: the service ends when its time to drain is over, and leaves nothing running',
  async t => {
    const { service, outcome, pid } = await heldService(t, { DRAIN_SECONDS: '1' })
    service.signal('SIGTERM')
    t.match(await service.exited(), { code: 0, signal: null })
    t.equal(await outcome, 'cut off')
    t.notOk(isRunning(pid))
  },
)

tap.test('SIGKILL of the service while a document is prepared leaves nothing running', async t => {
  const { service, outcome, pid } = await heldService(t, {})
  service.signal('SIGKILL')
  await service.exited()
  await outcome
  await until('its process has ended', () => !isRunning(pid))
})
