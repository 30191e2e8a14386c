import { Agent, request, type IncomingMessage } from 'node:http'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { adminKey, databaseSettings, eitherWorld, skipReason, worlds, type World } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { handbookSettings } from '../support/handbook-app.ts'
import { openStream } from '../support/live-stream.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel, type Model } from '../support/model.ts'
import { startPostgres } from '../support/postgres.ts'
import { clientOf, emptyFolder, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** The service as a process: how it starts, stops, and refuses to start. */

const rent = 'How much does a place in the dormitory cost?'
const slowAnswer = { answer: `A place costs 12,000 tenge [1]. ${'And so on. '.repeat(20)}The end.`, perTokenMs: 20 }

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Settings for services that use this model, one after the other. */
async function withHandbook(t: Test, world: World, model: Model): Promise<Record<string, string>> {
  return {
    ...(await handbookSettings(t, world, 'test-embedding')),
    ...settingsFor(model, 'test-embedding'),
    ANSWER_CACHE_SECONDS: '0',
  }
}

for (const world of worlds) {
  t.test(`stopping, ${world}`, { skip: skipReason(world) }, async t => {
    const model = await startModel(t)
    const settings = await withHandbook(t, world, model)

    t.test('SIGTERM while an answer streams: unready at once, the stream ends whole, exit 0', async t => {
      const service = startService(t, { ...settings, DRAIN_DELAY_MS: '3000' })
      const address = await service.ready()
      const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
      model.chat.behave({ ...slowAnswer, held, heldAfterTokens: 10 })
      const stream = await openStream(address, { question: rent })
      await stream.seen(({ said }) => said.includes('tenge'))
      service.signal('SIGTERM')
      await until(
        'it is unready',
        async () => (await clientOf(address).send('GET', '/readyz')).json.status === 'draining',
      )
      t.equal((await clientOf(address).send('GET', '/livez')).status, 200)
      t.notOk(
        stream.events.some(({ event }) => event === 'done'),
        'the stream still runs',
      )
      goOn()
      const events = await stream.whole()
      t.match(events.at(-1), { event: 'done', data: { answer: /The end\.$/, generator: 'llm' } })
      t.same(await service.exited(), { code: 0, signal: null })
      t.notOk(isAlive(service.pid))
      t.match(service.log.at(-1), { msg: 'stopped' })
      t.equal(service.stderr, '')
    })

    t.test('kill -9, then start again: everything that was loaded is there', async t => {
      const first = startService(t, settings)
      await loadHandbook(clientOf(await first.ready()), 'second')
      first.signal('SIGKILL')
      await first.exited()
      const second = startService(t, settings)
      const { ask } = clientOf(await second.ready())
      model.chat.behave({})
      t.match(await ask({ question: rent, collection: 'second' }), { status: 200, json: { answer: /12,000/ } })
    })

    t.test(
      'the port is in use: one line that says so, exit 1; the data is free for the next; idle, that one stops at once',
      async t => {
        const taken = createServer().listen(0, '127.0.0.1')
        await once(taken, 'listening')
        t.teardown(() => taken.close())
        const port = String((taken.address() as AddressInfo).port)
        const refused = startService(t, { ...settings, HOST: '127.0.0.1', PORT: port })
        t.same(await refused.exited(), { code: 1, signal: null })
        t.match(refused.stderr, new RegExp(`^askwell: .*${port}.*\\n$`))

        const next = startService(t, settings)
        const { ask } = clientOf(await next.ready())
        model.chat.behave({})
        t.match(await ask({ question: rent }), { status: 200, json: { answer: /12,000/ } })
        next.signal('SIGTERM')
        t.same(await next.exited(), { code: 0, signal: null })
      },
    )
  })
}

for (const world of eitherWorld) {
  t.test(`stopping while something is open, ${world}`, { skip: skipReason(world) }, async t => {
    const model = await startModel(t)
    const settings = await withHandbook(t, world, model)

    t.test('SIGTERM with a client that keeps its connection: its answer comes, then the exit', async t => {
      const service = startService(t, settings)
      const address = await service.ready()
      const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
      model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', held })
      const asked = model.chat.requests.length
      const agent = new Agent({ keepAlive: true })
      t.teardown(() => agent.destroy())
      const outgoing = request(`${address}/ask`, {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json' },
      })
      outgoing.end(JSON.stringify({ question: rent }))
      await until('the model is asked', () => model.chat.requests.length > asked)
      service.signal('SIGTERM')
      await until('it drains', () => service.log.some(({ msg }) => String(msg).startsWith('shutting down')))
      const replied = once(outgoing, 'response')
      goOn()
      const [reply] = await replied
      t.equal(reply.statusCode, 200)
      reply.resume()
      // An idle connection kept open would hold the exit up until the time to drain (30 s) is over.
      t.same(await service.exited(), { code: 0, signal: null })
      t.notOk(service.log.some(({ msg }) => String(msg).startsWith('requests still running')))
    })

    t.test('SIGTERM with a connection that nothing came on: it does not hold the exit up', async t => {
      const service = startService(t, { ...settings, DRAIN_SECONDS: '600' })
      const { hostname, port } = new URL(await service.ready())
      const ahead = connect(Number(port), hostname)
      const closed = once(ahead, 'close')
      await once(ahead, 'connect')
      service.signal('SIGTERM')
      t.same(await service.exited(), { code: 0, signal: null })
      await closed
    })

    t.test('a second SIGTERM: exits at once, whatever runs', async t => {
      const service = startService(t, settings)
      const address = await service.ready()
      model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', stallAfterTokens: 4 })
      const stream = await openStream(address, { question: rent })
      await stream.seen(({ said }) => said.includes('costs'))
      service.signal('SIGTERM')
      await until('it drains', () => service.log.some(({ msg }) => String(msg).startsWith('shutting down')))
      service.signal('SIGTERM')
      t.same(await service.exited(), { code: 130, signal: null })
    })

    t.test('the time to drain is over: the stream is cut, the exit is clean', async t => {
      const service = startService(t, { ...settings, DRAIN_SECONDS: '0' })
      const address = await service.ready()
      model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', stallAfterTokens: 4 })
      const stream = await openStream(address, { question: rent })
      await stream.seen(({ said }) => said.includes('costs'))
      const aborted = model.chat.aborted
      service.signal('SIGTERM')
      t.notOk((await stream.whole()).some(({ event }) => event === 'done'))
      t.same(await service.exited(), { code: 0, signal: null })
      t.equal(model.chat.aborted, aborted + 1)
    })
  })
}

t.test('wrong settings: exit 78, every fault a line', async t => {
  const service = startService(t, { DATA_DIR: emptyFolder(t), PORT: 'http', RATE_LIMIT: '-1', LOG_LEVEL: 'loud' })
  t.same(await service.exited(), { code: 78, signal: null })
  for (const name of ['PORT', 'RATE_LIMIT', 'LOG_LEVEL']) t.match(service.stderr, new RegExp(`^ +${name} is `, 'm'))
  t.notMatch(service.stderr, /\n\s+at /, 'no stack')
})

t.test('a database that is not there, and no patience: one line that says so, exit 1', async t => {
  const service = startService(t, {
    DATABASE_URL: 'postgres://postgres:s3cret@127.0.0.1:1/askwell',
    START_TIMEOUT_SECONDS: '0',
  })
  t.same(await service.exited(), { code: 1, signal: null })
  t.match(service.stderr, /^askwell: [^\n]+\n$/)
  t.notMatch(service.stderr, /s3cret/)
})

t.test('a database that is not there for long: its patience ends, exit 1', async t => {
  const service = startService(t, {
    DATABASE_URL: 'postgres://postgres:s3cret@127.0.0.1:1/askwell',
    START_TIMEOUT_SECONDS: '1',
  })
  t.same(await service.exited(), { code: 1, signal: null })
  t.ok(service.log.some(({ msg }) => msg === 'the database cannot be reached: retrying'))
  t.notMatch(service.stderr + JSON.stringify(service.log), /s3cret/)
})

t.test('the database comes after the service', { skip: skipReason('postgres') }, async t => {
  const postgres = await startPostgres(t)
  await postgres.stop()
  const service = startService(t, { DATABASE_URL: postgres.url, EMBEDDING_MODEL: 'local' })
  await until('it listens', () => service.log.some(({ msg }) => msg === 'listening; startup continues'))
  const { send, ask } = clientOf(
    String(service.log.find(({ msg }) => msg === 'listening; startup continues')?.['address']),
  )
  await until('it says that it waits', () =>
    service.log.some(({ msg }) => msg === 'the database cannot be reached: retrying'),
  )
  t.equal((await send('GET', '/livez')).status, 200)
  t.match(await send('GET', '/startupz'), { status: 503, json: { status: 'starting' } })
  t.match(await send('GET', '/readyz'), { status: 503, json: { status: 'starting' } })
  const early = await ask({ question: rent })
  t.match(early, { status: 503, json: { code: 'starting' } })
  t.ok(Number(early.headers.get('retry-after')) >= 1)
  t.equal((await send('GET', '/metrics')).status, 503)
  await postgres.start()
  await service.ready()
  t.equal((await send('GET', '/readyz')).status, 200)
  t.equal((await ask({ question: rent })).status, 404, 'it answers: there is no collection yet')
})

t.test('SIGTERM while it waits for the database: the wait ends, exit 0', { skip: skipReason('postgres') }, async t => {
  const frozen = await startPostgres(t)
  frozen.freeze()
  for (const DATABASE_URL of ['postgres://postgres@127.0.0.1:1/askwell', frozen.url]) {
    const service = startService(t, { DATABASE_URL, EMBEDDING_MODEL: 'local' })
    await until('it listens', () => service.log.some(({ msg }) => msg === 'listening; startup continues'))
    if (DATABASE_URL !== frozen.url)
      await until('it waits', () => service.log.some(({ msg }) => String(msg).includes('retrying')))
    service.signal('SIGTERM')
    t.same(await service.exited(), { code: 0, signal: null })
    t.same(
      service.log.slice(-2).map(({ msg }) => msg),
      ['shutting down during startup', 'stopped'],
    )
    t.equal(service.stderr, '')
  }
})

t.test('what waiting cannot mend is not waited for', { skip: skipReason('postgres') }, async t => {
  const postgres = await startPostgres(t)
  const service = startService(t, { DATABASE_URL: postgres.url.replace(/[^/]+$/, 'nowhere') })
  t.same(await service.exited(), { code: 1, signal: null })
  t.match(service.stderr, /^askwell: [^\n]*; check [^\n]*DATABASE_URL \([^\n]*nowhere[^\n]*\)\n$/)
  t.notOk(service.log.some(({ msg }) => String(msg).includes('waiting')))
})

t.test('the model API comes after the service: degraded until then', { skip: skipReason('postgres') }, async t => {
  const model = await startModel(t)
  await model.stop()
  const service = startService(t, {
    ...(await databaseSettings(t, 'postgres')),
    ...settingsFor(model, 'test-embedding'),
  })
  const { send, ask } = clientOf(await service.ready())
  t.ok(
    service.log.some(({ level, msg }) => level === 'warn' && String(msg).startsWith('the model API cannot be reached')),
  )
  t.equal((await send('GET', '/readyz')).status, 200, 'no reason to be unready')
  const document = { source: 'rent', title: 'Rent', text: 'A place in the dormitory costs 12,000 tenge a month.' }
  const load = () => send('PUT', '/documents', { documents: [document] }, { authorization: `Bearer ${adminKey}` })
  t.match(await load(), { status: 503, json: { code: 'model_unreachable' } })
  await model.start()
  await until('documents can be loaded', async () => (await load()).status === 200)
  const answered = await ask({ question: rent })
  t.match(answered, { status: 200, json: { answer: /12,000/ } })
  t.same(answered.json.degraded, [])
})

t.test(
  'a key that the model API does not accept: refuses to start, and says so',
  { skip: skipReason('postgres') },
  async t => {
    const model = await startModel(t, { embeddings: { status: 401 } })
    const service = startService(t, {
      ...(await databaseSettings(t, 'postgres')),
      ...settingsFor(model, 'test-embedding'),
    })
    t.same(await service.exited(), { code: 1, signal: null })
    t.match(service.stderr, /Check OPENAI_API_KEY/)
  },
)

t.test(
  'SIGTERM under load: no request of a client that keeps its connection fails',
  { skip: skipReason('postgres') },
  async t => {
    const model = await startModel(t)
    const settings = {
      ...(await handbookSettings(t, 'postgres', 'test-embedding')),
      ...settingsFor(model, 'test-embedding'),
    }
    const service = startService(t, settings)
    const address = await service.ready()
    model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', perTokenMs: 5 })
    const clients = Array.from({ length: 30 }, (_, i) => askOn(address, i))
    await until('all are answered', () => clients.every(client => client.answered > 2))
    service.signal('SIGTERM')
    t.same(await service.exited(), { code: 0, signal: null })
    for (const client of clients) t.same([...(await client.ended)], [], 'nothing but answers')
    t.notOk(service.log.some(({ msg }) => String(msg).startsWith('requests still running')))
  },
)

/** Asks again and again on one connection, until that is closed: told so by the reply before. Every third asks what is not cached. */
function askOn(address: string, number: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const failures: unknown[] = []
  const client = { answered: 0, ended: Promise.resolve().then(run) }
  return client

  async function run(): Promise<unknown[]> {
    for (let isTold = false; !isTold; client.answered++) {
      try {
        const question = number % 3 === 0 ? `${rent} ${number} ${client.answered}` : rent
        const reply = await replyTo(agent, address, { question, stream: number % 5 === 0 })
        if (reply.status !== 200) failures.push(reply.status)
        isTold = reply.isLast
      } catch (error) {
        failures.push(error)
        isTold = true
      }
    }
    agent.destroy()
    return failures
  }
}

async function replyTo(
  agent: Agent,
  address: string,
  body: object,
): Promise<{ status: number | undefined; isLast: boolean }> {
  const outgoing = request(`${address}/ask`, { method: 'POST', agent, headers: { 'content-type': 'application/json' } })
  outgoing.end(JSON.stringify(body))
  const reply = await new Promise<IncomingMessage>(
    (resolve, reject) => void outgoing.once('response', resolve).once('error', reject),
  )
  for await (const _ of reply) continue
  return { status: reply.statusCode, isLast: reply.headers.connection === 'close' }
}

// What a program can do to itself is loaded before it, so that the product needs no hook for tests.
const faults = `process.on('SIGUSR2',()=>{setImmediate(()=>{throw new Error('a fault of ours')})});process.on('SIGHUP',()=>{Promise.reject(new Error('a fault of ours'))})`
const faulty = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(faults)}` }

for (const [what, signal] of [
  ['thrown', 'SIGUSR2'],
  ['rejected', 'SIGHUP'],
] as const) {
  t.test(
    `an error that nobody caught, ${what}: logged, what runs is finished, exit 1`,
    { skip: skipReason('postgres') },
    async t => {
      const model = await startModel(t)
      const service = startService(t, {
        ...(await handbookSettings(t, 'postgres', 'test-embedding')),
        ...settingsFor(model, 'test-embedding'),
        ...faulty,
      })
      const address = await service.ready()
      const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
      model.chat.behave({ ...slowAnswer, held, heldAfterTokens: 10 })
      const stream = await openStream(address, { question: rent })
      await stream.seen(({ said }) => said.includes('tenge'))
      service.signal(signal)
      await until('it is logged', () => service.log.some(({ level }) => level === 'fatal'))
      goOn()
      t.match((await stream.whole()).at(-1), { event: 'done', data: { answer: /The end\.$/ } })
      t.same(await service.exited(), { code: 1, signal: null })
      t.match(
        service.log.find(({ level }) => level === 'fatal'),
        { err: { message: 'a fault of ours' } },
      )
      t.match(service.log.at(-1), { msg: 'stopped' })
    },
  )
}

t.test('SIGTERM while it starts: it ends, and the data is free for the next', async t => {
  const DATA_DIR = emptyFolder(t)
  const service = startService(t, { DATA_DIR })
  await until('it makes the database', () => service.log.some(({ msg }) => msg === 'migrations applied'))
  service.signal('SIGTERM')
  await service.exited()
  t.ok(await startService(t, { DATA_DIR }).ready())
})
