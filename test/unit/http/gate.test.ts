import Fastify, { type FastifyInstance } from 'fastify'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import dns from 'node:dns/promises'
import { syncBuiltinESMExports } from 'node:module'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createGate, type Gate } from '../../../src/http/gate.ts'
import { behindGate } from '../../support/edge.ts'
import { until } from '../../support/until.ts'

function appThatSays(word: string, isOver: Promise<void> = Promise.resolve()): FastifyInstance {
  const app = Fastify()
  app.get('/', async () => {
    await isOver
    return word
  })
  return app
}

t.test('another app is swapped in: what runs is finished where it began, what follows is for the next', async t => {
  const { promise: isOver, resolve: finish } = Promise.withResolvers<void>()
  const first = appThatSays('first', isOver)
  const { url, serve, server } = await behindGate(t, first, { keepAliveMs: 60_000 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const said = async () => {
    const outgoing = get(url, { agent })
    const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
    return { said: await text(reply), isReused: outgoing.reusedSocket }
  }
  const running = said()
  await once(server, 'request')
  await serve(appThatSays('second'))
  finish()
  t.same(await running, { said: 'first', isReused: false })
  t.same(await said(), { said: 'second', isReused: true }, 'on the same connection')
})

t.test(
  'close: the app is closed when the last request is over; connections that nothing came on do not count',
  async t => {
    const { promise: isOver, resolve: finish } = Promise.withResolvers<void>()
    const app = appThatSays('at last', isOver)
    const order: string[] = []
    app.addHook('onResponse', async () => void order.push('answered'))
    app.addHook('onClose', async () => void order.push('app closed'))
    const { url, port, server, close } = await behindGate(t, app)
    const unused = connect(port, '127.0.0.1')
    await once(unused, 'connect')
    const running = fetch(url)
    await once(server, 'request')
    const closed = close()
    await t.rejects(fetch(url), 'no more connections')
    finish()
    await closed
    t.equal(await (await running).text(), 'at last')
    t.same(order, ['answered', 'app closed'])
  },
)

t.test('close with a limit: who is in the middle of a header is cut off, and the caller hears of it', async t => {
  const { port, server, close } = await behindGate(t, appThatSays('never'))
  const slow = connect(port, '127.0.0.1')
  const [socket] = await Promise.all([once(server, 'connection'), once(slow, 'connect')])
  slow.write('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ')
  await until('its first bytes arrived', () => (socket[0] as Socket).bytesRead > 0)
  const ended = once(slow, 'close')
  t.equal(await close(0), false)
  await ended
})

t.test('close with a limit: in time when everything is over before', async t => {
  const { url, close } = await behindGate(t, appThatSays('word'))
  t.equal(await (await fetch(url)).text(), 'word')
  t.equal(await close(600_000), true)
})

t.test('localhost: a port that another program has on one of its addresses is in use', async t => {
  const other = createServer().listen(0, '127.0.0.2')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { lookup } = dns
  t.teardown(() => {
    dns.lookup = lookup
    syncBuiltinESMExports()
    other.close()
  })
  dns.lookup = (async () => [{ address: '127.0.0.2', family: 4 }]) as unknown as typeof lookup
  syncBuiltinESMExports()
  await t.rejects(anotherGate(t).listen({ host: 'localhost', port }), { code: 'EADDRINUSE' })
})

function anotherGate(t: Test): Gate {
  const limits = { headersMs: 1000, wholeMs: 1000, keepAliveMs: 1000, idleMs: 1000, maxConnections: 10 }
  const gate = createGate(limits, pino({ level: 'silent' }))
  t.teardown(() => gate.close(0))
  return gate
}

t.test('listeners share a port with each other, not with another service', async t => {
  const { port, close } = await behindGate(t, appThatSays('word'))
  await t.rejects(anotherGate(t).listen({ host: '127.0.0.1', port }), { code: 'EADDRINUSE' })
  await close()
  const next = anotherGate(t)
  t.equal(await next.listen({ host: '127.0.0.1', port }), `http://127.0.0.1:${port}`, 'it is free again')
})

t.test('connections that came during a long turn of the event loop are accepted within a few turns', async t => {
  const { port, server } = await behindGate(t, appThatSays('word'), { maxConnections: 100 })
  let accepted = 0
  server.on('connection', () => accepted++)
  // This process does nothing until the other one has connected, and ended.
  const connectAll = `for (let left = 64; left > 0; left--) require('node:net').connect(${port}, '127.0.0.1')
    .on('connect', function () { this.destroy() })`
  execFileSync(process.execPath, ['-e', connectAll])
  let turns = 0
  while (accepted < 64) {
    await turn()
    turns++
  }
  t.ok(turns < 32, `${turns} turns for 64 connections`)
})

t.test('MAX_CONNECTIONS holds for all listeners of a port together', async t => {
  const { port } = await behindGate(t, appThatSays('word'), { maxConnections: 4 })
  const sockets = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'))
  t.teardown(() => sockets.forEach(socket => socket.destroy()))
  await until('sixteen are closed', () => sockets.filter(({ closed }) => closed).length === 16)
  t.equal(sockets.filter(({ readyState }) => readyState === 'open').length, 4)
})
