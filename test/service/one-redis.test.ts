import tap, { type Test } from 'tap'
import { adminKey, skipReason, startApp, eitherWorld, type App } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { administer } from '../support/postgres.ts'
import { dumpOf, restoreDump } from '../support/dump.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { keysLike } from '../support/redis-keys.ts'
import { redisSkipReason, startRedis, told, type Redis } from '../support/redis.ts'
import { until } from '../support/until.ts'

/** Several deployments on one Redis: none has another's answers, counts another's requests, or clears another's keys. */

const question = 'How many days does the library lend books?'
const asAdmin = { authorization: `Bearer ${adminKey}` }

/** One for all, because answers of two models are not shared. */
const model = startModel(tap)

/** Without a memory of its own, all that it knows is in Redis. */
async function startOn(
  t: Test,
  redisUrl: string,
  settings: Record<string, string> = {},
  world: 'embedded' | 'postgres' = 'postgres',
): Promise<App> {
  const app = await startApp(t, world, {
    ...settingsFor(await model, 'test-embedding'),
    CHAT_MODEL: 'none',
    REDIS_URL: redisUrl,
    REDIS_TIMEOUT_MS: '5000',
    SEMANTIC_CACHE: 'off',
    ANSWER_CACHE_MB: '0',
    ...settings,
  })
  await until('Redis is used', () => app.deps.redis?.isUsable())
  return app
}

async function lend(app: App, days: number): Promise<void> {
  const text = `# Lending\n\nThe library lends books for ${days} days. A book can be renewed twice.`
  const { status, text: said } = await app.send(
    'PUT',
    '/documents',
    { collection: 'default', documents: [{ source: 'library', title: 'Library', text }] },
    asAdmin,
  )
  if (status !== 200) throw new Error(said)
}

/** `28 (miss)` */
async function asked(app: App): Promise<string> {
  const { json } = await app.ask({ question })
  return `${/for (\d+) days/.exec(json.answer)?.[1]} (${json.cache.status})`
}

const keysIn = (redis: Redis, pattern: string) => told(redis, client => client.keys(pattern))

/** Written behind the request. */
async function answersIn(redis: Redis, count: number): Promise<string[]> {
  return await until(`${count} answers are in Redis`, async () => {
    const keys = await keysIn(redis, keysLike('answer:*'))
    return keys.length === count ? keys : undefined
  })
}

for (const world of eitherWorld) {
  tap.test(
    `two databases with the same numbers, one Redis, ${world}`,
    { skip: skipReason(world) || redisSkipReason() },
    async t => {
      const redis = await startRedis(t)
      const [staging, production] = [
        await startOn(t, redis.url, {}, world),
        await startOn(t, redis.url, {}, 'postgres'),
      ]
      await lend(staging, 14)
      t.same([await asked(staging), await asked(staging)], ['14 (miss)', '14 (hit)'])
      await lend(production, 28)
      t.same(
        [await asked(production), await asked(production), await asked(staging)],
        ['28 (miss)', '28 (hit)', '14 (hit)'],
      )
      const epochs = await Promise.all([staging, production].map(app => app.deps.store.collection('default')))
      t.same(
        epochs.map(each => [each?.id, each?.epoch]),
        [
          [1, 2],
          [1, 2],
        ],
        'numbers tell them apart in nothing',
      )
      const names = new Set((await answersIn(redis, 2)).map(key => key.split(':')[1]))
      t.equal(names.size, 2)
    },
  )
}

tap.test(
  'one database, several settings of REDIS_PREFIX',
  { skip: skipReason('postgres') || redisSkipReason() },
  async t => {
    const redis = await startRedis(t)
    const blue = await startOn(t, redis.url)
    const DATABASE_URL = blue.env['DATABASE_URL'] ?? ''
    const [twin, green] = [
      await startOn(t, redis.url, { DATABASE_URL }),
      await startOn(t, redis.url, { DATABASE_URL, REDIS_PREFIX: 'team:green' }),
    ]
    await lend(blue, 14)
    t.equal(await asked(blue), '14 (miss)')
    await answersIn(redis, 1)
    t.equal(await asked(twin), '14 (hit)', 'replicas share')
    t.same([await asked(green), await asked(green)], ['14 (miss)', '14 (hit)'], 'another prefix does not')
    t.equal((await keysIn(redis, 'team:green:*:answer:*')).length, 1)
    t.equal((await keysIn(redis, keysLike('answer:*'))).length, 1)

    await t.test('stats counts the keys of its own, clear removes no others', async t => {
      const env = { DATABASE_URL, REDIS_URL: redis.url }
      const stats = (more = {}) => runCli(['cache', 'stats', '--json'], { env: { ...env, ...more } })
      await told(redis, async client => {
        await client.set('askwell:other-database:answer:{1:x}', 'x')
        await client.set('askwell:answer:{1:x}', 'of an older version')
      })
      t.match((await stats()).json, { redisKeys: { answer: { keys: 1 } } })
      t.match((await stats({ REDIS_PREFIX: 'team:green' })).json, { redisKeys: { answer: { keys: 1 } } })
      t.match((await stats({ REDIS_PREFIX: 'nobody' })).json, { redisKeys: { answer: { keys: 0 } } })
      t.match((await runCli(['cache', 'clear', '--json'], { env })).json, { redis: 'done' })
      t.equal((await keysIn(redis, keysLike('answer:*'))).length, 0)
      t.equal((await keysIn(redis, 'team:green:*:answer:*')).length, 1)
      t.same((await keysIn(redis, 'askwell:*answer:{1:x}')).sort(), [
        'askwell:answer:{1:x}',
        'askwell:other-database:answer:{1:x}',
      ])
      t.match(await runCli(['cache', 'stats'], { env: { ...env, REDIS_PREFIX: 'a*' } }), {
        code: 78,
        stderr: /REDIS_PREFIX is "a\*"; it must be 1 to 64 letters/,
      })
    })

    await t.test('DELETE /cache of one collection and of all: the same', async t => {
      t.same([await asked(blue), await asked(green)], ['14 (miss)', '14 (miss)'], 'cleared for all: the epoch grew')
      await answersIn(redis, 1)
      const theirs = (await keysIn(redis, 'team:green:*:answer:*')).length
      t.match((await blue.send('DELETE', '/cache?collection=default', undefined, asAdmin)).json, { redis_keys: 1 })
      await asked(blue)
      await answersIn(redis, 1)
      await blue.send('DELETE', '/cache', undefined, asAdmin)
      t.equal((await keysIn(redis, keysLike('[adv]*'))).length, 0)
      t.equal((await keysIn(redis, 'team:green:*:answer:*')).length, theirs)
    })
  },
)

tap.test(
  'on a Redis Cluster: each has its own, counts and clears its own',
  { skip: skipReason('postgres') || redisSkipReason() },
  async t => {
    const cluster = await startRedisCluster(t)
    const [one, other] = [await startOn(t, cluster.url), await startOn(t, cluster.url)]
    await lend(one, 14)
    await lend(other, 28)
    t.same(
      [await asked(one), await asked(other), await asked(one), await asked(other)],
      ['14 (miss)', '28 (miss)', '14 (hit)', '28 (hit)'],
    )
    const env = { DATABASE_URL: one.env['DATABASE_URL'] ?? '', REDIS_URL: cluster.url }
    t.match((await runCli(['cache', 'stats', '--json'], { env })).json, {
      redis: 'done',
      redisKeys: { answer: { keys: 1 } },
    })
    t.match((await runCli(['cache', 'clear', '--json'], { env })).json, { redis: 'done' })
    const left = (await Promise.all(cluster.nodes.map(node => keysIn(node, keysLike('answer:*'))))).flat()
    t.ok(left.length === 1 && left.every(key => key.startsWith(String(other.deps.redis?.keyPrefix))), String(left))
    t.same([await asked(one), await asked(other)], ['14 (miss)', '28 (hit)'])
  },
)

tap.test(
  'staging restored from production: no answer of the other, before and after the two differ',
  { skip: skipReason('postgres') || redisSkipReason() },
  async t => {
    const redis = await startRedis(t)
    const production = await startOn(t, redis.url)
    await lend(production, 28)
    t.equal(await asked(production), '28 (miss)')
    const staging = await startOn(t, redis.url, {
      DATABASE_URL: await restoreDump(t, dumpOf(production.env['DATABASE_URL'] ?? '')),
    })
    t.same([await asked(staging), await asked(staging)], ['28 (miss)', '28 (hit)'])
    await lend(staging, 14)
    await lend(production, 30)
    const [a, b] = await Promise.all([staging, production].map(app => app.deps.store.collection('default')))
    t.same([a?.id, a?.epoch], [b?.id, b?.epoch], 'numbers tell them apart in nothing')
    t.same([await asked(staging), await asked(production)], ['14 (miss)', '30 (miss)'])
    t.same([await asked(staging), await asked(production)], ['14 (hit)', '30 (hit)'])
  },
)

tap.test(
  'a copy by `create database … template` has a name of its own too',
  { skip: skipReason('postgres') || redisSkipReason() },
  async t => {
    const redis = await startRedis(t)
    const production = await startOn(t, redis.url)
    await lend(production, 28)
    await asked(production)
    await production.stop()
    const url = new URL(production.env['DATABASE_URL'] ?? '')
    const [source, copy] = [url.pathname.slice(1), `copy_${process.pid}`]
    const admin = Object.assign(new URL(url), { pathname: '/postgres' }).href
    await administer(admin, sql => sql`create database ${sql(copy)} template ${sql(source)}`)
    t.teardown(() => administer(admin, sql => sql`drop database ${sql(copy)} with (force)`))
    const staging = await startOn(t, redis.url, {
      DATABASE_URL: Object.assign(new URL(url), { pathname: `/${copy}` }).href,
    })
    t.equal(await asked(staging), '28 (miss)')
  },
)

tap.test('requests are counted for each by itself', { skip: skipReason('postgres') || redisSkipReason() }, async t => {
  const redis = await startRedis(t)
  const limit = { RATE_LIMIT: '3', RATE_LIMIT_SECONDS: '3600', REDIS_TIMEOUT_MS: '3000' }
  const one = await startOn(t, redis.url, limit)
  const DATABASE_URL = one.env['DATABASE_URL'] ?? ''
  const [twin, other, prefixed] = [
    await startOn(t, redis.url, { ...limit, DATABASE_URL }),
    await startOn(t, redis.url, limit),
    await startOn(t, redis.url, { ...limit, DATABASE_URL, REDIS_PREFIX: 'other' }),
  ]
  const statuses = async (app: App, count: number) => {
    const found: number[] = []
    for (let i = 0; i < count; i++) found.push((await app.ask({ question, collection: 'nowhere' })).status)
    return found
  }
  t.same(await statuses(one, 4), [404, 404, 404, 429])
  t.same(await statuses(twin, 1), [429], 'a replica counts along')
  t.same(await statuses(other, 4), [404, 404, 404, 429])
  t.same(await statuses(prefixed, 4), [404, 404, 404, 429])
})
