import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { databaseSettings, skipReason, worlds } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { openStream } from '../support/live-stream.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
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

for (const world of worlds) {
  t.test(`stopping, ${world}`, { skip: skipReason(world) }, async t => {
    const model = await startModel(t)
    const settings = { ...(await databaseSettings(t, world)), ...settingsFor(model, 'test-embedding'), ANSWER_CACHE_SECONDS: '0' }

    t.test('SIGTERM while an answer streams: unready at once, the stream ends whole, exit 0', async t => {
      const service = startService(t, { ...settings, DRAIN_DELAY_MS: '300' })
      const address = await service.ready()
      await loadHandbook(clientOf(address))
      model.chat.behave(slowAnswer)
      const stream = await openStream(address, { question: rent })
      await stream.seen(({ said }) => said.includes('tenge'))
      service.signal('SIGTERM')
      await until('it is unready', async () => (await clientOf(address).send('GET', '/readyz')).json.status === 'draining')
      t.equal((await clientOf(address).send('GET', '/livez')).status, 200)
      t.notOk(stream.events.some(({ event }) => event === 'done'), 'the stream still runs')
      const events = await stream.whole()
      t.match(events.at(-1), { event: 'done', data: { answer: /The end\.$/, generator: 'openai' } })
      t.same(await service.exited(), { code: 0, signal: null })
      t.notOk(isAlive(service.pid))
      t.match(service.log.at(-1), { msg: 'stopped' })
      t.equal(service.stderr, '')
    })

    t.test('SIGTERM with a client that keeps its connection: its answer comes, then the exit', async t => {
      const service = startService(t, settings)
      const address = await service.ready()
      model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', delayMs: 300 })
      const asked = model.chat.requests.length
      const agent = new Agent({ keepAlive: true })
      t.teardown(() => agent.destroy())
      const outgoing = request(`${address}/ask`, { method: 'POST', agent, headers: { 'content-type': 'application/json' } })
      outgoing.end(JSON.stringify({ question: rent }))
      await until('the model is asked', () => model.chat.requests.length > asked)
      service.signal('SIGTERM')
      const [reply] = await once(outgoing, 'response')
      t.equal(reply.statusCode, 200)
      reply.resume()
      // An idle connection kept open would hold the exit up until the time to drain (30 s) is over.
      t.same(await service.exited(), { code: 0, signal: null })
      t.notOk(service.log.some(({ msg }) => String(msg).startsWith('requests still ran')))
    })

    t.test('a second SIGTERM: exits at once, whatever runs', async t => {
      const service = startService(t, settings)
      const address = await service.ready()
      model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', stallAfterTokens: 4 })
      const stream = await openStream(address, { question: rent })
      await stream.seen(({ said }) => said.includes('costs'))
      service.signal('SIGTERM')
      await until('it drains', () => service.log.some(({ msg }) => String(msg).startsWith('stopping')))
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

    t.test('the port is in use: one line that says so, exit 1; the data is free for the next; idle, that one stops at once', async t => {
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
    })
  })
}

t.test('wrong settings: exit 78, every fault a line', async t => {
  const service = startService(t, { DATA_DIR: emptyFolder(t), PORT: 'http', RATE_LIMIT: '-1', LOG_LEVEL: 'loud' })
  t.same(await service.exited(), { code: 78, signal: null })
  for (const name of ['PORT', 'RATE_LIMIT', 'LOG_LEVEL']) t.match(service.stderr, new RegExp(`^ +${name} is `, 'm'))
  t.notMatch(service.stderr, /\n\s+at /, 'no stack')
})

t.test('a database that is not there: one line that says so, exit 1', async t => {
  const service = startService(t, { DATABASE_URL: 'postgres://postgres:s3cret@127.0.0.1:1/askwell' })
  t.same(await service.exited(), { code: 1, signal: null })
  t.match(service.stderr, /^askwell: [^\n]+\n$/)
  t.notMatch(service.stderr, /s3cret/)
})

t.test('SIGTERM while it starts: it ends, and the data is free for the next', async t => {
  const DATA_DIR = emptyFolder(t)
  const service = startService(t, { DATA_DIR })
  await until('it makes the database', () => service.log.some(({ msg }) => msg === 'migrations applied'))
  service.signal('SIGTERM')
  await service.exited()
  t.ok(await startService(t, { DATA_DIR }).ready())
})
