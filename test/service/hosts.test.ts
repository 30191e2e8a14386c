import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { adminKey, anyWorld, type App, startApp } from '../support/app.ts'
import { assertContract } from '../support/contract.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'

/** A page from elsewhere in a browser of this machine, whose name has come to point here: DNS rebinding. */

interface Asking {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
}

/** The service with a model that is not asked, because the bundled one takes half a second to open. */
async function start(t: Test, settings: Record<string, string> = {}): Promise<App> {
  return await startApp(t, anyWorld, { ...settingsFor(await startModel(t), 'test-embedding'), ...settings })
}

async function codeOf(
  t: Test,
  app: App,
  host: string,
  { method = 'POST', path = '/ask', headers = {} }: Asking = {},
): Promise<string> {
  const body = method === 'GET' ? '' : JSON.stringify({ question: 'Who?', collection: 'nowhere' })
  const outgoing = request(app.url + path, {
    method,
    headers: { host, ...(body && { 'content-type': 'application/json' }), ...headers },
  })
  outgoing.end(body)
  const reply = await new Promise<IncomingMessage>(
    (resolve, reject) => void outgoing.once('response', resolve).once('error', reject),
  )
  const text = (await reply.toArray()).join('')
  const status = Number(reply.statusCode)
  assertContract(t, { method, path, status, headers: reply.headers, body: text })
  return status === 200 ? 'ok' : JSON.parse(text).code
}

t.test('everybody on this machine may ask: under its own names only', async t => {
  const app = await start(t)
  const { port } = new URL(app.url)
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '[::1]']) {
    for (const each of [host, `${host}:${port}`, `${host}:1`])
      t.equal(await codeOf(t, app, each), 'unknown_collection', each)
  }
  const strangers = [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '[::2]',
    'localhost@evil.example',
  ]
  for (const host of strangers) t.equal(await codeOf(t, app, host), 'unknown_host', host)
  t.equal(await codeOf(t, app, 'localhost'), 'unknown_collection', 'and again, after the refusals')
  const admin = { authorization: `Bearer ${adminKey}` }
  for (const [path, headers] of [
    ['/metrics', {}],
    ['/collections', admin],
  ] as const)
    t.equal(await codeOf(t, app, 'evil.example', { method: 'GET', path, headers }), 'unknown_host', path)
  for (const path of ['/livez', '/readyz'])
    t.equal(await codeOf(t, app, 'evil.example', { method: 'GET', path }), 'ok', path)
})

t.test('names that were added, or any', async t => {
  const app = await start(t, { ALLOWED_HOSTS: 'Chat.example.edu, other.example', TRUST_PROXY: 'on' })
  for (const host of ['chat.example.edu', 'chat.example.edu:8080', 'OTHER.example', 'localhost'])
    t.equal(await codeOf(t, app, host), 'unknown_collection', host)
  for (const host of ['evil.example', 'evil.chat.example.edu'])
    t.equal(await codeOf(t, app, host), 'unknown_host', host)
  t.equal(await codeOf(t, await start(t, { ALLOWED_HOSTS: '*' }), 'evil.example'), 'unknown_collection')
})

/** As bytes: no client sends these. */
async function raw(app: App, head: string): Promise<string> {
  const { hostname, port } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  socket.end(`${head}\r\nconnection: close\r\n\r\n`)
  const reply = (await socket.setEncoding('utf8').toArray()).join('')
  const [, status = ''] = /^HTTP\/1.1 (\d+)/.exec(reply) ?? []
  return /"code":"(\w+)"/.exec(reply)?.[1] ?? status
}

t.test('two names in one request, in two headers or in the target: neither hides the other', async t => {
  const app = await start(t)
  t.equal(await raw(app, 'GET /metrics HTTP/1.1\r\nhost: localhost'), '200')
  for (const [first, second] of [
    ['localhost', 'evil.example'],
    ['evil.example', 'localhost'],
    ['localhost', 'localhost'],
    ['', 'localhost'],
  ]) {
    for (const path of ['/metrics', '/livez'])
      t.equal(
        await raw(app, `GET ${path} HTTP/1.1\r\nhost: ${first}\r\nHOST: ${second}`),
        'invalid_request',
        `${first}, ${second}, ${path}`,
      )
  }
  t.equal(await raw(app, 'GET http://localhost/metrics HTTP/1.1\r\nhost: localhost'), '200')
  for (const target of [
    'http://evil.example/metrics',
    'http://evil.example:80/metrics',
    'http://localhost@evil.example/metrics',
  ])
    t.equal(await raw(app, `GET ${target} HTTP/1.1\r\nhost: localhost`), 'unknown_host', target)
})

t.test('where a key is needed, others can reach it, or a proxy is in front: any name', async t => {
  const key = 'a-key-of-many-letters'
  const locked = await start(t, {
    API_KEYS: JSON.stringify([{ name: 'web', sha256: (await import('node:crypto')).hash('sha256', key, 'hex') }]),
  })
  t.equal(
    await codeOf(t, locked, 'chat.example.edu', { headers: { authorization: `Bearer ${key}` } }),
    'unknown_collection',
  )
  t.equal(await codeOf(t, await start(t, { TRUST_PROXY: 'on' }), 'chat.example.edu'), 'unknown_collection')
  const open = await start(t, { HOST: '0.0.0.0', ALLOW_ANONYMOUS: 'on' })
  t.equal(
    await codeOf(t, { ...open, url: `http://127.0.0.1:${new URL(open.url).port}` }, 'chat.example.edu'),
    'unknown_collection',
  )
})
