import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { skipReason } from '../support/app.ts'
import { assertContract } from '../support/contract.ts'
import { startPostgres } from '../support/postgres.ts'
import { clientOf, emptyFolder, startService, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

/** A service that waits for its database: what guards its ports does so already, and goes on doing so. */

const unreachable = { DATABASE_URL: 'postgres://postgres@127.0.0.1:1/askwell', EMBEDDING_MODEL: 'local' }

interface Starting extends Service {
  readonly url: string
  /** Empty without MONITORING_PORT. */
  readonly monitoringUrl: string
}

async function startWaiting(t: Test, settings: Record<string, string> = {}): Promise<Starting> {
  const service = startService(t, { ...unreachable, ...settings })
  const line = await until('it listens', () => service.log.find(({ msg }) => msg === 'listening; startup continues'))
  return Object.assign(service, { url: String(line['address']), monitoringUrl: String(line['monitoring'] ?? '') })
}

/** Sends bytes that no client sends, and returns everything that comes back until the connection is closed. */
async function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).on('error', () => {})
  socket.write(text)
  return (await buffer(socket)).toString()
}

const get = (path: string, ...headers: readonly string[]) =>
  ['GET ' + path + ' HTTP/1.1', ...headers, 'connection: close', '', ''].join('\r\n')

/** The code of the problem in a raw reply, or its status if it is none. */
function codeIn(reply: string): string {
  return /"code":"(\w+)"/.exec(reply)?.[1] ?? /^HTTP\/1.1 (\d+)/.exec(reply)?.[1] ?? 'no reply'
}

t.test('every path but the probes: starting, with Retry-After, on both ports', async t => {
  const { url, monitoringUrl } = await startWaiting(t, { MONITORING_PORT: '0' })
  for (const address of [url, monitoringUrl]) {
    const { send } = clientOf(address)
    for (const [method, path, body] of [
      ['POST', '/ask', { question: 'Who?' }],
      ['POST', '/ask', '{'],
      ['POST', '/search', { question: 'Who?' }],
      ['GET', '/collections', undefined],
      ['GET', '/metrics', undefined],
      ['GET', '/monitoring/pool-status', undefined],
      ['GET', '/nothing', undefined],
      ['POST', '/livez', undefined],
      ...(address === url ? ([['GET', '/monitoring', undefined]] as const) : []),
    ] as const) {
      const reply = await send(method, path, body, { 'x-request-id': 'my-own-id' })
      t.match(reply, { status: 503, json: { code: 'starting', instance: 'my-own-id' } }, `${method} ${path}`)
      t.match(Object.fromEntries(reply.headers), {
        'content-type': /^application\/problem\+json/,
        'retry-after': '1',
        'x-request-id': 'my-own-id',
        'x-content-type-options': 'nosniff',
        'content-security-policy': /^default-src 'none'/,
      })
      if (address === url && !['/nothing', '/livez', '/monitoring', '/metrics'].includes(path))
        assertContract(t, { method, path, ...reply, body: reply.text })
    }
    for (const [path, status, name] of [
      ['/livez', 200, 'ok'],
      ['/startupz', 503, 'starting'],
      ['/readyz', 503, 'starting'],
    ] as const) {
      const reply = await send('GET', path)
      t.match(reply, { status, json: { status: name } }, path)
      assertContract(t, { method: 'GET', path, ...reply, body: reply.text })
      t.match(Object.fromEntries(reply.headers), { 'x-request-id': /./, 'x-content-type-options': 'nosniff' })
    }
  }
  t.equal((await clientOf(monitoringUrl).send('GET', '/monitoring')).status, 200)
})

t.test('malformed requests: refused as such', async t => {
  const { url, monitoringUrl } = await startWaiting(t, { MONITORING_PORT: '0' })
  for (const address of [url, monitoringUrl]) {
    const codeOf = async (text: string) => codeIn(await raw(address, text))
    t.equal(await codeOf('this is no HTTP\r\n\r\n'), 'invalid_http')
    t.equal(await codeOf(get('/livez', 'host: localhost', `x-filler: ${'a'.repeat(20_000)}`)), 'headers_too_large')
    t.equal(await codeOf(get('/%zz', 'host: localhost')), 'invalid_request')
    for (const path of ['/livez', '/ask']) {
      t.equal(await codeOf(get(path)), 'invalid_request', 'no Host')
      t.equal(await codeOf(get(path, 'host: localhost', 'host: evil.example')), 'invalid_request', 'two of them')
    }
    t.equal(await codeOf(get('/livez', 'host: localhost', 'expect: something')), '200', 'what it need not know')
  }
})

t.test('the Host header: a name of elsewhere is refused where no key is needed', async t => {
  const { url, monitoringUrl } = await startWaiting(t, { MONITORING_PORT: '0' })
  for (const [address, path] of [
    [url, '/ask'],
    [monitoringUrl, '/metrics'],
  ] as const) {
    t.equal(codeIn(await raw(address, get(path, 'host: evil.example'))), 'unknown_host')
    t.equal(codeIn(await raw(address, get(`http://evil.example${path}`, 'host: localhost'))), 'unknown_host')
    t.equal(codeIn(await raw(address, get(path, 'host: localhost'))), 'starting')
    t.equal(codeIn(await raw(address, get('/livez', 'host: evil.example'))), '200', 'probes may use any')
  }
  const open = await startWaiting(t, { ALLOWED_HOSTS: '*' })
  t.equal(codeIn(await raw(open.url, get('/ask', 'host: chat.example.edu'))), 'starting')
})

t.test('limits of time: a request that never ends, and an idle connection', async t => {
  const { url } = await startWaiting(t, {
    HEADERS_TIMEOUT_MS: '1000',
    RECEIVE_TIMEOUT_MS: '2000',
    KEEP_ALIVE_MS: '1000',
  })
  const [head, body, idle] = await Promise.all([
    raw(url, 'POST /ask HTTP/1.1\r\nhost: localhost\r\n'),
    raw(url, 'POST /ask HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000\r\n\r\n{"'),
    raw(url, 'GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n'),
  ])
  t.equal(codeIn(head), 'request_timeout')
  t.equal(codeIn(body), 'starting', 'the rest is not waited for')
  t.equal(codeIn(idle), '200')
})

t.test('MAX_CONNECTIONS: what comes above it is closed', async t => {
  const { url } = await startWaiting(t, { MAX_CONNECTIONS: '3' })
  const { hostname, port } = new URL(url)
  const all = Array.from({ length: 5 }, () => connect(Number(port), hostname).on('error', () => {}))
  t.teardown(() => all.forEach(socket => socket.destroy()))
  await until('two are closed', () => all.filter(socket => socket.resume().closed).length === 2)
  const [kept] = all.filter(socket => !socket.closed)
  kept!.write('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n')
  const [reply] = (await once(kept!, 'data')) as [Buffer]
  t.equal(codeIn(reply.toString()), '200')
})

t.test('HOST=localhost: all its addresses lead to the same gate', async t => {
  const { url, monitoringUrl } = await startWaiting(t, { HOST: 'localhost', MONITORING_PORT: '0' })
  const { port } = new URL(url)
  for (const { address, family } of await lookup('localhost', { all: true })) {
    const own = family === 6 ? `http://[${address}]:${port}` : `http://${address}:${port}`
    t.equal(codeIn(await raw(own, get('/livez', 'host: localhost'))), '200', own)
    t.equal(codeIn(await raw(own, get('/livez'))), 'invalid_request', own)
  }
  t.equal(codeIn(await raw(monitoringUrl, get('/livez', 'host: localhost'))), '200')
})

t.test('SIGTERM while starting: connections that clients keep do not hold the exit up', async t => {
  const service = await startWaiting(t, { MONITORING_PORT: '0', KEEP_ALIVE_MS: '300000' })
  const held = [service.url, service.monitoringUrl].flatMap(address => {
    const { hostname, port } = new URL(address)
    return ['GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n', ''].map(text => {
      const socket = connect(Number(port), hostname).on('error', () => {})
      t.teardown(() => socket.destroy())
      socket.write(text)
      return { socket, isReady: once(socket, text === '' ? 'connect' : 'data') }
    })
  })
  await Promise.all(held.map(({ isReady }) => isReady))
  service.signal('SIGTERM')
  t.same(await service.exited(), { code: 0, signal: null })
  t.match(service.log.at(-1), { msg: 'stopped' })
  t.equal(service.stderr, '')
})

t.test(
  'once it is ready: connections from before are served and counted, and the limits are the same',
  { skip: skipReason('postgres') },
  async t => {
    const postgres = await startPostgres(t)
    await postgres.stop()
    const service = await startWaiting(t, {
      DATABASE_URL: postgres.url,
      KEEP_ALIVE_MS: '300000',
      MAX_CONNECTIONS: '30',
      MONITORING_PORT: '0',
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    const ask = () => asked(agent, service.url)
    t.match(await ask(), { status: 503, code: 'starting', isReused: false })
    const { hostname, port } = new URL(service.url)
    const silent = Array.from({ length: 10 }, () => connect(Number(port), hostname).on('error', () => {}))
    t.teardown(() => silent.forEach(socket => socket.destroy()))
    await Promise.all(silent.map(socket => once(socket, 'connect')))
    await postgres.start()
    await service.ready()
    t.match(await ask(), { status: 404, code: 'unknown_collection', isReused: true })
    const figures = async () => (await clientOf(service.monitoringUrl).send('GET', '/metrics')).text
    const open = /^askwell_client_connections\{state="open"\} (\d+)$/m.exec(await figures())?.[1]
    t.equal(Number(open), 1 + silent.length)
    for (const address of [service.url, service.monitoringUrl]) {
      t.equal(codeIn(await raw(address, 'this is no HTTP\r\n\r\n')), 'invalid_http')
      t.equal(codeIn(await raw(address, get('/livez'))), 'invalid_request')
    }
    t.match(await figures(), /^askwell_\w*unparsed\w*\{code="invalid_http"\} 2$/m)
    const more = Array.from({ length: 25 }, () =>
      connect(Number(port), hostname)
        .on('error', () => {})
        .resume(),
    )
    t.teardown(() => more.forEach(socket => socket.destroy()))
    await until('what is above the limit is closed', () => more.filter(({ closed }) => closed).length >= 6)
  },
)

/** One question, on the only connection of the agent. */
async function asked(agent: Agent, url: string) {
  const outgoing = request(`${url}/ask`, { method: 'POST', agent, headers: { 'content-type': 'application/json' } })
  outgoing.end(JSON.stringify({ question: 'Who?' }))
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
  const { code } = JSON.parse((await buffer(reply)).toString()) as { code: string }
  return { status: reply.statusCode, code, isReused: outgoing.reusedSocket }
}

t.test('a start that fails: ends, and says why, although a client is in the middle of a header', async t => {
  const service = await startWaiting(t, { START_TIMEOUT_SECONDS: '1' })
  const { hostname, port } = new URL(service.url)
  const slow = connect(Number(port), hostname).on('error', () => {})
  slow.write('GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  t.match(await service.exited(), { code: 1, signal: null })
  t.match(service.stderr, /database/)
})

t.test('a client in the middle of a header on the monitoring port does not hold up the exit', async t => {
  const service = startService(t, { MONITORING_PORT: '0', DRAIN_SECONDS: '1', DATA_DIR: emptyFolder(t) })
  const line = await until('it is ready', () => service.log.find(({ msg }) => msg === 'ready'))
  const started = await until('it listens', () => service.log.find(({ monitoring }) => monitoring !== undefined))
  t.ok(line)
  const { hostname, port } = new URL(String(started['monitoring']))
  const slow = connect(Number(port), hostname).on('error', () => {})
  await once(slow, 'connect')
  slow.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  service.signal('SIGTERM')
  t.match(await service.exited(), { code: 0, signal: null })
})

/** Node drops a signal that arrives in the moment between the removal of its last listener and the next one. */
const watchListeners = `
process.on('removeListener', name => {
  if (name === 'SIGTERM' && process.listenerCount(name) === 0) process._rawDebug('nobody listens to SIGTERM')
})
`

t.test('SIGTERM at the end of the start is not lost: somebody always listens', async t => {
  const folder = t.testdir({ 'watch.mjs': watchListeners })
  const service = startService(t, { NODE_OPTIONS: `--import=${folder}/watch.mjs`, DATA_DIR: emptyFolder(t) })
  await service.ready()
  t.notMatch(service.stderr, /nobody listens/)
  service.signal('SIGTERM')
  t.match(await service.exited(), { code: 0, signal: null })
})
