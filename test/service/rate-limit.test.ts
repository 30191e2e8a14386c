import t, { type Test } from 'tap'
import { anyWorld, type App, skipReason, startApp, eitherWorld, type World } from '../support/app.ts'
import { createDatabase } from '../support/database.ts'
import { edgeApp } from '../support/edge.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { redisSkipReason, startRedis, told } from '../support/redis.ts'
import { keysLike } from '../support/redis-keys.ts'
import { startLiar } from '../support/redis-liar.ts'
import { until } from '../support/until.ts'

/** A client that asks too much is told when to come back; nobody else notices. */

/** A window that no test outlives. */
const limit = { RATE_LIMIT: '3', RATE_LIMIT_SECONDS: '600' }
/** On a busy machine a reply may take longer than the usual 50 ms; then the process' own count is taken. */
const patience = { REDIS_TIMEOUT_MS: '1000' }
const question = { question: 'When are quiet hours?', collection: 'nowhere' }

/** The service with a model that is not asked, because the bundled one takes half a second to open. */
async function start(t: Test, world: World, settings: Record<string, string> = {}): Promise<App> {
  return await startApp(t, world, { ...settingsFor(await startModel(t), 'test-embedding'), ...settings })
}

async function statusesOf(app: App, times: number): Promise<number[]> {
  const statuses: number[] = []
  for (let i = 0; i < times; i++) statuses.push((await app.ask(question)).status)
  return statuses
}

for (const world of eitherWorld) {
  t.test(`RATE_LIMIT=3, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await start(t, world, limit)
    t.same(await statusesOf(app, 3), [404, 404, 404])

    t.test('the fourth: 429, a problem that says when to come back', async t => {
      const { status, headers, json } = await app.ask(question)
      t.equal(status, 429)
      t.match(headers.get('content-type'), /^application\/problem\+json/)
      t.match(json, {
        code: 'rate_limited',
        status: 429,
        detail: /At most 3 requests are allowed per 600 s/,
        instance: headers.get('x-request-id'),
      })
      const seconds = Number(headers.get('retry-after'))
      t.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 600, `retry-after: ${seconds}`)
      t.equal(headers.get('ratelimit-policy'), '"default";q=3;w=600')
      t.equal(headers.get('ratelimit'), `"default";r=0;t=${seconds}`)
    })

    t.test('a stream is refused in the same way, before it is one', async t => {
      const { status, headers } = await app.ask({ ...question, stream: true })
      t.equal(status, 429)
      t.match(headers.get('content-type'), /^application\/problem\+json/)
    })

    t.test('probes and figures are for the operator: never limited', async t => {
      for (const path of ['/livez', '/readyz', '/startupz', '/metrics']) {
        for (let i = 0; i < 5; i++) t.equal((await app.send('GET', path)).status, 200, path)
      }
    })

    t.test('guesses of the admin key are counted as well', async t => {
      t.equal((await app.send('GET', '/collections', undefined, { authorization: 'Bearer a-guess' })).status, 429)
    })
  })
}

t.test(
  'behind a proxy: each client has its own count when TRUST_PROXY is on, none can invent one when it is off',
  async t => {
    for (const [trusted, last] of [
      ['on', 404],
      ['off', 429],
    ] as const) {
      const app = await start(t, anyWorld, { ...limit, TRUST_PROXY: trusted })
      await statusesOf(app, 3)
      t.equal((await app.ask(question, { 'x-forwarded-for': '203.0.113.9' })).status, last, `TRUST_PROXY=${trusted}`)
    }
  },
)

t.test('what is left: every reply says it, whatever its status', async t => {
  const app = await edgeApp({}, { rateLimit: { max: 4, keyMax: 0, seconds: 600 } })
  const left = []
  for (const url of ['/docs', '/docs', '/collections', '/docs', '/docs']) {
    const { headers } = await app.inject(url)
    t.notOk(
      Object.keys(headers).some(name => name.startsWith('x-ratelimit')),
      'in one form only',
    )
    left.push(String(headers['ratelimit']).replace(/;t=\d+$/, ''))
  }
  t.same(
    left,
    [3, 2, 1, 0, 0].map(count => `"default";r=${count}`),
  )
})

t.test('an IPv6 client is its /64: more addresses are no more requests', async t => {
  const app = await edgeApp({}, { rateLimit: { max: 2, keyMax: 0, seconds: 600 } })
  const statusOf = async (remoteAddress: string) =>
    (await app.inject({ method: 'POST', url: '/search', payload: {}, remoteAddress })).statusCode
  const addresses = ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8::1', '2001:db8:0:1::1']
  const statuses = []
  for (const address of addresses) statuses.push(await statusOf(address))
  t.same(
    statuses.map(status => status === 429),
    [false, false, true, true, false],
  )
})

t.test('two servers and one Redis', { skip: skipReason('postgres') || redisSkipReason() }, async t => {
  const redis = await startRedis(t)
  const { url } = await createDatabase(t)
  const startOne = async () => {
    const app = await start(t, 'postgres', { ...limit, DATABASE_URL: url, REDIS_URL: redis.url, ...patience })
    await until('it has its Redis', async () => (await app.send('GET', '/readyz')).json.components.redis === 'ready')
    return app
  }
  const [one, two] = [await startOne(), await startOne()]

  t.test('what a client asks of one counts at the other', async t => {
    t.same(await statusesOf(one, 2), [404, 404])
    t.same(await statusesOf(two, 2), [404, 429])
    t.same(await statusesOf(one, 1), [429])
  })

  t.test('Redis goes: each counts on alone; it comes back: they count together again', async t => {
    await redis.kill()
    t.same(await statusesOf(one, 1), [429], 'one saw three itself')
    t.same(await statusesOf(two, 2), [404, 429], 'two saw two')
    await redis.start()
    for (const app of [one, two])
      await until('it is used again', async () => (await app.send('GET', '/readyz')).json.components.redis === 'ready')
    t.same(await statusesOf(one, 2), [404, 404])
    t.same(await statusesOf(two, 2), [404, 429])
  })

  t.test('frozen: the limit holds', async t => {
    redis.freeze()
    t.teardown(() => redis.thaw())
    t.same(await statusesOf(one, 3), [429, 429, 429])
    const asked = new Set<number>()
    await until('that is known', async () => {
      for (const status of await statusesOf(one, 1)) asked.add(status)
      // Deaf, or connected to again and again.
      return (await one.send('GET', '/readyz')).json.components.redis !== 'ready'
    })
    t.same([...asked], [429], 'who waits for a reply is limited as well')
    t.same(await statusesOf(one, 3), [429, 429, 429])
  })

  t.test('full: the limit holds', async t => {
    await until('it is used again', async () => (await one.send('GET', '/readyz')).json.components.redis === 'ready')
    await told(redis, client => client.flushall().then(() => client.config('SET', 'maxmemory', '1')))
    t.same(await statusesOf(one, 3), [429, 429, 429])
  })
})

t.test('a Redis that replies with something else: each counts alone', { skip: redisSkipReason() }, async t => {
  const redis = await startRedis(t)
  const url = await startLiar(t, redis.port, replies => replies.replace(/\*2\r\n:\d+\r\n:\d+\r\n/g, '+OK\r\n'))
  const app = await start(t, anyWorld, { ...limit, REDIS_URL: url, ...patience })
  await until('it has its Redis', async () => (await app.send('GET', '/readyz')).json.components.redis === 'ready')
  t.same(await statusesOf(app, 4), [404, 404, 404, 429])
})

t.test('what comes at the same moment is counted one by one', { skip: redisSkipReason() }, async t => {
  const redis = await startRedis(t)
  const app = await start(t, anyWorld, {
    RATE_LIMIT: '40',
    RATE_LIMIT_SECONDS: '600',
    REDIS_URL: redis.url,
    ...patience,
  })
  await until('it has its Redis', async () => (await app.send('GET', '/readyz')).json.components.redis === 'ready')
  const replies = await Promise.all(Array.from({ length: 41 }, () => app.ask(question)))
  const left = replies
    .map(({ headers }) => Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]))
    .sort((a, b) => b - a)
  t.same(left, [...Array.from({ length: 40 }, (_, i) => 39 - i), 0])
  t.equal(replies.filter(({ status }) => status === 429).length, 1)
  t.same(await told(redis, async client => await client.mget(await client.keys(keysLike('rate:*')))), ['41'])
})

t.test('a Redis Cluster counts for all', { skip: redisSkipReason() }, async t => {
  const { url, nodes } = await startRedisCluster(t)
  const app = await start(t, anyWorld, { ...limit, REDIS_URL: url, ...patience })
  await until('it has its Redis', async () => (await app.send('GET', '/readyz')).json.components.redis === 'ready')
  t.same(await statusesOf(app, 4), [404, 404, 404, 429])
  const counts = await Promise.all(nodes.map(node => told(node, client => client.keys(keysLike('rate:*')))))
  t.match(counts.flat(), [/^askwell:[\w-]{16}:rate:127\.0\.0\.1$/])
})

t.test('Redis was never there: each counts alone, and nothing fails', async t => {
  const app = await start(t, anyWorld, { ...limit, REDIS_URL: 'redis://127.0.0.1:1' })
  t.same(await statusesOf(app, 4), [404, 404, 404, 429])
})
