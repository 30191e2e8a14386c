import { hash } from 'node:crypto'
import { request, type ClientRequest } from 'node:http'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import tap from 'tap'
import type { ApiKey } from '../../../../src/config/api-keys.ts'
import type { Config } from '../../../../src/config/terms.ts'
import { readConfig } from '../../../../src/config/config.ts'
import { AskError } from '../../../../src/errors.ts'
import { logEvents } from '../../../../src/log-events.ts'
import { behindGate, edgeApp } from '../../../support/edge.ts'
import { until } from '../../../support/until.ts'

/** Who is limited, as events and the log report it. That limits hold is tested in test/service/rate-limit.test.ts. */

const rateLimit = { max: 1, keyMax: 1, seconds: 600 }

/** A key that may ask. */
function keyOf(name: string, secret: string, limit?: number): ApiKey {
  return {
    name,
    sha256: hash('sha256', secret, 'hex'),
    scopes: ['ask'],
    collections: undefined,
    rateLimit: limit,
    tenant: undefined,
    priority: undefined,
    budget: undefined,
  }
}

/** Sends each client's headers twice, so that the second request is over the limit, and returns what was reported. */
async function reportsOf(
  clients: readonly (readonly [address: string, headers: Record<string, string>])[],
  settings: Partial<Config> = {},
) {
  const [limited, backends]: [string[], string[]] = [[], []]
  const app = await edgeApp(
    {
      subscriber: {
        requestLimited: by => void limited.push(by),
        backendLimited: (address, sign) => void backends.push(`${address} ${sign}`),
      },
    },
    { rateLimit, ...settings },
  )
  for (const [remoteAddress, headers] of clients)
    for (let n = 0; n < 2; n++) await app.inject({ url: '/docs', remoteAddress, headers })
  return { limited, backends }
}

const browser = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

tap.test('an address that looks like a backend is reported at its first 429, once', async t => {
  const { limited, backends } = await reportsOf([
    ['10.0.0.1', { 'user-agent': browser }],
    ['10.0.0.2', { 'user-agent': 'curl/8.5.0' }],
    ['10.0.0.3', { 'user-agent': 'node' }],
    ['10.0.0.3', { 'user-agent': 'node' }],
    ['10.0.0.4', { 'user-agent': 'python-requests/2.32.3' }],
    ['10.0.0.5', { 'user-agent': 'Go-http-client/1.1' }],
    ['10.0.0.6', { 'user-agent': 'okhttp/4.12.0' }],
    ['10.0.0.7', { 'user-agent': '' }],
    ['10.0.0.8', { 'user-agent': browser, 'x-forwarded-for': '203.0.113.9' }],
    ['10.0.0.9', { 'user-agent': browser, forwarded: 'for=203.0.113.9' }],
    ['2001:db8::1', { 'user-agent': 'axios/1.7.2' }],
    ['2001:db8::2', { 'user-agent': 'axios/1.7.2' }],
    ['10.0.0.10', { 'user-agent': 'nodemon is no library' }],
  ])
  t.same(backends, [
    '10.0.0.3 user-agent',
    '10.0.0.4 user-agent',
    '10.0.0.5 user-agent',
    '10.0.0.6 user-agent',
    '10.0.0.7 user-agent',
    '10.0.0.8 forwarded',
    '10.0.0.9 forwarded',
    '2001:db8:: user-agent',
  ])
  t.ok(limited.length > backends.length)
  t.same([...new Set(limited)], ['address'])
})

tap.test('a client behind a trusted proxy is no backend because of the header of the proxy', async t => {
  const forwarded = { 'user-agent': browser, 'x-forwarded-for': '203.0.113.9' }
  const { limited, backends } = await reportsOf([['10.0.0.1', forwarded]], { trustProxy: { hops: 1 } })
  t.same([limited, backends], [['address'], []])
})

tap.test('a key that is limited is no backend without a key', async t => {
  const key = 'askwell_a_key_of_many_random_letters'
  const web = keyOf('web', key)
  const { limited, backends } = await reportsOf(
    [['10.0.0.1', { 'user-agent': 'node', authorization: `Bearer ${key}` }]],
    { keys: [web] },
  )
  t.same([limited, backends], [['key'], []])
})

/** Answers at once, so that the status says whether the question came so far. */
const notCached = {
  async *ask() {
    yield* []
    throw new AskError('not_cached')
  },
}

/** Asks twice with one key, which may ask once in a window. */
async function statusesOf(
  {
    keyLimit,
    seconds = 3,
    ...body
  }: { readonly keyLimit?: number; readonly seconds?: number; readonly timeout_ms?: number },
  settings: Partial<Config> = {},
) {
  const secret = 'askwell_another_key_of_many_random_letters'
  const key = keyOf('web', secret, keyLimit)
  let waits = 0
  const app = await edgeApp(
    {
      cachedAsk: notCached,
      subscriber: { requestDelayed: () => void waits++ },
    },
    { rateLimit: { ...rateLimit, seconds }, keys: [key], ...settings },
  )
  const ask = async () =>
    await app.inject({
      method: 'POST',
      url: '/ask',
      headers: { authorization: `Bearer ${secret}` },
      payload: { question: 'When is breakfast?', ...body },
    })
  return { statuses: [(await ask()).statusCode, (await ask()).statusCode], waits }
}

tap.test('a question over KEY_RATE_LIMIT waits for the next window, and is asked', async t => {
  t.same(await statusesOf({}), { statuses: [504, 504], waits: 1 })
})

tap.test('it is rejected where it would wait too long, or where the limit is of the key itself', async t => {
  const rejected = { statuses: [504, 429], waits: 0 }
  t.same(await statusesOf({ seconds: 600 }), rejected, 'the next window begins much later')
  t.same(await statusesOf({ seconds: 4, timeout_ms: 1 }), rejected, 'its own timeout is shorter')
  t.same(await statusesOf({ keyLimit: 1 }), rejected)
  const { admission } = readConfig({})
  t.same(await statusesOf({}, { admission: { ...admission, maxWaitMs: 0 } }), rejected)
  t.same(await statusesOf({}, { admission: { ...admission, maxWaiting: 0 } }), rejected)
})

/** A key that may ask once in a window, and one place to wait for the next. Each question is asked of a real server. */
async function withOnePlace(t: Parameters<typeof behindGate>[0]) {
  const secret = 'askwell_a_third_key_of_many_random_letters'
  const key = keyOf('web', secret)
  const seen = { waits: 0, counted: 0, left: 0 }
  const app = await edgeApp(
    {
      cachedAsk: notCached,
      subscriber: { requestDelayed: () => void seen.waits++ },
    },
    {
      rateLimit: { ...rateLimit, seconds: 4 },
      keys: [key],
      admission: { ...readConfig({}).admission, maxWaiting: 1 },
    },
  )
  app.addHook('onRequest', async (_, reply) => {
    seen.counted++
    reply.raw.once('close', () => void (reply.raw.writableFinished || seen.left++))
  })
  const { port } = await behindGate(t, app)
  const body = JSON.stringify({ question: 'When is breakfast?' })

  /** Sends all but the body. */
  function start(): { readonly question: ClientRequest; readonly status: Promise<number>; finish(): void } {
    const headers = {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }
    const question = request({ port, method: 'POST', path: '/ask', headers, agent: false })
    question.flushHeaders()
    const { promise: status, resolve } = Promise.withResolvers<number>()
    question.once('response', reply => (reply.resume(), resolve(reply.statusCode ?? 0)))
    question.on('error', () => resolve(0))
    return { question, status, finish: () => void question.end(body) }
  }

  function ask() {
    const started = start()
    started.finish()
    return started
  }

  return { seen, start, ask }
}

tap.test('a client that leaves while it waits frees its place', async t => {
  const { seen, ask } = await withOnePlace(t)
  t.equal(await ask().status, 504)
  const leaving = ask()
  await until('it waits', () => seen.waits === 1)
  leaving.question.destroy()
  await until('it has left', () => seen.left === 1)
  t.equal(await ask().status, 504)
  t.equal(seen.waits, 2)
})

tap.test('no more wait than may, however slowly their bodies come', async t => {
  const { seen, start, ask } = await withOnePlace(t)
  t.equal(await ask().status, 504)
  const slow = [start(), start(), start()]
  await until('all are counted', () => seen.counted === 4)
  for (const each of slow) each.finish()
  const statuses = await Promise.all(slow.map(({ status }) => status))
  t.same([seen.waits, statuses.toSorted()], [1, [429, 429, 504]])
})

tap.test('the burst of one key leaves places for another', async t => {
  const names = ['one', 'two'] as const
  const secretOf = (name: string) => `askwell_${name}_of_several_keys_of_many_letters`
  const keys = names.map(name => keyOf(name, secretOf(name)))
  const app = await edgeApp(
    {
      cachedAsk: notCached,
    },
    { rateLimit: { ...rateLimit, seconds: 4 }, keys, admission: { ...readConfig({}).admission, maxWaiting: 2 } },
  )
  const ask = async (name: string) => {
    const headers = { authorization: `Bearer ${secretOf(name)}` }
    const payload = { question: 'When is breakfast?' }
    return (await app.inject({ method: 'POST', url: '/ask', headers, payload })).statusCode
  }
  t.same(await Promise.all(names.map(ask)), [504, 504])
  const statuses = await Promise.all(['one', 'one', 'two'].map(ask))
  t.same([statuses.slice(0, 2).toSorted(), statuses[2]], [[429, 504], 504])
})

tap.test('of many addresses the last thousand are remembered', async t => {
  const clients = Array.from(
    { length: 1001 },
    (_, nth) => [`10.1.${nth >> 8}.${nth & 255}`, { 'user-agent': 'node' }] as const,
  )
  const { backends } = await reportsOf([...clients, clients[1000]!, clients[0]!])
  t.equal(backends.length, 1002)
  t.equal(backends.at(-1), '10.1.0.0 user-agent', 'only the one that was forgotten is reported again')
})

tap.test('the log line says which address, why, and the way out', async t => {
  const lines: string[] = []
  const log = pino({}, new Writable({ write: (line, _, done) => (lines.push(String(line)), done()) }))
  logEvents(log).backendLimited!('10.0.0.1', 'user-agent')
  t.equal(lines.length, 1)
  t.match(JSON.parse(lines[0]!), {
    level: 40,
    code: 'backend-limited',
    address: '10.0.0.1',
    sign: 'user-agent',
    msg: /looks like a backend.*npx askwell key new.*TRUST_PROXY/,
  })
})
