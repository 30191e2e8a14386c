import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { adminKey, databaseSettings, skipReason } from '../support/app.ts'
import { handbookSettings } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { isRunning } from '../support/processes.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import { emptyFolder, startService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { startWorkers, type Connection, type WorkerService } from '../support/workers.ts'

/** WORKERS=2: two processes on one port that behave as one. */

const skip = skipReason('postgres')
const authorization = { authorization: `Bearer ${adminKey}` }
const rent = 'How much does a place in the dormitory cost?'
/** Of the document that answers it: a word that no document has would be looked for in other wordings first. */
const knownWords = 'tenge month foreign student settled first warden keeps list free rooms'.split(' ')
let nth = 0
/** One that nobody has asked yet. */
function another() {
  const [first, second] = [nth % knownWords.length, Math.floor(nth++ / knownWords.length)]
  return { question: `${rent} (${knownWords[first]} ${second > 0 ? knownWords[second] : ''})` }
}

async function setUp(t: Test, settings: Record<string, string> = {}) {
  const model = await startModel(t)
  const service = await startWorkers(t, 2, {
    ...(await handbookSettings(t, 'postgres', 'test-embedding')),
    ...settingsFor(model, 'test-embedding'),
    // These answers are made up.
    GROUNDING: 'off',
    SEMANTIC_CACHE: 'off',
    ...settings,
  })
  const byNumber = await service.connections()
  const [one, two] = [byNumber.get(1), byNumber.get(2)] as [Connection, Connection]
  return { model, service, one, two }
}

/** The value of a series in GET /metrics. */
async function metric({ send }: Pick<Connection, 'send'> | WorkerService, series: string): Promise<number> {
  const { text } = (await (send as WorkerService['send'])('GET', '/metrics')) as { readonly text: string }
  const line = text.split('\n').find(each => each.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1))
}

t.test('two workers answer as one service', { skip }, async t => {
  const { model, service, one, two } = await setUp(t)

  t.test('both are there, and the log names them', async t => {
    t.equal(service.pids().length, 2)
    for (const worker of [1, 2]) t.ok(service.linesOf(worker).some(({ msg }) => msg === 'ready'))
    t.match(await one.ask(another()), { status: 200, json: { answer: /12,000/ } })
    t.match(await two.ask(another()), { status: 200, json: { answer: /12,000/ } })
  })

  t.test('equal questions at both at once: the model is called once', async t => {
    const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
    model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', held })
    const calls = model.chat.requests.length
    const question = another()
    const asked = [one, two, one, two].map(each => each.ask(question))
    await until('the model is asked', () => model.chat.requests.length > calls)
    goOn()
    const replies = await Promise.all(asked)
    for (const reply of replies) t.match(reply, { status: 200, json: { answer: /12,000/, degraded: [] } })
    t.equal(model.chat.requests.length, calls + 1)
    t.ok(
      replies.some(({ json }) => json.cache.tier === 'worker'),
      'one of the workers has it from the other',
    )
    model.chat.behave({})
  })

  t.test('what one has answered, the other has cached', async t => {
    const question = another()
    t.match(await one.ask(question), { json: { cache: { status: 'miss' } } })
    const calls = model.chat.requests.length
    t.match(await two.ask(question), { json: { cache: { status: 'hit', tier: 'worker' } } })
    t.match(await two.ask(question), { json: { cache: { status: 'hit', tier: 'memory' } } })
    t.match(await one.ask(question, { 'cache-control': 'only-if-cached' }), { status: 200 })
    t.equal(model.chat.requests.length, calls)
  })

  t.test('only-if-cached: the answer of the other worker counts', async t => {
    const question = another()
    t.match(await one.ask(question, { 'cache-control': 'only-if-cached' }), { json: { code: 'not_cached' } })
    await two.ask(question)
    t.match(await one.ask(question, { 'cache-control': 'only-if-cached' }), {
      status: 200,
      json: { cache: { status: 'hit', tier: 'worker' } },
    })
  })

  t.test('DELETE /cache through one: both compute again', async t => {
    const question = another()
    await one.ask(question)
    await two.ask(question)
    t.equal((await one.send('DELETE', '/cache', undefined, authorization)).status, 200)
    t.match(await two.ask(question), { json: { cache: { status: 'miss' } } })
  })

  t.test('GET /metrics of either has the sum of both', async t => {
    const series = 'askwell_answers_total{generator="llm",abstained="false"}'
    const before = await metric(service, series)
    for (const each of [one, two, two, one, two]) await each.ask(another())
    t.equal(await metric(service, series), before + 5)
    t.equal(await metric(service, series), before + 5, 'whichever worker is asked')
    t.equal(await metric(service, 'askwell_pool_size'), 20, 'POOL_SIZE is shared out')
    t.equal(await metric(service, 'askwell_pool_max'), 50)
    t.equal(await metric(service, 'askwell_database_up'), 1)
    t.equal(await metric(service, 'askwell_worker_processes{state="ready"}'), 2)
    t.equal(await metric(service, 'askwell_worker_restarts_total{reason="killed"}'), 0)
  })

  t.test('GET /monitoring/… of either covers both', async t => {
    for (const each of [one, two]) {
      const { json: status } = await each.send('GET', '/monitoring/pool-status')
      t.match(status, { workers: { reporting: 2, missing: 0 }, pool: { size: 20, max_overflow: 30 } })
    }
    const requests = async (each: Connection) =>
      (await each.send('GET', '/monitoring/performance-metrics')).json.windows['15m'].requests as number
    const before = await requests(one)
    for (const each of [one, two, two]) await each.ask(another())
    t.same([await requests(one), await requests(two)], [before + 3, before + 3])
  })
})

t.test('an edit through one is never answered stale through either', { skip }, async t => {
  const { one, two } = await setUp(t, { CHAT_MODEL: 'none' })
  const source = 'fees.md'
  const question = { question: 'What is the fee of the pottery course?' }
  for (let fee = 101; fee <= 108; fee++) {
    const text = `# The pottery course\n\nThe fee of the pottery course is ${fee} coins.`
    const [writer, other] = fee % 2 === 0 ? [one, two] : [two, one]
    const put = await writer.send('PUT', '/documents', { documents: [{ source, text }] }, authorization)
    t.equal(put.status, 200)
    // Twice each: the second time from a cache.
    for (const each of [other, writer, other, writer])
      t.match(await each.ask(question), { status: 200, json: { answer: new RegExp(`\\b${fee} coins`) } })
  }
})

t.test('a worker is killed: nobody else notices, and it is replaced', { skip }, async t => {
  const { model, service, one, two } = await setUp(t)
  const fresh = () => service.send('POST', '/ask', another())

  t.test('the other worker computes what the dead one was computing', async t => {
    const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
    model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', held })
    const calls = model.chat.requests.length
    const question = another()
    const lost = one.ask(question).catch((error: unknown) => error)
    await until('the model is asked', () => model.chat.requests.length > calls)
    const waiting = two.ask(question)
    process.kill(pidOf(service, 1), 'SIGKILL')
    t.ok((await lost) instanceof Error)
    model.chat.behave({ answer: 'A place costs 12,000 tenge [1].' })
    t.match(await waiting, { status: 200, json: { answer: /12,000/ } })
    goOn()
  })

  t.test('no later question fails while it is replaced', async t => {
    await until('its end is noticed', () =>
      service.log.some(({ msg }) => String(msg).startsWith('a worker was killed')),
    )
    const statuses: number[] = []
    await until('another one is ready', async () => {
      statuses.push((await fresh()).status, (await two.ask(another())).status)
      return service.linesOf(1).filter(({ msg }) => msg === 'ready').length === 2
    })
    statuses.push(...(await Promise.all(Array.from({ length: 10 }, async () => (await fresh()).status))))
    t.same(new Set(statuses), new Set([200]))
    t.equal(service.pids().length, 2)
  })

  t.test('it is a finding and a metric', async t => {
    const { json } = await two.send('GET', '/monitoring/pool-status')
    t.match(
      json.service.findings.filter(({ code }: { code: string }) => code === 'worker-killed'),
      [{ culprit: 'process', severity: 'warning' }],
    )
    t.equal(await metric(service, 'askwell_worker_restarts_total{reason="killed"}'), 1)
    t.equal(await metric(service, 'askwell_finding{culprit="process",code="worker-killed",severity="warning"}'), 1)
  })

  t.test('SIGTERM to a worker alone: it finishes its question and is replaced', async t => {
    const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
    model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', held })
    const calls = model.chat.requests.length
    const asked = two.ask(another())
    await until('the model is asked', () => model.chat.requests.length > calls)
    process.kill(pidOf(service, 2), 'SIGTERM')
    await until('it drains', () => service.linesOf(2).some(({ msg }) => String(msg).startsWith('shutting down')))
    goOn()
    t.match(await asked, { status: 200, json: { answer: /12,000/ } })
    await until('another one is ready', () => service.linesOf(2).filter(({ msg }) => msg === 'ready').length === 2)
    t.equal(await metric(service, 'askwell_worker_restarts_total{reason="stopped"}'), 1)
  })
})

function pidOf(service: WorkerService, worker: number): number {
  return Number(service.linesOf(worker).findLast(({ msg }) => msg === 'worker started')?.['pid'])
}

t.test('a connection on its way to a worker that is killed is closed', { skip }, async t => {
  // One that was not on its way yet, and goes to a later worker, is closed because nothing is sent on it.
  const { service } = await setUp(t, { HEADERS_TIMEOUT_MS: '1000' })
  const [killed, stopped] = service.pids() as [number, number]
  for (const pid of [killed, stopped]) process.kill(pid, 'SIGSTOP')
  t.teardown(() => process.kill(stopped, 'SIGCONT'))
  const { hostname, port } = new URL(service.url)
  const sockets = Array.from({ length: 2 }, () => connect(Number(port), hostname).on('error', () => {}))
  t.teardown(() => sockets.forEach(socket => socket.destroy()))
  await Promise.all(sockets.map(async socket => await once(socket, 'connect')))
  // Each worker is given one of them, which it cannot take.
  const closed = sockets.map(async socket => await once(socket.resume(), 'close'))
  process.kill(killed, 'SIGKILL')
  await Promise.race(closed)
})

t.test('an error that nobody caught', { skip }, async t => {
  // What a program can do to itself is loaded before it, so that the product needs no hook for tests.
  const fault = `process.on('SIGUSR2',()=>{setImmediate(()=>{throw new Error('a fault of ours')})})`
  const { model, service, one, two } = await setUp(t, {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fault)}`,
  })
  const fatal = () => service.log.filter(({ level }) => level === 'fatal')

  async function begun(connection: Connection) {
    const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
    model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', held })
    const calls = model.chat.requests.length
    const asked = connection.ask(another())
    await until('the model is asked', () => model.chat.requests.length > calls)
    return { asked, goOn }
  }

  t.test('in a worker: it finishes its question and is replaced', async t => {
    const { asked, goOn } = await begun(one)
    process.kill(pidOf(service, 1), 'SIGUSR2')
    await until('it is logged', () => fatal().length === 1)
    goOn()
    t.match(await asked, { status: 200, json: { answer: /12,000/ } })
    await until('another one is ready', () => service.linesOf(1).filter(({ msg }) => msg === 'ready').length === 2)
    t.equal(await metric(service, 'askwell_worker_restarts_total{reason="failed"}'), 1)
  })

  t.test('in the primary: all finish their questions, exit 1', async t => {
    const { asked, goOn } = await begun(two)
    service.signal('SIGUSR2')
    await until('it is logged', () => fatal().length === 2)
    goOn()
    t.match(await asked, { status: 200, json: { answer: /12,000/ } })
    t.same(await service.exited(), { code: 1, signal: null })
  })
})

t.test('a worker that hangs: monitoring is complete without it, and says so', { skip }, async t => {
  const { service, one } = await setUp(t)
  const pid = pidOf(service, 2)
  process.kill(pid, 'SIGSTOP')
  t.teardown(() => process.kill(pid, 'SIGCONT'))
  t.match((await one.send('GET', '/monitoring/pool-status')).json, {
    workers: { reporting: 1, missing: 1 },
    pool: { size: 10 },
  })
  t.match(await one.ask(another()), { status: 200 })
  process.kill(pid, 'SIGCONT')
})

t.test('stopping', { skip }, async t => {
  t.test('SIGTERM: both finish what they are answering, exit 0', async t => {
    const { model, service, one, two } = await setUp(t)
    const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
    model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', held })
    const calls = model.chat.requests.length
    const asked = [one, two].map(each => each.ask(another()))
    await until('the model is asked by both', () => model.chat.requests.length === calls + 2)
    const pids = service.pids()
    service.signal('SIGTERM')
    for (const worker of [1, 2])
      await until(`worker ${worker} drains`, () =>
        service.linesOf(worker).some(({ msg }) => String(msg).startsWith('shutting down')),
      )
    goOn()
    for (const reply of await Promise.all(asked)) t.match(reply, { status: 200, json: { answer: /12,000/ } })
    t.same(await service.exited(), { code: 0, signal: null })
    t.notOk(pids.some(isRunning))
    t.match(service.log.at(-1), { msg: 'stopped' })
    t.equal(service.stderr, '')
  })

  t.test('a second SIGTERM: all exit at once', async t => {
    const { model, service, one } = await setUp(t)
    model.chat.behave({ silent: true })
    const calls = model.chat.requests.length
    const asked = one.ask(another()).catch((error: unknown) => error)
    await until('the model is asked', () => model.chat.requests.length > calls)
    const pids = service.pids()
    service.signal('SIGTERM')
    await until('it drains', () => service.linesOf(1).some(({ msg }) => String(msg).startsWith('shutting down')))
    service.signal('SIGTERM')
    t.same(await service.exited(), { code: 130, signal: null })
    t.ok((await asked) instanceof Error)
    await until('its workers are gone', () => !pids.some(isRunning))
  })

  t.test('the primary is killed: its workers do not outlive it', async t => {
    const { service } = await setUp(t)
    const pids = service.pids()
    service.signal('SIGKILL')
    await until('its workers are gone', () => !pids.some(isRunning))
  })

  t.test('SIGTERM during the start: exit 0', async t => {
    const service = startService(t, { WORKERS: '2', DATABASE_URL: 'postgres://postgres@127.0.0.1:1/askwell' })
    await until('it waits', () => service.log.some(({ msg }) => msg === 'the database cannot be reached: retrying'))
    service.signal('SIGTERM')
    t.same(await service.exited(), { code: 0, signal: null })
  })
})

t.test('a rate limit counts the requests at all workers', { skip }, async t => {
  const { one, two } = await setUp(t, { RATE_LIMIT: '30', RATE_LIMIT_SECONDS: '3600' })
  const left = async (each: Connection) => /r=(\d+)/.exec(String((await each.ask(another())).headers['ratelimit']))?.[1]
  // Opening the connections took some.
  const first = Number(await left(one))
  t.equal(Number(await left(two)), first - 1)
  const statuses: number[] = []
  for (let i = 0; i < first + 4; i++) statuses.push((await (i % 2 === 0 ? one : two).ask(another())).status)
  t.same(
    statuses.map(status => status === 200),
    statuses.map((_, i) => i < first - 1),
  )
})

t.test('with Redis, workers share like replicas', { skip: skip || redisSkipReason() }, async t => {
  const redis = await startRedis(t)
  const { model, one, two } = await setUp(t, { REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '5000' })
  for (const each of [one, two])
    await until('it has its Redis', async () => (await each.send('GET', '/readyz')).json.components.redis === 'ready')
  const question = another()
  t.match(await one.ask(question), { json: { cache: { status: 'miss' } } })
  const calls = model.chat.requests.length
  // The answer is written to Redis after the reply.
  await until('the other worker has it from there', async () => {
    const { json } = await two.ask(question)
    return json.cache.tier === 'redis'
  })
  t.equal(model.chat.requests.length, calls)
})

t.test('monitoring on its own port covers both workers too', { skip }, async t => {
  const { service, one } = await setUp(t, { MONITORING_PORT: '0' })
  const line = service.log.find(({ msg }) => msg === 'listening; startup continues')
  const { json } = (await (await fetch(`${line?.['monitoring']}/monitoring/pool-status`)).json().then(json => ({
    json,
  }))) as { json: object }
  t.match(json, { workers: { reporting: 2, missing: 0 } })
  t.equal((await one.send('GET', '/monitoring/pool-status')).status, 404)
})

t.test('a start that fails', { skip }, async t => {
  t.test('the port is in use: one line that says so, exit 1', async t => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.teardown(() => taken.close())
    const port = String((taken.address() as AddressInfo).port)
    const service = startService(t, { WORKERS: '2', ...(await databaseSettings(t, 'postgres')), PORT: port })
    t.same(await service.exited(), { code: 1, signal: null })
    t.match(service.stderr, new RegExp(`^askwell: port ${port} is in use.*\\n$`))
  })

  t.test('the database cannot be reached: one line, exit 1', async t => {
    const service = startService(t, {
      WORKERS: '2',
      DATABASE_URL: 'postgres://postgres:s3cret@127.0.0.1:1/askwell',
      START_TIMEOUT_SECONDS: '0',
    })
    t.same(await service.exited(), { code: 1, signal: null })
    t.match(service.stderr, /^askwell: [^\n]+\n$/)
  })
})

t.test('the embedded database: one process, and the log says why', async t => {
  const service = startService(t, { WORKERS: '2', DATA_DIR: emptyFolder(t) })
  await service.ready()
  t.ok(service.log.some(({ msg }) => /WORKERS is ignored: the embedded database/.test(String(msg))))
  t.notOk(service.log.some(line => 'worker' in line))
  service.signal('SIGTERM')
  t.same(await service.exited(), { code: 0, signal: null })
})
