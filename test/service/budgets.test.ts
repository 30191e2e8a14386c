import { hash } from 'node:crypto'
import t, { type Test } from 'tap'
import { openRedis } from '../../src/adapters/redis/redis.ts'
import { createSharedSpending } from '../../src/adapters/redis/shared-spending.ts'
import type { Spending } from '../../src/ask/terms/usage.ts'
import { anyWorld, skipReason, startApp, type App, type Reply } from '../support/app.ts'
import { handbookSettings, startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel, type Model } from '../support/model.ts'
import { startReranker } from '../support/reranker.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { redisSkipReason, startRedis, told } from '../support/redis.ts'
import { sseEvents } from '../support/sse.ts'
import { until } from '../support/until.ts'

/** Daily budgets of the language model: what is asked after they are used up, and how they are counted. */

const grant = 'How is a grant applied for?'
const questions = [
  'How much does a place in the dormitory cost?',
  'When must guests leave the dormitory?',
  'How many days does the library lend books?',
  'What happens if a library book is lost?',
]
const fresh = { 'cache-control': 'no-cache' }
const secretOf = (name: string) => `askwell_${name}_of_many_random_letters`
const as = (name: string) => ({ authorization: `Bearer ${secretOf(name)}` })

/** A service with a real model and the handbook. */
async function startWith(t: Test, settings: Record<string, string>): Promise<{ app: App; model: Model }> {
  const model = await startModel(t)
  const app = await startHandbookApp(t, anyWorld, { ...settingsFor(model, 'test-embedding'), ...settings })
  return { app, model }
}

function tokensIn({ json }: Reply): number {
  return json.usage.prompt_tokens + json.usage.completion_tokens
}

const quoted = { generator: 'extractive', model: null, degraded: ['budget'], usage: { llm_calls: 0 } }
const written = { generator: 'llm', degraded: [] }

async function figuresOf(app: App): Promise<any> {
  return (await app.send('GET', '/monitoring/performance-metrics')).json
}

/** Moves the clock of the budgets, which read it anew each time. The caches and deadlines have their own. */
function skipDay(t: Test): void {
  const real = Date.now
  Date.now = () => real() + 86_400_000
  t.teardown(() => (Date.now = real))
}

t.test(
  'two replicas share the budget of the service',
  { skip: skipReason('postgres') || redisSkipReason() },
  async t => {
    const redis = await startRedis(t)
    const model = await startModel(t)
    const settings = {
      ...(await handbookSettings(t, 'postgres', 'test-embedding')),
      ...settingsFor(model, 'test-embedding'),
      REDIS_URL: redis.url,
      REDIS_TIMEOUT_MS: '5000',
      BUDGET_TOKENS_PER_DAY: '1000',
    }
    const apps = [await startApp(t, 'postgres', settings), await startApp(t, 'postgres', settings)] as const
    await until('both use Redis', () => apps.every(({ deps }) => deps.redis?.isUsable()))
    let used = 0

    await t.test('they answer until it is used up, then both quote, without a call', async t => {
      let last = 0
      for (let at = 0; used < 1000; at++) {
        const reply = await apps[at % 2]!.ask({ question: questions[at % questions.length] }, fresh)
        t.match(reply.json, written)
        last = tokensIn(reply)
        used += last
      }
      t.ok(used - last < 1000)
      const calls = model.chat.requests.length
      t.ok(calls > 1, 'both have answered')
      for (const app of apps) t.match((await app.ask({ question: grant })).json, quoted)
      t.equal(model.chat.requests.length, calls)
    })

    await t.test('quotes are not cached; an answer from before is served', async t => {
      const again = await apps[0].ask({ question: grant })
      t.match(again.json, { ...quoted, cache: { status: 'miss' } })
      t.match((await apps[1].ask({ question: questions[0] })).json, { ...written, cache: { status: 'hit' } })
    })

    await t.test('what is used stands in the figures, the metrics and the findings of both', async t => {
      for (const app of apps) {
        const { budgets } = await until('it has heard of the other', async () => {
          const figures = await figuresOf(app)
          return figures.budgets[0].used === used ? figures : undefined
        })
        t.match(budgets, [{ scope: 'service', name: null, unit: 'tokens', limit: 1000, resets_at: /T00:00:00\.000Z$/ }])
        const { text } = await app.send('GET', '/metrics')
        t.match(text, new RegExp(`^askwell_budget_used_ratio\\{scope="service"\\} ${used / 1000}$`, 'm'))
        t.match(text, /^askwell_budget_exceeded_total\{scope="service"\} [1-9]/m)
        t.match(text, /^askwell_degraded_total\{reason="budget"\} [1-9]/m)
        const { findings } = await figuresOf(app)
        t.match(
          findings.find(({ code }: { code: string }) => code === 'budget-used-up'),
          { culprit: 'limits', severity: 'warning', detail: new RegExp(`the service \\(${used} of 1000 tokens\\)`) },
        )
      }
    })

    await t.test('Redis is gone: what is known stays known; it is back, and empty: it has all again', async t => {
      await redis.kill()
      for (const app of apps) {
        const { json } = await app.ask({ question: grant })
        t.match([json.generator, json.degraded.includes('budget')], ['extractive', true])
      }
      await redis.start()
      const sum = async () => {
        const keys = await told(redis, client => client.keys('askwell:*:budget:*'))
        const values = await Promise.all(keys.map(key => told(redis, client => client.hvals(key))))
        return values.flat().reduce((total, value) => total + value.split(' ').reduce((a, b) => a + Number(b), 0), 0)
      }
      await until('both have reported', async () => (await sum()) === used)
    })

    await t.test('the next day', async t => {
      skipDay(t)
      t.match((await apps[1].ask({ question: grant })).json, { ...written, cache: { status: 'miss' } })
    })
  },
)

t.test(
  'many questions at once, on two replicas: what the calls in progress may use is set aside',
  { skip: skipReason('postgres') || redisSkipReason() },
  async t => {
    const redis = await startRedis(t)
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    const model = await startModel(t, { chat: { held } })
    const settings = {
      ...(await handbookSettings(t, 'postgres', 'test-embedding')),
      ...settingsFor(model, 'test-embedding'),
      REDIS_URL: redis.url,
      REDIS_TIMEOUT_MS: '5000',
      BUDGET_TOKENS_PER_DAY: '400', // less than one answer may have
    }
    const apps = [await startApp(t, 'postgres', settings), await startApp(t, 'postgres', settings)] as const
    await until('both use Redis', () => apps.every(({ deps }) => deps.redis?.isUsable()))
    let quotes = 0
    const asked = apps.flatMap(app =>
      questions.map(async question => {
        const { json } = await app.ask({ question }, fresh)
        if (json.generator === 'extractive') quotes++
        return json.generator as string
      }),
    )
    await until('all but one are quoted', () => quotes === asked.length - 1)
    release()
    t.equal((await Promise.all(asked)).filter(generator => generator === 'llm').length, 1)
    t.equal(model.chat.requests.length, 1)
  },
)

t.test('without Redis, one process counts for itself; all ways to ask quote', async t => {
  const { app, model } = await startWith(t, { BUDGET_TOKENS_PER_DAY: '1' })
  t.match((await app.ask({ question: questions[0] })).json, written)
  const calls = model.chat.requests.length

  const events = sseEvents((await app.ask({ question: questions[1], stream: true })).text)
  t.match(events.at(-1), { event: 'done', data: quoted })

  const history = [
    { role: 'user', content: 'How much does the dormitory cost?' },
    { role: 'assistant', content: '12,000 tenge a month.' },
  ]
  t.match((await app.ask({ question: 'And the guests, when are they out?', history })).json, quoted)

  const elsewhere = { question: 'What is the weather in Paris today?' }
  const abstained = { abstained: true, degraded: ['budget'], usage: { llm_calls: 0 } }
  t.match((await app.ask(elsewhere)).json, { ...abstained, cache: { status: 'miss' } })
  t.match((await app.ask(elsewhere)).json, { ...abstained, cache: { status: 'miss' } }, 'it could have been rephrased')
  t.match((await app.send('POST', '/search', elsewhere)).json, { degraded: ['budget'], usage: { llm_calls: 0 } })
  t.match((await app.ask({ ...elsewhere, mode: 'fast' })).json, { degraded: [] }, 'no call was wanted')
  t.equal(model.chat.requests.length, calls)
})

t.test('an expired answer is better than quotes', async t => {
  const { app } = await startWith(t, {
    BUDGET_TOKENS_PER_DAY: '1',
    ANSWER_CACHE_SECONDS: '1',
    FAST_ANSWER_CACHE_SECONDS: '1',
  })
  const first = await app.ask({ question: questions[0] })
  t.match(first.json, written)
  const stale = await until('it has expired', async () => {
    const { json } = await app.ask({ question: questions[0] })
    return json.cache.status === 'stale' ? json : undefined
  })
  t.match(stale, { answer: first.json.answer, generator: 'llm', degraded: ['budget'] })
})

t.test('budgets of keys and collections', async t => {
  const keys = ['few', 'many'].map(name => ({
    name,
    sha256: hash('sha256', secretOf(name), 'hex'),
    ...(name === 'few' && { budget: { tokens_per_day: 1 } }),
  }))
  const { app, model } = await startWith(t, {
    API_KEYS: JSON.stringify(keys),
    BUDGET_COLLECTIONS: 'default=cost:0.001',
    MODEL_PRICES: 'prompt=1,completion=2',
    MODEL_PRICE_CURRENCY: 'EUR',
    SEMANTIC_CACHE: 'off',
  })

  await t.test('a key that has used up its budget gets quotes, the others do not', async t => {
    t.match((await app.ask({ question: questions[0] }, as('few'))).json, written)
    t.match((await app.ask({ question: questions[1] }, as('few'))).json, quoted)
    t.match((await app.ask({ question: questions[1] }, as('many'))).json, written)
    t.match((await app.ask({ question: questions[1] }, as('few'))).json, { ...written, cache: { status: 'hit' } })
  })

  await t.test('equal questions at once: its quotes are not shared, the run of another is', async t => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    model.chat.behave({ held })
    const before = model.chat.requests.length
    const question = questions[2]
    const paying = app.ask({ question }, as('many'))
    await until('the model is asked', () => model.chat.requests.length > before)
    const joined = app.ask({ question }, as('few'))
    release()
    t.match((await paying).json, written)
    t.match((await joined).json, written)

    const embedding = Promise.withResolvers<void>()
    model.embeddings.behave({ held: embedding.promise })
    const embedded = model.embeddings.requests.length
    const own = app.ask({ question: questions[3] }, as('few'))
    await until('it is under way', () => model.embeddings.requests.length > embedded)
    const other = app.ask({ question: questions[3] }, as('many'))
    embedding.resolve()
    t.match((await own).json, quoted)
    t.match((await other).json, written)
  })

  await t.test('the collection, in money: then all get quotes', async t => {
    const { budgets } = await figuresOf(app)
    t.match(budgets, [
      { scope: 'collection', name: 'default', unit: 'EUR', limit: 0.001 },
      { scope: 'key', name: 'few', unit: 'tokens', limit: 1 },
    ])
    await until('it is used up', async () => {
      const { json } = await app.ask({ question: questions[0] }, { ...as('many'), ...fresh })
      if (json.generator === 'llm') return false
      t.match(json, quoted)
      return true
    })
    t.ok((await figuresOf(app)).budgets[0].used >= 0.001)
  })
})

t.test('embedding and reranking count in money where they have a price', async t => {
  const reranker = await startReranker(t)
  const keys = ['few', 'many'].map(name => ({
    name,
    sha256: hash('sha256', secretOf(name), 'hex'),
    // Spent by the first question; one of tokens does not count embedding.
    budget: name === 'few' ? { cost_per_day: 0.000001 } : { tokens_per_day: 1 },
  }))
  const { app, model } = await startWith(t, {
    API_KEYS: JSON.stringify(keys),
    CHAT_MODEL: 'none',
    MODEL_PRICES: 'prompt=0,completion=0,embedding=1000,rerank=0,rerank_call=2',
    BUDGET_COST_PER_DAY: '100000',
    RERANK_URL: reranker.url,
    RERANK_MODEL: 'test-rerank',
    SEMANTIC_CACHE: 'off',
  })
  const used = async () => (await figuresOf(app)).budgets.map((budget: { used: number }) => budget.used) as number[]
  const callsMade = () => [model.embeddings.requests.length, reranker.requests.length]
  const before = await used()
  t.equal(before[0], 0, 'the embedding of documents has no budget')
  t.equal(
    (await app.send('POST', '/search', { question: questions[0], mode: 'fast' }, as('few'))).json.degraded.length,
    0,
  )
  const embedded = (await used())[0]!
  t.ok(embedded > 0 && embedded < 0.1, `some tokens at 1000 per million: ${embedded}`)
  t.match((await app.ask({ question: questions[1] }, as('many'))).json, { degraded: [] })
  t.ok((await used())[0]! > embedded + 2, 'embedding, and a call of the reranker')

  const calls = callsMade()
  t.match((await app.ask({ question: questions[2] }, as('few'))).json, {
    answer: /30 days|thirty|library/,
    degraded: ['budget'],
    cache: { status: 'miss' },
  })
  t.match((await app.ask({ question: questions[2] }, as('few'))).json, { cache: { status: 'miss' } }, 'is not cached')
  t.match((await app.ask({ question: questions[1] }, as('few'))).json, { degraded: [], cache: { status: 'hit' } })
  t.same(callsMade(), calls, 'lexical search, in its own order')
  // A vector from the cache costs nothing.
  t.match((await app.ask({ question: questions[0], mode: 'fast' }, as('few'))).json, { degraded: [] })
  t.same(callsMade(), calls)
  t.match((await app.ask({ question: questions[2] }, as('many'))).json, { degraded: [] })

  reranker.behave({ status: 500 })
  const spent = (await used())[0]!
  t.match((await app.ask({ question: questions[3] }, as('many'))).json, { degraded: ['rerank'] })
  t.ok((await used())[0]! < spent + 2, 'a call that failed costs nothing')
})

t.test('a stream that breaks off is paid for, and a model that is down is not', async t => {
  const { app, model } = await startWith(t, { BUDGET_TOKENS_PER_DAY: '100000', ANSWER_CACHE_SECONDS: '0' })
  const used = async () => (await figuresOf(app)).budgets[0].used as number
  model.chat.behave({ status: 500 })
  t.match((await app.ask({ question: questions[0] })).json, { degraded: ['generation'] })
  t.equal(await used(), 0)
  model.chat.behave({ answer: 'A place costs 12,000 tenge a month [1].', cutAfterTokens: 3 })
  t.equal(sseEvents((await app.ask({ question: questions[0], stream: true })).text).at(-1)?.event, 'error')
  t.ok((await used()) > 100, 'the prompt, and three words')
})

const day = '2026-11-29'
const of = (promptTokens: number, completionTokens: number, otherCost = 0): Spending => ({
  promptTokens,
  completionTokens,
  otherCost,
})
const mapOf = (service: Spending, web: Spending) =>
  new Map([
    ['service', service],
    ['key:web', web],
  ])

/** As a process of its own. */
async function openSpending(t: Test, url: string) {
  const quiet = () => {}
  const server = openRedis(url, {
    keyPrefix: 'p:',
    timeoutMs: 5000,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  })
  t.teardown(server.close)
  await until('Redis is used', server.isUsable)
  return createSharedSpending(server)
}

t.test('what Redis counts', { skip: redisSkipReason() }, async t => {
  const redis = await startRedis(t)
  const [a, b] = [await openSpending(t, redis.url), await openSpending(t, redis.url)]

  t.same(await a.exchange(day, mapOf(of(10, 5), of(0, 0))), mapOf(of(10, 5), of(0, 0)))
  t.same(await b.exchange(day, mapOf(of(1, 2), of(3, 4, 5))), mapOf(of(11, 7), of(3, 4, 5)))
  t.same(await a.exchange(day, mapOf(of(10, 5), of(0, 0, 6))), mapOf(of(11, 7), of(3, 4, 11)))
  t.same(
    await a.exchange(day, mapOf(of(10, 5), of(0, 0))),
    mapOf(of(11, 7), of(3, 4, 5)),
    'a repeated one adds nothing',
  )
  t.same(
    await b.exchange(day, mapOf(of(0, 0), of(3, 4))),
    mapOf(of(10, 5), of(3, 4)),
    'what was set aside is given back',
  )
  t.same(await a.exchange('2026-11-30', mapOf(of(7, 0), of(0, 0))), mapOf(of(7, 0), of(0, 0)), 'each day by itself')
  const big = 2 ** 50
  t.same(await a.exchange(day, new Map([['service', of(big, 1)]])), new Map([['service', of(big, 1)]]), 'exactly')

  const key = `p:budget:{${day}}:service`
  const ttl = await told(redis, client => client.ttl(key))
  t.ok(ttl > 86_400 && ttl <= 2 * 86_400)
  await told(redis, client => client.set(key, 'something else'))
  t.equal(await a.exchange(day, mapOf(of(1, 1), of(0, 0))), undefined)
  await until('it was removed', async () => (await told(redis, client => client.exists(key))) === 0)
  t.same(await a.exchange(day, mapOf(of(1, 1), of(0, 0))), mapOf(of(1, 1), of(0, 0)), 'b reports again by itself')
})

t.test('on a Redis Cluster: the budgets of a day are on one node', { skip: redisSkipReason() }, async t => {
  const { url } = await startRedisCluster(t)
  const [a, b] = [await openSpending(t, url), await openSpending(t, url)]
  t.same(await a.exchange(day, mapOf(of(10, 5), of(1, 0))), mapOf(of(10, 5), of(1, 0)))
  t.same(await b.exchange(day, mapOf(of(1, 2), of(3, 4))), mapOf(of(11, 7), of(4, 4)))
})
