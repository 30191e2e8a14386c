import type { Redis as Client } from 'ioredis'
import t, { type Test } from 'tap'
import { anyWorld, type App } from '../support/app.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { redisSkipReason, startRedis, told, type Redis } from '../support/redis.ts'
import { keysLike } from '../support/redis-keys.ts'
import { startLiar } from '../support/redis-liar.ts'
import { sseEvents } from '../support/sse.ts'
import { until } from '../support/until.ts'

/** What lies in Redis may be damaged, and Redis may be away: a question is answered all the same. */

const rent = 'How much does a place in the dormitory cost?'
let nth = 0
/** One that nobody has asked yet. */
const another = () => `${rent} (${++nth})`

/** Answers, drafts and vectors are in Redis only, so that what lies there is looked at every time. */
const withoutMemory = { ANSWER_CACHE_MB: '0', EMBEDDING_CACHE_MB: '0', REDIS_TIMEOUT_MS: '10000' }

async function setUp(t: Test, settings: Record<string, string> = {}) {
  const [model, redis] = await Promise.all([startModel(t), startRedis(t)])
  const app = await startHandbookApp(t, anyWorld, {
    ...settingsFor(model, 'test-embedding'),
    SEMANTIC_CACHE: 'off',
    // The questions have numbers that no document has.
    ABSTAIN_BELOW: '0',
    REDIS_URL: redis.url,
    // On a busy machine a reply may take longer than the usual 50 ms.
    REDIS_TIMEOUT_MS: '500',
    ...settings,
  })
  await until('it has its Redis', async () => (await stateOf(app)) === 'ready')
  return { app, model, redis }
}

const stateOf = async (app: App) => (await app.send('GET', '/readyz')).json.components.redis as string

async function countOf(app: App, reason: string): Promise<number> {
  const { text } = await app.send('GET', '/metrics')
  return Number(new RegExp(`^askwell_redis_failures_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

const damagedOf = async (app: App) => (await countOf(app, 'corrupt')) + (await countOf(app, 'wrong_type'))

/** The one key of this kind that there is. */
async function keyOf(redis: Redis, kind: string): Promise<string> {
  return await until(
    `there is a ${kind}`,
    async () => (await told(redis, client => client.keys(keysLike(`${kind}:*`))))[0],
  )
}

const isFound = (app: App, question: string) =>
  until('it is found in Redis again', async () => {
    const { json } = await app.ask({ question })
    return json.cache.status === 'hit' && json.cache.tier === 'redis' && json.degraded.length === 0
  })

type Damage = (client: Client, key: string) => Promise<unknown>
const inPlace =
  (change: (bytes: Buffer) => Buffer): Damage =>
  async (client, key) =>
    await client.set(key, change((await client.getBuffer(key))!))

const damages: Readonly<Record<string, Damage>> = {
  'of another kind': async (client, key) => {
    await client.del(key)
    await client.lpush(key, 'a list')
  },
  empty: inPlace(() => Buffer.alloc(0)),
  'of another version': inPlace(bytes => Buffer.concat([Buffer.from('2'), bytes.subarray(1)])),
  'cut in half': inPlace(bytes => bytes.subarray(0, bytes.length / 2)),
  'overwritten from its middle on': inPlace(bytes =>
    Buffer.concat([bytes.subarray(0, 14), Buffer.alloc(bytes.length, 0xee)]),
  ),
  'text of somebody else': inPlace(() => Buffer.from('hello')),
}

t.test('damaged entries', { skip: redisSkipReason() }, async t => {
  const { app, model, redis } = await setUp(t, withoutMemory)
  t.beforeEach(() => told(redis, client => client.flushall()))

  for (const [damage, spoil] of Object.entries(damages)) {
    t.test(`an answer that is ${damage}: made anew, removed, counted, and found again`, async t => {
      const question = another()
      const { json: good } = await app.ask({ question })
      await isFound(app, question)
      const key = await keyOf(redis, 'answer')
      await told(redis, client => client.del(...['lease', 'fence'].map(kind => key.replace('answer', kind))))
      await told(redis, client => spoil(client, key))
      const counted = await damagedOf(app)
      const { status, json } = await app.ask({ question })
      t.match({ status, json }, { status: 200, json: { answer: good.answer, citations: good.citations } })
      t.ok(json.cache.status === 'miss' || json.cache.revalidated, 'it was no hit')
      t.ok((await damagedOf(app)) > counted)
      await isFound(app, question)
    })

    t.test(`words of the model that are ${damage}: written anew, and found again`, async t => {
      const question = another()
      const { json: good } = await app.ask({ question })
      const draft = await keyOf(redis, 'draft')
      const forgetAnswer = async () => told(redis, async client => client.del(await keyOf(redis, 'answer')))
      await forgetAnswer()
      await told(redis, client => spoil(client, draft))
      const counted = await damagedOf(app)
      const calls = model.chat.requests.length
      t.match((await app.ask({ question })).json, { answer: good.answer, cache: { status: 'miss' } })
      t.equal(model.chat.requests.length, calls + 1)
      t.ok((await damagedOf(app)) > counted)
      await until('they are found again', async () => {
        await forgetAnswer()
        return (await app.ask({ question })).json.cache.revalidated
      })
    })

    t.test(`the vector of a question that is ${damage}: made anew, and found again`, async t => {
      const question = another()
      await app.ask({ question }, { 'cache-control': 'no-store' })
      const vector = await keyOf(redis, 'vector')
      await told(redis, client => spoil(client, vector))
      const calls = model.embeddings.requests.length
      const { json } = await app.ask({ question }, { 'cache-control': 'no-store' })
      t.match(json.answer, /12,000/)
      t.same(json.degraded, [])
      t.equal(model.embeddings.requests.length, calls + 1)
      await until('it is found again', async () => {
        const before = model.embeddings.requests.length
        await app.ask({ question }, { 'cache-control': 'no-store' })
        return model.embeddings.requests.length === before
      })
    })
  }

  for (const kind of ['lease', 'fence']) {
    t.test(`a ${kind} of another kind is removed and stands in nobody's way`, async () => {
      const question = another()
      await app.ask({ question })
      const answer = await keyOf(redis, 'answer')
      await told(redis, async client => {
        await client.del(answer, answer.replace('answer', kind))
        await client.lpush(answer.replace('answer', kind), 'a list')
      })
      await isFound(app, question)
    })
  }
})

t.test('Redis is away', { skip: redisSkipReason() }, async t => {
  const { app, redis } = await setUp(t)
  const known = another()
  await app.ask({ question: known })
  const full = (bytes: string) => told(redis, client => client.config('SET', 'maxmemory', bytes))
  const faults = [
    ['frozen', async () => redis.freeze(), async () => redis.thaw()],
    ['killed', () => redis.kill(), () => redis.start()],
    ['full', () => full('1'), () => full('0')],
  ] as const
  for (const [fault, breakIt, mendIt] of faults) {
    t.test(
      `${fault}: what is in memory is given, what is new is answered and says so, and all is well when it is back`,
      async t => {
        await breakIt()
        const cached = await app.ask({ question: known })
        t.match(cached, { status: 200, json: { cache: { status: 'hit', tier: 'memory' } } })
        t.same(cached.json.degraded, [])
        const question = another()
        t.match(await app.ask({ question }), {
          status: 200,
          json: { answer: /12,000/, generator: 'llm', degraded: ['cache'], cache: { status: 'miss' } },
        })
        const { json } = await app.ask({ question })
        t.match(json, { cache: { status: 'hit', tier: 'memory' } }, 'kept here')
        t.same(json.degraded, [])
        const streamed = sseEvents((await app.ask({ question: another(), stream: true })).text)
        t.match(streamed.at(-1), { event: 'done', data: { degraded: ['cache'] } })
        const together = await Promise.all(Array.from({ length: 20 }, () => app.ask({ question: another() })))
        t.same([...new Set(together.map(({ status }) => status))], [200])
        t.match(await app.ask({ question }, { 'cache-control': 'only-if-cached, max-age=0' }), {
          status: 504,
          json: { code: 'not_cached' },
        })
        await mendIt()
        await until('it is used again', async () => (await app.ask({ question: another() })).json.degraded.length === 0)
      },
    )
  }
})

t.test('Redis comes back empty: what was there is made anew, and found again', { skip: redisSkipReason() }, async t => {
  const { app, redis } = await setUp(t, { ...withoutMemory, CHAT_MODEL: 'none' })
  await app.ask({ question: rent })
  await isFound(app, rent)
  await redis.kill()
  t.match((await app.ask({ question: rent })).json, {
    answer: /12,000/,
    degraded: ['cache'],
    cache: { status: 'miss' },
  })
  await redis.start()
  await until('it is used again', async () => (await stateOf(app)) === 'ready')
  t.match((await app.ask({ question: rent })).json, { answer: /12,000/, cache: { status: 'miss' } })
  await isFound(app, rent)
})

t.test(
  'a Redis that replies to the asking for a run with a word that nobody knows: the question is answered',
  { skip: redisSkipReason() },
  async t => {
    const redis = await startRedis(t)
    const url = await startLiar(t, redis.port, replies => replies.replaceAll('$5\r\nyours\r\n', '$5\r\nstray\r\n'))
    const { app } = await setUp(t, { REDIS_URL: url })
    t.match(await app.ask({ question: rent }), { status: 200, json: { abstained: false } })
  },
)
