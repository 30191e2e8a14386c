import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readApiKeys, type ApiKey } from '../../../src/config/api-keys.ts'
import { readConfig } from '../../../src/config/config.ts'
import { ConfigError } from '../../../src/config/terms.ts'
import { rejectOpenAccess } from '../../../src/config/access.ts'

const digest = (letter: string) => letter.repeat(64)
const web = { name: 'web', sha256: digest('a') }

function read(inline: unknown, file?: string): { keys: readonly ApiKey[]; faults: string[] } {
  const faults: string[] = []
  return {
    keys: readApiKeys({ inline: typeof inline === 'string' ? inline : JSON.stringify(inline), file }, faults),
    faults,
  }
}

t.test('a key of two fields: it may ask, about everything, within the limit of its address', async t => {
  const { keys, faults } = read([web])
  t.same(faults, [])
  t.same(keys, [
    {
      ...web,
      scopes: ['ask'],
      collections: undefined,
      rateLimit: undefined,
      tenant: undefined,
      priority: undefined,
      budget: undefined,
    },
  ])
})

t.test('a key with everything, its digest in capitals', async t => {
  const { keys, faults } = read([
    {
      name: 'jobs',
      sha256: 'AB'.repeat(32),
      scopes: ['ask', 'monitoring'],
      collections: ['admissions', 'law'],
      rate_limit: 5,
      tenant: 'ҚазҰУ',
      priority: 'batch',
      budget: { tokens_per_day: 200_000 },
    },
  ])
  t.same(faults, [])
  t.same(keys, [
    {
      name: 'jobs',
      sha256: 'ab'.repeat(32),
      scopes: ['ask', 'monitoring'],
      collections: ['admissions', 'law'],
      rateLimit: 5,
      tenant: 'ҚазҰУ',
      priority: 'batch',
      budget: { tokens: 200_000 },
    },
  ])
})

t.test('the setting and the file: both count', async t => {
  const file = join(t.testdir({}), 'keys.json')
  writeFileSync(file, JSON.stringify([{ name: 'file', sha256: digest('b') }]))
  t.same(
    read([web], file).keys.map(({ name }) => name),
    ['web', 'file'],
  )
})

t.test('every fault at once, with its place', async t => {
  const { faults } = read([
    {
      name: 'a b',
      sha256: 'short',
      scopes: [],
      collections: ['Law'],
      rate_limit: 0,
      tenant: '',
      priority: 'high',
      budget: { tokens: 5 },
      colections: [],
    },
    { scopes: ['root'] },
    'web',
    null,
  ])
  const places = [
    '[0].colections',
    '[0].name',
    '[0].sha256',
    '[0].scopes',
    '[0].collections',
    '[0].rate_limit',
    '[0].tenant',
    '[0].priority',
    '[0].budget',
    '[1].name',
    '[1].sha256',
    '[1].scopes',
    '[2]',
    '[3]',
  ]
  const told = faults.map(fault => fault.split(' ')[0])
  for (const place of places) t.ok(told.includes(`API_KEYS${place}`), place)
})

t.test('a budget: whole tokens, an amount of money, or both, above 0', async t => {
  const budgetOf = (budget: unknown, hasPrices = true) => {
    const faults: string[] = []
    const inline = JSON.stringify([{ ...web, budget }])
    return { budget: readApiKeys({ inline, file: undefined, hasPrices }, faults)[0]?.budget, faults }
  }
  t.same(budgetOf({ tokens_per_day: 1, cost_per_day: 0.5 }), { budget: { tokens: 1, cost: 0.5 }, faults: [] })
  for (const wrong of [
    5,
    null,
    [],
    [1],
    {},
    { tokens_per_day: 0 },
    { tokens_per_day: 1.5 },
    { tokens_per_day: '5' },
    { cost_per_day: -1 },
    { cost_per_day: 1, per_month: 2 },
  ])
    t.match(budgetOf(wrong).faults, [/^API_KEYS\[0\]\.budget is invalid; it must be an object with tokens_per_day/])
  t.match(budgetOf({ cost_per_day: 1 }, false).faults, [/budget has cost_per_day, but the price .* set MODEL_PRICES/])
  t.same(budgetOf({ tokens_per_day: 1 }, false).faults, [])
  t.match(read([{ ...web, scopes: ['admin'], budget: { tokens_per_day: 1 } }]).faults, [
    /budget requires the scope ask/,
  ])
})

t.test('what a key would not keep to, or what would have no effect: refused', async t => {
  t.match(read([{ ...web, scopes: ['ask', 'admin'], collections: ['law'] }]).faults, [
    /collections cannot restrict a key with the scope admin/,
  ])
  t.match(read([{ ...web, scopes: ['monitoring'], tenant: 'x' }]).faults, [/tenant requires the scope ask/])
  t.match(read([{ ...web, scopes: ['explain'] }]).faults, [/scopes has explain without ask/])
  t.same(read([{ ...web, scopes: ['ask', 'explain'], collections: ['law'] }]).faults, [])
  t.match(read([web, { ...web, name: 'other' }]).faults, [/same sha256 more than once: "other"/])
  t.match(read([web, { ...web, sha256: digest('b') }]).faults, [/same name more than once: "web"/])
})

t.test('no JSON, no list, no file: what it must be, and nothing of what it is', async t => {
  for (const text of ['askwell_a-key-itself', '{"name":"askwell_a-key-itself"}', '"askwell_a-key-itself"', '[']) {
    const { faults } = read(text)
    t.match(faults, [/^API_KEYS must be a JSON list.*askwell key new/])
    t.notMatch(faults.join(), /itself/)
  }
  t.match(read([web], join(t.testdir({}), 'none.json')).faults, [/API_KEYS_FILE.*\(ENOENT\)/])
})

t.test('the keys that stand in settings of their own: one like the others each, and never the same twice', async t => {
  const { keys } = readConfig({ ADMIN_API_KEY: 'one-long-admin-key', MONITORING_API_KEY: 'one-long-watch-key' })
  t.match(keys, [
    { name: 'ADMIN_API_KEY', scopes: ['admin'], sha256: /^[\da-f]{64}$/ },
    { name: 'MONITORING_API_KEY', scopes: ['monitoring'] },
  ])
  t.throws(
    () => readConfig({ ADMIN_API_KEY: 'one-long-admin-key', MONITORING_API_KEY: 'one-long-admin-key' }),
    /same sha256 more than once/,
  )
})

const asking = { API_KEYS: JSON.stringify([web]) }
const watching = { API_KEYS: JSON.stringify([{ ...web, scopes: ['monitoring'] }]) }

for (const HOST of ['127.0.0.1', '127.8.9.10', '::1', 'localhost', 'LOCALHOST']) {
  t.test(`HOST=${HOST}: nobody else can reach it, no key is needed`, async t =>
    t.doesNotThrow(() => rejectOpenAccess(readConfig({ HOST }))),
  )
}

for (const HOST of [
  '0.0.0.0',
  '::',
  '192.168.1.5',
  '::ffff:10.0.0.1',
  'askwell.example',
  '128.0.0.1',
  '127.0.0.1.evil.example',
  'localhost.example',
]) {
  t.test(`HOST=${HOST}: a key for asking, or word that none is needed`, async t => {
    t.throws(() => rejectOpenAccess(readConfig({ HOST })), ConfigError)
    t.throws(
      () => rejectOpenAccess(readConfig({ HOST, ...watching, ADMIN_API_KEY: 'one-long-admin-key' })),
      /API_KEYS.*key new.*ALLOW_ANONYMOUS=on/,
    )
    for (const env of [asking, { ALLOW_ANONYMOUS: 'on' }])
      t.doesNotThrow(() => rejectOpenAccess(readConfig({ HOST, ...env })))
  })
}

t.test('a port for the monitoring that others can reach: a key for looking, or word that none is needed', async t => {
  const reached = { MONITORING_PORT: '9100', MONITORING_HOST: '0.0.0.0' }
  t.throws(() => rejectOpenAccess(readConfig(reached)), /MONITORING_HOST is "0\.0\.0\.0".*MONITORING_API_KEY/)
  t.throws(() => rejectOpenAccess(readConfig({ ...reached, HOST: '0.0.0.0' })), /HOST is.*\n.*MONITORING_HOST is/)
  for (const env of [
    { MONITORING_API_KEY: 'one-long-watch-key' },
    watching,
    { ALLOW_ANONYMOUS: 'on' },
    { MONITORING_HOST: '127.0.0.1' },
  ])
    t.doesNotThrow(() => rejectOpenAccess(readConfig({ ...reached, ...env })))
})

t.test('CORS_ORIGINS: as a browser sends them; all only when it is said', async t => {
  t.equal(readConfig({}).corsOrigins, null)
  t.same(readConfig({ CORS_ORIGINS: 'https://a.example, http://localhost:5173' }).corsOrigins, [
    'https://a.example',
    'http://localhost:5173',
  ])
  t.same(readConfig({ CORS_ORIGINS: '*' }).corsOrigins, ['*'])
  for (const text of [
    'a.example',
    'https://a.example/',
    'https://a.example/x',
    'https://*.example',
    'https://a.example,*',
    'null',
    'file://',
    'https://A.example',
    'https://u:p@a.example',
  ]) {
    t.throws(() => readConfig({ CORS_ORIGINS: text }), /CORS_ORIGINS is .*such as https:/, text)
  }
})

t.test('times that contradict each other: refused', async t => {
  t.throws(
    () => readConfig({ HEADERS_TIMEOUT_MS: '5000', RECEIVE_TIMEOUT_MS: '4000' }),
    /HEADERS_TIMEOUT_MS is longer than RECEIVE_TIMEOUT_MS/,
  )
})

t.test('a wrong address that holds a password: named, never shown', async t => {
  const env = {
    DATABASE_URL: 'postgres://u:hush#hush@db/x',
    REDIS_URL: 'redis//:hush@cache',
    OPENAI_BASE_URL: 'https://u:hush@api',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://u:hush@c',
    RERANK_URL: 'https://hush@r',
    CHAT_MODEL: 'x',
  }
  try {
    readConfig(env)
    t.fail('it is taken')
  } catch (error) {
    const { message } = error as Error
    for (const name of Object.keys(env).filter(name => name !== 'CHAT_MODEL'))
      t.match(message, new RegExp(`${name} is invalid`))
    t.notMatch(message, /hush/)
  }
})
