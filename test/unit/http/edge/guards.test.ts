import type { FastifyInstance } from 'fastify'
import { hash } from 'node:crypto'
import t from 'tap'
import type { ApiKey, Scope } from '../../../../src/config/api-keys.ts'
import { unknownCollection } from '../../../../src/ask/unknown-collection.ts'
import type { PerformanceReport } from '../../../../src/monitoring/figures/report.ts'
import { contract } from '../../../support/contract.ts'
import { edgeApp, edgeMonitoringApp, type EdgeStubs } from '../../../support/edge.ts'
import { knownHosts } from '../../../../src/config/access.ts'
import type { Config } from '../../../../src/config/terms.ts'

/** Every route × every key × where from: each is guarded by its own scope, whatever keys there are for others. */

const secretOf = (scope: string) => `askwell_${scope}_of_many_random_letters`
const keyFor = (scope: Scope): ApiKey => ({
  name: scope,
  sha256: hash('sha256', secretOf(scope), 'hex'),
  scopes: [scope],
  collections: undefined,
  rateLimit: undefined,
  tenant: undefined,
  priority: undefined,
  budget: undefined,
})

const text = 'How much is the rent of one whom everybody knows?'
const report = {
  slowQuestions: [
    {
      fingerprint: 'abc',
      count: 1,
      maxMs: 1,
      lastAt: '',
      mode: null,
      language: null,
      slowestStage: null,
      question: text,
    },
  ],
} as unknown as PerformanceReport
const missing = () => unknownCollection('default')
const nothing = async () => null

const behind: EdgeStubs = {
  cachedAsk: {
    ask: async function* () {
      yield* []
      throw missing()
    },
  },
  search: async () => {
    throw missing()
  },
  documents: {
    enter: () => ({ leave() {} }),
    put: async () => [],
    get: nothing,
    remove: async () => false,
    collections: async () => [],
  },
  cache: {
    clear: async () => ({ redisKeys: null }),
    figures: async () => {
      throw missing()
    },
  },
  monitor: {
    look: () => {
      throw missing()
    },
    report: () => ({ verdict: 'ok', findings: [], ...report }),
  },
}

const id = '00000000-0000-8000-8000-000000000000'
const routes: readonly {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly scope: Scope | null
  readonly payload?: object
}[] = [
  { method: 'POST', url: '/ask', scope: 'ask', payload: { question: 'x' } },
  { method: 'POST', url: '/search', scope: 'ask', payload: { question: 'x' } },
  { method: 'PUT', url: '/documents', scope: 'admin', payload: { documents: [{ source: 'a', text: 'b' }] } },
  { method: 'GET', url: `/documents/${id}`, scope: 'admin' },
  { method: 'DELETE', url: `/documents/${id}`, scope: 'admin' },
  { method: 'GET', url: '/collections', scope: 'admin' },
  { method: 'GET', url: '/cache', scope: 'admin' },
  { method: 'DELETE', url: '/cache', scope: 'admin' },
  { method: 'GET', url: '/metrics', scope: 'monitoring' },
  { method: 'GET', url: '/monitoring/pool-status', scope: 'monitoring' },
  { method: 'GET', url: '/monitoring/performance-metrics', scope: 'monitoring' },
  ...['/', '/docs', '/openapi.yaml', '/monitoring', '/livez', '/readyz', '/startupz'].map(url => ({
    method: 'GET' as const,
    url,
    scope: null,
  })),
]

t.test('every route of the contract is in this table, and none besides', async t => {
  const { paths } = contract as { readonly paths: Readonly<Record<string, object>> }
  const methods = /^(get|post|put|delete|patch)$/
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations)
      .filter(name => methods.test(name))
      .map(name => `${name.toUpperCase()} ${path}`),
  )
  t.same(routes.map(({ method, url }) => `${method} ${url.replace(id, '{id}')}`).sort(), described.sort())
})

const monitored = routes.filter(
  ({ url, scope }) => scope === 'monitoring' || /^\/(monitoring|livez|readyz|startupz)$/.test(url),
)

/** As the service is set up when it listens at `address`, and has keys for these. */
function settingsOf(keys: readonly Scope[], host: string, allowAnonymous = false): Partial<Config> {
  return { host, keys: keys.map(keyFor), allowAnonymous }
}

interface From {
  readonly key?: string | undefined
  readonly remoteAddress?: string
  readonly headers?: Record<string, string>
}

async function ask(
  app: FastifyInstance,
  { method, url, payload }: (typeof routes)[number],
  { key, remoteAddress = '127.0.0.1', headers = {} }: From,
) {
  const authorization = key === undefined ? {} : { authorization: `Bearer ${secretOf(key)}` }
  const reply = await app.inject({
    method,
    url,
    remoteAddress,
    headers: { host: 'localhost', ...authorization, ...headers },
    ...(payload && { payload }),
  })
  const refusals = ['unauthorized', 'forbidden', 'admin_disabled', 'unknown_host']
  const code = reply.statusCode < 400 ? 'in' : String(reply.json().code)
  return { outcome: refusals.includes(code) ? code : 'in', body: reply.body }
}

/** What the rules say, apart from how they are kept. */
function expected(scope: Scope | null, keys: readonly Scope[], key: string | undefined, isHere: boolean): string {
  if (scope === null) return 'in'
  if (keys.includes(scope))
    return key === scope
      ? 'in'
      : key !== undefined && (keys as readonly string[]).includes(key)
        ? 'forbidden'
        : 'unauthorized'
  if (scope === 'admin') return 'admin_disabled'
  if (scope === 'ask' || isHere) return 'in'
  return key !== undefined && (keys as readonly string[]).includes(key) ? 'forbidden' : 'unauthorized'
}

const keySets: readonly (readonly Scope[])[] = [
  [],
  ['ask'],
  ['ask', 'admin'],
  ['monitoring'],
  ['ask', 'monitoring', 'admin'],
]
const places = [
  ['loopback', { remoteAddress: '127.0.0.1' }],
  ['the network', { remoteAddress: '10.0.0.9' }],
  ['a proxy on this machine', { headers: { 'x-forwarded-for': '10.0.0.9' } }],
] as const

for (const keys of keySets) {
  for (const [port, build, served, address] of [
    ['PORT', edgeApp, routes, '0.0.0.0'],
    ['MONITORING_PORT', edgeMonitoringApp, monitored, '127.0.0.1'],
  ] as const) {
    t.test(`${port}, keys for ${keys.join(', ') || 'nothing'}`, async t => {
      const app = await build(behind, settingsOf(keys, address))
      for (const [place, from] of places) {
        const [found, wanted]: [string[], string[]] = [[], []]
        for (const route of served) {
          for (const key of [undefined, 'ask', 'monitoring', 'admin', 'wrong']) {
            const row = `${route.method} ${route.url}, ${key ?? 'no key'}`
            found.push(`${row}: ${(await ask(app, route, { key, ...from })).outcome}`)
            wanted.push(`${row}: ${expected(route.scope, keys, key, place === 'loopback')}`)
          }
        }
        t.same(found, wanted, `from ${place}`)
      }
    })
  }
}

t.test('behind a proxy names are not looked at, but those who look at figures without a key', async t => {
  for (const build of [edgeApp, edgeMonitoringApp]) {
    const trustProxy = { hops: 1 }
    t.equal(knownHosts('127.0.0.1', { allowAnonymous: false, trustProxy, allowedHosts: undefined }), null)
    const app = await build(behind, { host: '127.0.0.1', keys: [], trustProxy })
    for (const route of monitored.filter(({ scope }) => scope !== null)) {
      t.match(await ask(app, route, { headers: { host: 'evil.example' } }), { outcome: 'unknown_host' }, route.url)
      t.match(await ask(app, route, {}), { outcome: 'in' }, route.url)
    }
  }
})

t.test(
  'texts of questions: shown with the key, and on this machine where there is none; nowhere else, also where all is open',
  async t => {
    const route = monitored.find(({ url }) => url.endsWith('performance-metrics'))!
    const isShown = async (app: FastifyInstance, from: From) => {
      const { outcome, body } = await ask(app, route, from)
      t.equal(outcome, 'in')
      return body.includes(text)
    }
    for (const build of [edgeApp, edgeMonitoringApp]) {
      const open = await build(behind, settingsOf([], '0.0.0.0', true))
      t.ok(await isShown(open, {}), 'on this machine')
      t.notOk(await isShown(open, { remoteAddress: '10.0.0.9' }), 'from the network')
      t.notOk(await isShown(open, { headers: { 'x-forwarded-for': '127.0.0.1' } }), 'through a proxy')
      t.notOk(
        await isShown(open, { headers: { host: 'evil.example' } }),
        'a page of elsewhere in a browser of this machine',
      )
      const locked = await build(behind, settingsOf(['ask', 'monitoring'], '0.0.0.0'))
      t.ok(
        await isShown(locked, {
          key: 'monitoring',
          remoteAddress: '10.0.0.9',
          headers: { host: 'askwell.example.edu' },
        }),
        'with the key',
      )
    }
  },
)

t.test('names: looked at on every port where a scope is open, whatever keys others have', async t => {
  const metrics = routes.find(({ url }) => url === '/metrics')!
  const under = async (app: FastifyInstance, host: string, key?: string) =>
    (await ask(app, metrics, { key, headers: { host } })).outcome
  for (const build of [edgeApp, edgeMonitoringApp]) {
    for (const keys of [[], ['ask'], ['ask', 'admin']] as const) {
      for (const address of ['127.0.0.1', '0.0.0.0']) {
        const app = await build(behind, settingsOf(keys, address))
        t.equal(await under(app, 'evil.example'), 'unknown_host', `${keys.join()} ${address}`)
        t.equal(await under(app, 'evil.example'), 'unknown_host', 'and again')
        t.equal(await under(app, 'localhost:3000'), 'in')
        t.equal(await under(app, 'evil.example', 'ask'), 'unknown_host', 'a key for something else is no matter')
      }
    }
    const locked = await build(behind, settingsOf(['ask', 'monitoring'], '127.0.0.1'))
    t.equal(await under(locked, 'metrics.example', 'monitoring'), 'in', 'where a key is needed: any name')
  }
})

t.test('a key for asking that a request brings along does not teach the next its name', async t => {
  const app = await edgeApp(behind, settingsOf(['ask'], '127.0.0.1'))
  t.equal((await ask(app, routes[0]!, { key: 'ask', headers: { host: 'evil.example' } })).outcome, 'in')
  const metrics = routes.find(({ url }) => url === '/metrics')!
  t.equal((await ask(app, metrics, { headers: { host: 'evil.example' } })).outcome, 'unknown_host')
})
