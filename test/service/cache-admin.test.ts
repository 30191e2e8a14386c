import tap, { type Test } from 'tap'
import { countKeys, keyPrefixOf, removeKeys } from '../../src/adapters/redis/cache-keys.ts'
import { openRedis } from '../../src/adapters/redis/redis.ts'
import {
  adminKey,
  anyWorld,
  databaseSettings,
  skipReason,
  startApp,
  eitherWorld,
  type App,
  type Reply,
} from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { inDatabase } from '../support/contents.ts'
import { assertContract } from '../support/contract.ts'
import { loadHandbook } from '../support/corpus.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { redisSkipReason, startRedis, told, type Redis } from '../support/redis.ts'
import { keysLike } from '../support/redis-keys.ts'
import { until } from '../support/until.ts'

/** The caches in the hands of those who run the service: over HTTP and from the command line. */

const rent = 'How much does a place in the dormitory cost?'
const books = 'How long does the library lend books?'
const asAdmin = { authorization: `Bearer ${adminKey}` }

const statusOf = async (app: App, body: object) => (await app.ask(body)).json.cache.status as string

async function sent(
  t: Test,
  app: App,
  { method, path }: { readonly method: string; readonly path: string },
  headers: Record<string, string> = asAdmin,
): Promise<Reply> {
  const reply = await app.send(method, path, undefined, headers)
  assertContract(t, { method, path, status: reply.status, headers: reply.headers, body: reply.text })
  return reply
}

const keysIn = async (redis: Redis, pattern: string) => (await told(redis, client => client.keys(pattern))).length

tap.test('GET tells the similarity that is set', async t => {
  for (const [SEMANTIC_CACHE, near] of [
    ['0.95', { mode: 'fixed', threshold: 0.95 }],
    ['off', { mode: 'off', threshold: null }],
  ] as const) {
    const app = await startApp(t, anyWorld, { SEMANTIC_CACHE, EMBEDDING_MODEL: 'local' })
    t.match((await sent(t, app, { method: 'GET', path: '/cache' })).json, { near })
  }
})

for (const world of eitherWorld) {
  tap.test(`DELETE and GET /cache, ${world}`, { skip: skipReason(world) || redisSkipReason() }, async t => {
    const redis = await startRedis(t)
    const model = await startModel(t)
    const app = await startHandbookApp(t, world, {
      ...settingsFor(model, 'test-embedding'),
      REDIS_URL: redis.url,
      REDIS_TIMEOUT_MS: '1000',
    })
    await loadHandbook(app, 'second')
    await until('Redis is used', () => app.deps.redis?.isUsable())
    const askBoth = async () => {
      await app.ask({ question: rent })
      await app.ask({ question: rent, collection: 'second' })
      await until('both answers are in Redis', async () => (await keysIn(redis, keysLike('answer:*'))) >= 2)
    }

    await t.test('of one collection: its answers are made anew, by the model as well; the others stay', async t => {
      await askBoth()
      t.same(
        [await statusOf(app, { question: rent }), await statusOf(app, { question: rent, collection: 'second' })],
        ['hit', 'hit'],
      )
      const { status, json } = await sent(t, app, { method: 'DELETE', path: '/cache?collection=second' })
      t.match({ status, json }, { status: 200, json: { collection: 'second', redis_keys: 1 } })
      t.equal(await keysIn(redis, keysLike('answer:*')), 1)
      const before = model.chat.requests.length
      t.equal(await statusOf(app, { question: rent, collection: 'second' }), 'miss')
      t.equal(model.chat.requests.length, before + 1, 'not the words that the model wrote before')
      t.equal(await statusOf(app, { question: rent }), 'hit')
    })

    await t.test('of all: nothing is left, here or in Redis, but who made what and how often who asked', async t => {
      await askBoth()
      await told(redis, client => client.set(`${app.deps.redis?.keyPrefix}rate:a client`, 1))
      await told(redis, client => client.set('somebody:else', 1))
      const removed = await keysIn(redis, keysLike('[adv]*'))
      t.ok(removed >= 4, `${removed} keys: answers, drafts, a vector`)
      t.same((await sent(t, app, { method: 'DELETE', path: '/cache' })).json, { collection: null, redis_keys: removed })
      t.equal(await keysIn(redis, keysLike('[adv]*')), 0)
      t.same([await keysIn(redis, keysLike('rate:*')), await keysIn(redis, 'somebody:*')], [1, 1])
      const { memory } = (await sent(t, app, { method: 'GET', path: '/cache' })).json
      t.match(memory, { answer: { entries: 0, bytes: 0 }, draft: { entries: 0 }, embedding: { entries: 0 } })
      t.equal(await statusOf(app, { question: rent }), 'miss')
      const { cache } = (await app.ask({ question: rent, collection: 'second' })).json
      t.match(
        cache,
        { status: 'hit', age: Number, revalidated: true },
        'the same passages: by the words that were written since',
      )
    })

    await t.test('GET tells what there is and what was counted', async t => {
      const before = (await sent(t, app, { method: 'GET', path: '/cache' })).json
      await app.ask({ question: books })
      await app.ask({ question: books })
      const { memory, answers, redis: state, near } = (await sent(t, app, { method: 'GET', path: '/cache' })).json
      t.equal(memory.answer.entries, before.memory.answer.entries + 1)
      t.ok(memory.answer.bytes > before.memory.answer.bytes && memory.answer.bytes < memory.answer.max_bytes)
      t.equal(memory.answer.hits.memory, before.memory.answer.hits.memory + 1)
      t.equal(memory.answer.misses, before.memory.answer.misses + 1)
      t.equal(answers.saved.llm_calls, before.answers.saved.llm_calls + 1)
      t.match({ state, near }, { state: 'ready', near: { mode: 'learn', threshold: null, observations: Number } })
    })

    await t.test(
      'refused: without the key, an unknown collection, another parameter, a name that is none; nothing is cleared',
      async t => {
        await app.ask({ question: books })
        const refused: [string, string, Record<string, string>, number, string][] = [
          ['DELETE', '/cache', {}, 401, 'unauthorized'],
          ['GET', '/cache', { authorization: 'Bearer wrong' }, 401, 'unauthorized'],
          ['DELETE', '/cache?collection=nowhere', asAdmin, 404, 'unknown_collection'],
          ['DELETE', '/cache?colection=default', asAdmin, 400, 'invalid_request'],
          ['DELETE', '/cache?collection=default&all=1', asAdmin, 400, 'invalid_request'],
          ['DELETE', '/cache?collection=', asAdmin, 400, 'invalid_request'],
          ['DELETE', '/cache?collection=Not+good', asAdmin, 400, 'invalid_request'],
          ['DELETE', '/cache?collection=a&collection=b', asAdmin, 400, 'invalid_request'],
          ['GET', '/cache?x', asAdmin, 400, 'invalid_request'],
        ]
        for (const [method, path, headers, status, code] of refused) {
          const reply = await sent(t, app, { method, path }, headers)
          t.match({ status: reply.status, code: reply.json.code }, { status, code }, `${method} ${path}`)
        }
        t.match(
          (await sent(t, app, { method: 'DELETE', path: '/cache?colection=default' })).json.detail,
          'In the URL, "colection" is not a known parameter.',
        )
        t.equal(await statusOf(app, { question: books }), 'hit')
      },
    )

    await t.test('Redis frozen: cleared all the same, and told that Redis was not', async t => {
      await app.ask({ question: books })
      redis.freeze()
      await until('Redis is given up', () => app.deps.redis?.isUsable() === false)
      t.same((await sent(t, app, { method: 'DELETE', path: '/cache' })).json, { collection: null, redis_keys: null })
      t.equal((await sent(t, app, { method: 'GET', path: '/cache' })).json.redis === 'ready', false)
      t.equal(await statusOf(app, { question: books }), 'miss')
      redis.thaw()
      await until('Redis is used again', () => app.deps.redis?.isUsable())
      t.equal(await statusOf(app, { question: rent }), 'miss', 'what Redis kept through it is not given')
    })
  })
}

tap.test('askwell cache beside a running service', { skip: skipReason('postgres') || redisSkipReason() }, async t => {
  const redis = await startRedis(t)
  const app = await startApp(t, 'postgres', {
    REDIS_URL: redis.url,
    REDIS_TIMEOUT_MS: '1000',
    RATE_LIMIT: '1000',
    RATE_LIMIT_SECONDS: '3600',
  })
  const env = { DATABASE_URL: app.env['DATABASE_URL'] ?? '', REDIS_URL: redis.url }
  const cache = (...args: string[]) => runCli(['cache', ...args], { env })
  await loadHandbook(app)
  await loadHandbook(app, 'second')
  await until('Redis is used', () => app.deps.redis?.isUsable())

  await t.test('stats: epochs, settings, questions, keys and memory by kind', async t => {
    await app.ask({ question: rent })
    await until('the answer is in Redis', async () => (await keysIn(redis, keysLike('answer:*'))) === 1)
    const { code, json } = await cache('stats', '--json')
    t.equal(code, 0)
    t.match(json.collections, [
      { name: 'default', epoch: 2, settings: { seconds: null }, nearQuestions: Number },
      { name: 'second' },
    ])
    t.same(json.observations, [])
    t.match(json, {
      redis: 'done',
      redisKeys: { answer: { keys: 1, sampled: null }, rate: { keys: 1 } },
    })
    t.ok(json.redisKeys.answer.bytes > 1000, `${json.redisKeys.answer.bytes} bytes`)
    t.match(
      (await cache('stats')).stdout,
      /^default: epoch 2, service settings, \d questions in the semantic cache\nsecond: .*Redis:\n  answer +1 keys  0\.\d\d MB\n/s,
    )
  })

  await t.test('clear -c: the service gives none of its answers from the moment it is done', async t => {
    await app.ask({ question: rent, collection: 'second' })
    t.match(await cache('clear', '-c', 'default', '--json'), {
      code: 0,
      json: { collection: 'default', redisKeys: 1, redis: 'done' },
    })
    t.same(
      [await statusOf(app, { question: rent }), await statusOf(app, { question: rent, collection: 'second' })],
      ['miss', 'hit'],
    )
  })

  await t.test('clear: of all collections', async t => {
    const { code, stdout } = await cache('clear')
    t.equal(code, 0)
    t.match(stdout, /^cached answers of all collections deleted; \d+ keys removed from Redis\n$/)
    t.equal(await keysIn(redis, keysLike('[adv]*')), 0)
    t.same(
      [await statusOf(app, { question: rent }), await statusOf(app, { question: rent, collection: 'second' })],
      ['miss', 'miss'],
    )
  })

  await t.test('settings: shown, written, held by answers that were kept before, and reset', async t => {
    await app.ask({ question: rent })
    t.match(await cache('settings', '-c', 'default'), { code: 0, stdout: 'default: service settings\n' })
    t.equal(await statusOf(app, { question: rent }), 'hit', 'to look changes nothing')
    const written = await cache('settings', '--seconds', '0', '--near', 'off')
    t.match(written, {
      code: 0,
      stdout: 'default: answers never cached, semantic cache off, otherwise service settings; cached answers deleted\n',
    })
    t.same([await statusOf(app, { question: rent }), await statusOf(app, { question: rent })], ['miss', 'miss'])
    t.same(
      [await statusOf(app, { question: rent, mode: 'fast' }), await statusOf(app, { question: rent, mode: 'fast' })],
      ['miss', 'hit'],
    )
    const reset = await cache('settings', '--reset', '--fast-seconds', '60', '--json')
    t.match(reset.json, {
      collection: 'default',
      isChanged: true,
      settings: { seconds: null, fastSeconds: 60, near: null },
    })
    t.same([await statusOf(app, { question: rent }), await statusOf(app, { question: rent })], ['miss', 'hit'])
  })

  await t.test('a collection that is not there, a time that is none: nothing is done', async t => {
    const unknown = [
      ['clear', '-c', 'nowhere'],
      ['settings', '-c', 'nowhere'],
      ['settings', '-c', 'nowhere', '--seconds', '5'],
    ]
    for (const found of await Promise.all(unknown.map(args => cache(...args)))) {
      t.match(found, { code: 1, stdout: '', stderr: /There is no collection "nowhere"/ })
    }
    const wrong = [
      ['settings', '--seconds', '1.5'],
      ['settings', '--fast-seconds', '86401'],
      ['settings', '--near', 'maybe'],
    ]
    for (const found of await Promise.all(wrong.map(args => cache(...args))))
      t.match(found, { code: 2, stdout: '', stderr: /is invalid/ })
    t.equal(await statusOf(app, { question: rent }), 'hit')
  })

  await t.test('Redis away: the rest is done and says so', async t => {
    const away = { ...env, REDIS_URL: 'redis://127.0.0.1:1' }
    const cleared = await runCli(['cache', 'clear'], { env: away })
    t.match(cleared, { code: 0, stdout: /answers of all collections deleted; Redis was unreachable or did not finish/ })
    t.equal(await statusOf(app, { question: rent }), 'miss')
    t.match(await runCli(['cache', 'stats', '--json'], { env: away }), {
      code: 0,
      json: { redis: 'away', redisKeys: null },
    })
    const { REDIS_URL: _, ...without } = env
    t.match(await runCli(['cache', 'clear', '--json'], { env: without }), {
      code: 0,
      json: { redis: 'off', redisKeys: null },
    })
  })
})

tap.test(
  'cached questions go with the answers, what was learned of them stays',
  { skip: skipReason('postgres') },
  async t => {
    const env = await databaseSettings(t, 'postgres')
    const counts = () =>
      inDatabase(env, async sql => {
        const [row] =
          await sql`select (select count(*)::int from cached_questions) as questions, (select count(*)::int from near_observations) as observations`
        return [row?.['questions'], row?.['observations']]
      })
    await inDatabase(env, async sql => {
      await sql`insert into collections (name) values ('a'), ('b')`
      await sql`
      insert into cached_questions (partition, gist, key, collection_id, model, question, embedding, expires_at)
      select '1', '1', name, id, 'm', 'x', '[1]', now() + interval '1 hour' from collections`
      await sql`insert into near_observations (model, similarity, is_right) values ('m', 1, true), ('m', .9, false)`
    })
    const stats = await runCli(['cache', 'stats', '--json'], { env })
    t.match(stats.json, {
      collections: [
        { name: 'a', nearQuestions: 1 },
        { name: 'b', nearQuestions: 1 },
      ],
      observations: [{ model: 'm', count: 2, right: 1 }],
    })
    await runCli(['cache', 'clear', '-c', 'a'], { env })
    t.same(await counts(), [1, 2])
    await runCli(['cache', 'clear'], { env })
    t.same(await counts(), [0, 2])
  },
)

tap.test('keys of a Cluster: found and removed on every node', { skip: redisSkipReason() }, async t => {
  const cluster = await startRedisCluster(t)
  const keyPrefix = keyPrefixOf('askwell', 'a-database')
  const redis = openRedis(cluster.url, {
    keyPrefix,
    timeoutMs: 1000,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
  t.teardown(redis.close)
  await until('it is usable', redis.isUsable)
  for (let n = 0; n < 1000; n++) await redis.client.set(`${keyPrefix}answer:{7:${n}}`, 'x'.repeat(100))
  for (let n = 0; n < 50; n++) await redis.client.set(`${keyPrefix}answer:{77:${n}}`, 'x')
  const held = await Promise.all(cluster.nodes.map(node => told(node, client => client.dbsize())))
  t.ok(
    held.every(count => count > 200),
    `each node has a part: ${held.join()}`,
  )

  const figures = await countKeys(redis, 10_000)
  t.match(figures, { answer: { keys: 1050, sampled: 200 }, draft: { keys: 0, bytes: 0, sampled: null } })
  t.equal(await removeKeys(redis, ['answer:{7:*'], 10_000), 1000)
  t.equal((await countKeys(redis, 10_000))?.answer.keys, 50, 'those of collection 77 are still there')
  t.equal(await removeKeys(redis, ['answer:*'], 0), null, 'no time: not done, and said so')
})
