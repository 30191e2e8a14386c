import type { FastifyInstance, InjectOptions } from 'fastify'
import { hash } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import type { ApiKey } from '../../../../src/config/api-keys.ts'
import type { Question } from '../../../../src/ask/terms/question.ts'
import { unknownCollection } from '../../../../src/ask/unknown-collection.ts'
import { createKeyring } from '../../../../src/http/edge/auth.ts'
import { assertContract } from '../../../support/contract.ts'
import { edgeApp, type EdgeStubs } from '../../../support/edge.ts'

/** Who may do what, and what a browser may do with the reply: at the edge, whatever is behind it. */

const secretOf = (name: string) => `askwell_${name}_of_many_random_letters`

function key(name: string, own: Partial<ApiKey> = {}): ApiKey {
  return {
    name,
    sha256: hash('sha256', secretOf(name), 'hex'),
    scopes: ['ask'],
    collections: undefined,
    rateLimit: undefined,
    tenant: undefined,
    priority: undefined,
    budget: undefined,
    ...own,
  }
}

const keys = [
  key('web'),
  key('law', { collections: ['law'], tenant: 'law school' }),
  key('admin', { scopes: ['admin'] }),
  key('watch', { scopes: ['monitoring'] }),
]
const withKey = (name: string) => ({ authorization: `Bearer ${secretOf(name)}` })

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD' | 'OPTIONS'
type Request = InjectOptions & { readonly method: Method; readonly url: string }

async function sent(t: Test, app: FastifyInstance, request: Request) {
  const reply = await app.inject(request)
  if (request.method !== 'OPTIONS' || reply.statusCode !== 204)
    assertContract(t, {
      method: request.method,
      path: request.url,
      status: reply.statusCode,
      headers: reply.headers,
      body: reply.body,
    })
  return reply
}

const question = { question: 'x' }

/** What is behind the edge: it notes what was asked, and knows no collection. */
function behind(asked: Question[] = []): EdgeStubs {
  const missing = (question: Question) => {
    asked.push(question)
    return unknownCollection(question.collection)
  }
  return {
    cachedAsk: {
      ask: async function* (question) {
        yield* []
        throw missing(question)
      },
    },
    search: async question => {
      throw missing(question)
    },
  }
}

tap.test('a key is found by what was sent, and by nothing like it', async t => {
  const { of: keyOf } = createKeyring(keys)
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) t.equal(keyOf(`${scheme} ${secretOf('web')}`)?.name, 'web')
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer  ',
    secretOf('web'),
    `Basic ${secretOf('web')}`,
    `Bearer ${secretOf('web')}x`,
    `Bearer ${secretOf('web')} x`,
    `Bearer ${secretOf('web').slice(1)}`,
    `Bearer ${keys[0]!.sha256}`,
    `Bearer ${'x'.repeat(100_000)}`,
    'Bearer constructor',
  ]) {
    t.equal(keyOf(header), undefined, String(header).slice(0, 40))
  }
})

tap.test(
  'without keys for it: asking and figures are open, a key that nobody knows is no matter, the rest is switched off',
  async t => {
    const app = await edgeApp(behind())
    for (const headers of [{}, withKey('web')]) {
      for (const url of ['/ask', '/search'])
        t.equal(
          (await sent(t, app, { method: 'POST', url, payload: question, headers })).json().code,
          'unknown_collection',
        )
      t.equal((await sent(t, app, { method: 'GET', url: '/metrics', headers })).statusCode, 200)
      t.equal((await sent(t, app, { method: 'GET', url: '/collections', headers })).json().code, 'admin_disabled')
    }
  },
)

const places = [
  { scope: 'ask', method: 'POST', url: '/ask' },
  { scope: 'ask', method: 'POST', url: '/search' },
  { scope: 'monitoring', method: 'GET', url: '/metrics' },
  { scope: 'admin', method: 'PUT', url: '/documents' },
  { scope: 'admin', method: 'GET', url: '/documents/1' },
  { scope: 'admin', method: 'DELETE', url: '/documents/1' },
  { scope: 'admin', method: 'GET', url: '/collections' },
  { scope: 'admin', method: 'GET', url: '/cache' },
  { scope: 'admin', method: 'DELETE', url: '/cache' },
] as const

for (const { scope, method, url } of places) {
  tap.test(`${method} ${url}: needs a key with the scope ${scope}`, async t => {
    const app = await edgeApp(behind(), { keys })
    const codeOf = async (headers: Record<string, string>) => {
      // No body that could be valid: a refusal comes before it is read.
      const reply = await sent(t, app, { method, url, headers })
      return reply.statusCode < 400 ? 'let in' : (reply.json().code as string)
    }
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { 'x-api-key': secretOf('web') }])
      t.equal(await codeOf(headers), 'unauthorized')
    for (const { name, scopes } of keys) {
      const code = await codeOf(withKey(name))
      if (scopes.includes(scope))
        t.notOk(['unauthorized', 'forbidden', 'admin_disabled'].includes(code), `${name}: ${code}`)
      else t.equal(code, 'forbidden', name)
    }
    if (method === 'GET') t.equal((await app.inject({ method: 'HEAD', url })).statusCode, 401, 'HEAD is locked as well')
  })
}

const explained = { ...question, include: ['explain'] }

for (const url of ['/ask', '/search']) {
  tap.test(`POST ${url} with an explanation: needs a key with the scope explain as well`, async t => {
    const asked: Question[] = []
    const app = await edgeApp(behind(asked), { keys: [...keys, key('why', { scopes: ['ask', 'explain'] })] })
    const send = async (name: string, payload: object, collection = 'default') =>
      (await sent(t, app, { method: 'POST', url, payload: { ...payload, collection }, headers: withKey(name) })).json()
    t.match(await send('web', explained), {
      status: 403,
      code: 'forbidden',
      detail: 'The key is valid but lacks the "explain" scope.',
    })
    t.equal(asked.length, 0, 'nothing was asked')
    t.equal((await send('web', question)).code, 'unknown_collection', 'without one, the key asks as before')
    t.equal((await send('why', explained)).code, 'unknown_collection', 'let in')
    t.equal(
      (await send('law', explained, 'medicine')).code,
      'unknown_collection',
      'a collection that the key may not use does not show that it exists',
    )
  })

  tap.test(`POST ${url} with an explanation, while no key has the scope: from this machine only`, async t => {
    for (const own of [[], keys]) {
      const app = await edgeApp(behind(), { keys: own })
      const codeOf = async (request: InjectOptions) =>
        (
          await sent(t, app, {
            ...request,
            method: 'POST',
            url,
            payload: explained,
            headers: { ...(own.length > 0 && withKey('web')), ...request.headers },
          })
        ).json().code
      t.equal(await codeOf({}), 'unknown_collection', 'let in')
      const elsewhere = own.length > 0 ? 'forbidden' : 'unauthorized'
      t.equal(await codeOf({ remoteAddress: '10.0.0.1' }), elsewhere)
      t.equal(await codeOf({ headers: { 'x-forwarded-for': '10.0.0.1' } }), elsewhere, 'through a proxy')
      t.equal(await codeOf({ headers: { host: 'evil.example' } }), 'unknown_host')
    }
    const open = await edgeApp(behind(), { allowAnonymous: true })
    const reply = await sent(t, open, { method: 'POST', url, payload: explained, remoteAddress: '10.0.0.1' })
    t.equal(reply.json().code, 'unknown_collection', 'ALLOW_ANONYMOUS opens it to all')
  })
}

tap.test('what is said of the service itself is open', async t => {
  const app = await edgeApp({}, { keys })
  for (const url of ['/', '/docs', '/monitoring', '/openapi.yaml', '/livez', '/readyz', '/startupz'])
    t.equal((await sent(t, app, { method: 'GET', url })).statusCode, 200, url)
})

tap.test('a collection that is not for the key: to the letter as one that is not there', async t => {
  const asked: Question[] = []
  const app = await edgeApp(behind(asked), { keys })
  for (const url of ['/ask', '/search']) {
    const bodyOf = async (name: string, collection?: string) => {
      const reply = await sent(t, app, {
        method: 'POST',
        url,
        payload: { ...question, ...(collection && { collection }) },
        headers: { ...withKey(name), 'x-request-id': 'same' },
      })
      return { status: reply.statusCode, body: reply.body }
    }
    t.same(await bodyOf('law', 'medicine'), await bodyOf('web', 'medicine'))
    t.same(await bodyOf('law'), await bodyOf('web'))
    await bodyOf('law', 'law')
  }
  t.same(
    asked.map(({ collection, tenant }) => [collection, tenant]),
    [
      ['medicine', undefined],
      ['default', undefined],
      ['law', 'law school'],
      ['medicine', undefined],
      ['default', undefined],
      ['law', 'law school'],
    ],
    'what is not for it does not even get behind the edge; a tenant goes along',
  )
})

tap.test('limits: a key that may ask is counted by itself; all else, wrong keys too, by address', async t => {
  const app = await edgeApp(behind(), {
    keys: [...keys, key('busy', { rateLimit: 3 })],
    rateLimit: { max: 2, keyMax: 4, seconds: 600 },
  })
  const ask = { method: 'POST', url: '/ask', payload: question } as const
  const statuses = async (times: number, headers: Record<string, string>, more: Partial<Request> = {}) => {
    const found = []
    for (let n = 0; n < times; n++)
      found.push((await sent(t, app, { ...ask, headers, remoteAddress: '10.0.0.1', ...more })).statusCode)
    return found
  }
  const elsewhere = { remoteAddress: '10.0.0.2' }
  t.same(await statuses(3, { authorization: 'Bearer a-guess' }), [401, 401, 429], 'guesses are counted')
  t.same(await statuses(1, withKey('admin')), [429], 'with keys that may not ask')
  t.same(await statuses(2, withKey('web')), [404, 404], 'a key that may ask has its own count')
  t.same(await statuses(3, withKey('web'), elsewhere), [404, 404, 429], 'from wherever it comes')
  t.same(await statuses(1, withKey('busy')), [404], 'another key has another')
  t.same(await statuses(3, withKey('busy'), elsewhere), [404, 404, 429], 'and a limit of its own, if it says so')
  t.same(await statuses(1, {}, elsewhere), [401], 'what keys ask does not count for their address')
  const limited = await sent(t, app, { ...ask, headers: withKey('web') })
  t.equal(limited.headers['ratelimit-policy'], '"default";q=4;w=600')
  t.match(limited.json().detail, /^At most 4 requests are allowed per 600 s with this key;/)
})

tap.test('RATE_LIMIT=0: a key keeps to its own limit all the same', async t => {
  const app = await edgeApp(behind(), { keys: [...keys, key('busy', { rateLimit: 1 })] })
  const statusOf = async (name: string) =>
    (await sent(t, app, { method: 'POST', url: '/ask', payload: question, headers: withKey(name) })).statusCode
  t.same(
    [await statusOf('busy'), await statusOf('busy'), await statusOf('web'), await statusOf('web')],
    [404, 429, 404, 404],
  )
})

tap.test('lines of a request: the name of its key, never the key', async t => {
  const lines: string[] = []
  const log = pino({ level: 'info' }, new Writable({ write: (line, _, done) => (lines.push(String(line)), done()) }))
  const app = await edgeApp({ ...behind(), log }, { keys })
  await sent(t, app, { method: 'POST', url: '/ask', payload: question, headers: withKey('web') })
  await sent(t, app, { method: 'POST', url: '/ask', payload: question, headers: withKey('admin') })
  await sent(t, app, {
    method: 'POST',
    url: '/ask',
    payload: question,
    headers: { authorization: 'Bearer a-wrong-guess' },
  })
  t.same(
    lines.map(line => JSON.parse(line)).map(({ msg, status, key }) => [msg, status, key]),
    [
      ['request completed', 404, 'web'],
      ['request completed', 403, 'admin'],
      ['request completed', 401, undefined],
    ],
  )
  t.notMatch(lines.join(), /askwell_|guess/)
})

const page = { origin: 'https://chat.example.edu' }
const preflight = {
  ...page,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization,content-type,x-priority',
}

tap.test('no CORS_ORIGINS: no word of other origins', async t => {
  const app = await edgeApp(behind())
  for (const request of [
    { method: 'OPTIONS', url: '/ask', headers: preflight },
    { method: 'POST', url: '/ask', payload: question, headers: page },
  ] as const) {
    const { headers } = await sent(t, app, request)
    t.same(
      Object.keys(headers).filter(name => name.startsWith('access-control-') || name === 'vary'),
      [],
    )
  }
})

tap.test('CORS_ORIGINS: pages of these may ask with a key, and read all that a reply says, refusals too', async t => {
  const app = await edgeApp(behind(), {
    keys,
    corsOrigins: ['https://other.example', page.origin],
    rateLimit: { max: 1, keyMax: 1, seconds: 600 },
  })
  for (let n = 0; n < 5; n++) {
    const { statusCode, headers } = await sent(t, app, { method: 'OPTIONS', url: '/ask', headers: preflight })
    t.equal(statusCode, 204, 'a preflight needs no key and is not counted')
    t.match(headers, {
      'access-control-allow-origin': page.origin,
      vary: /Origin/,
      'access-control-allow-methods': /POST/,
      'access-control-max-age': /^\d+$/,
    })
    for (const name of ['Authorization', 'Content-Type', 'Cache-Control', 'X-Priority', 'X-Request-Id'])
      t.match(headers['access-control-allow-headers'], name)
    t.equal(headers['access-control-allow-credentials'], undefined)
  }
  for (const [status, own] of [
    [404, withKey('web')],
    [401, {}],
    [429, {}],
  ] as const) {
    const { statusCode, headers } = await sent(t, app, {
      method: 'POST',
      url: '/ask',
      payload: question,
      headers: { ...page, ...own },
    })
    t.equal(statusCode, status)
    t.match(headers, { 'access-control-allow-origin': page.origin, vary: /Origin/ })
    for (const name of ['Age', 'RateLimit', 'Retry-After', 'Server-Timing', 'X-Request-Id'])
      t.match(headers['access-control-expose-headers'], name)
  }
})

tap.test('CORS_ORIGINS: no other page may; `*`: every page', async t => {
  const strict = await edgeApp(behind(), { corsOrigins: [page.origin] })
  for (const origin of [
    'https://evil.example',
    'https://chat.example.edu.evil.example',
    'http://chat.example.edu',
    'null',
  ]) {
    for (const request of [
      { method: 'OPTIONS', url: '/ask', headers: { ...preflight, origin } },
      { method: 'POST', url: '/ask', payload: question, headers: { origin } },
    ] as const) {
      t.equal(
        (await sent(t, strict, request)).headers['access-control-allow-origin'],
        undefined,
        `${request.method} from ${origin}`,
      )
    }
  }
  const open = await edgeApp(behind(), { corsOrigins: ['*'] })
  t.equal(
    (
      await sent(t, open, {
        method: 'POST',
        url: '/ask',
        payload: question,
        headers: { origin: 'https://evil.example' },
      })
    ).headers['access-control-allow-origin'],
    '*',
  )
})

tap.test('CORS_ORIGINS: OPTIONS that is no preflight is refused as before', async t => {
  const app = await edgeApp(behind(), { corsOrigins: [page.origin] })
  for (const headers of [{}, page]) {
    const reply = await sent(t, app, { method: 'OPTIONS', url: '/ask', headers })
    t.match({ status: reply.statusCode, allow: reply.headers['allow'] }, { status: 405, allow: 'POST' })
    t.equal((await sent(t, app, { method: 'OPTIONS', url: '/nothing', headers })).statusCode, 404)
  }
})

tap.test('security headers: on every reply; the page for people keeps its own policy', async t => {
  const app = await edgeApp(behind(), { keys })
  const requests: Request[] = [
    { method: 'GET', url: '/' },
    { method: 'GET', url: '/livez' },
    { method: 'GET', url: '/docs' },
    { method: 'GET', url: '/nothing' },
    { method: 'DELETE', url: '/ask' },
    { method: 'POST', url: '/ask', payload: question },
    { method: 'POST', url: '/ask', payload: question, headers: withKey('web') },
    { method: 'POST', url: '/ask', payload: '{', headers: { ...withKey('web'), 'content-type': 'application/json' } },
  ]
  for (const request of requests) {
    const { headers } = await sent(t, app, request)
    t.match(
      headers,
      { 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' },
      `${request.method} ${request.url}`,
    )
    if (request.url === '/docs')
      t.match(headers, {
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'cross-origin-opener-policy': 'same-origin',
      })
    const policy = String(headers['content-security-policy'])
    t.match(policy, /^default-src 'none';.*frame-ancestors 'none'/)
    t.notMatch(policy, /unsafe-inline/)
    t.equal(policy.includes("style-src 'sha256-"), request.url === '/docs')
    t.equal(headers['x-powered-by'], undefined)
  }
})
