import t, { type Test } from 'tap'
import { adminKey, anyWorld, type App, skipReason, startApp, type World, eitherWorld } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel, type Model } from '../support/model.ts'
import type { Behaviour } from '../support/model/behaviour.ts'
import { administer, startPostgres } from '../support/postgres.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import { sseEvents } from '../support/sse.ts'
import { unlessLate } from '../support/unless-late.ts'
import { until } from '../support/until.ts'

/** What a user gets when something that Askwell leans on is broken. */

const rent = 'How much does a place in the dormitory cost?'
const talk = [
  { role: 'user', content: 'How much does the dormitory cost?' },
  { role: 'assistant', content: '12,000 tenge a month.' },
]
/** Short enough to be worth waiting for; see unlessLate. */
const shortTime = { timeout_ms: 1500 }

async function withModel(t: Test, world: World, embedding?: string): Promise<{ app: App; model: Model }> {
  const model = await startModel(t)
  const app = await startHandbookApp(t, world, settingsFor(model, embedding))
  t.afterEach(() => recovered(app, model))
  return { app, model }
}

let asked = 0

/**
 * Both models are well and asked again. Several questions: as long as most calls of the last seconds went well, no
 * breaker opens, and the next fault is met and not avoided.
 */
async function recovered({ ask }: App, model: Model): Promise<void> {
  model.chat.behave({})
  model.embeddings.behave({})
  const isWell = async () => {
    // Each its own: the vector of one that was asked is remembered.
    const { json } = await ask({ question: `${++asked}. ${rent}` }, { 'cache-control': 'no-store' })
    return json.generator === 'llm' && json.degraded.length === 0
  }
  await until('both models are asked again', isWell, { everyMs: 100 })
  await Promise.all(Array.from({ length: 8 }, isWell))
}

/** Every way a chat call can go wrong before a word is shown. */
const brokenChats: Readonly<Record<string, Behaviour>> = {
  'replies 500': { status: 500 },
  'replies 429': { status: 429, retryAfter: 1 },
  'replies 401': { status: 401 },
  'replies with garbage': { garbage: true },
  'says nothing until the deadline': { silent: true },
  'sends a head and then nothing': { stallAfterTokens: 0 },
  'hangs up before the first token': { cutAfterTokens: 0 },
}

for (const world of eitherWorld) {
  t.test(`a broken chat model, ${world}`, { skip: skipReason(world) }, async t => {
    const { app, model } = await withModel(t, world)
    const isQuoted = {
      abstained: false,
      generator: 'extractive',
      model: null,
      degraded: ['generation'],
      answer: /12,000 tenge/,
    }

    for (const [fault, behaviour] of Object.entries(brokenChats)) {
      t.test(`it ${fault}: a quoted answer in time, as JSON and as a stream, never cached`, async t => {
        model.chat.behave(behaviour)
        const [{ status, json }, streamed] = await Promise.all([
          unlessLate('generation', () => app.ask({ question: rent, ...shortTime })),
          // In other words: the same words at the same time would be one run.
          unlessLate('generation', () => app.ask({ question: `Tell me: ${rent}`, ...shortTime, stream: true })),
        ])
        t.equal(status, 200)
        t.match(json, isQuoted)
        t.ok(json.citations.length > 0)
        const events = sseEvents(streamed.text)
        t.match(events.map(event => event.event).join(' '), /^passages( delta)+ citations done$/)
        t.match(events.at(-1)?.data, { ...isQuoted, cache: { status: 'miss' } })
      })
    }

    t.test('it cannot be reached: a quoted answer', async t => {
      await model.stop()
      t.match((await app.ask({ question: rent })).json, isQuoted)
      await model.start()
    })

    t.test('it breaks off after some words: JSON gets a quoted answer, without those words', async t => {
      model.chat.behave({ answer: 'Pigeons cost 7 coins each [1] and more.', cutAfterTokens: 3 })
      const { json } = await app.ask({ question: rent })
      t.match(json, isQuoted)
      t.notMatch(json.answer, /Pigeons/)
    })

    t.test('it breaks off after some words: a stream ends with an error, never with done', async t => {
      model.chat.behave({ answer: 'Pigeons cost 7 coins each [1] and more.', cutAfterTokens: 5 })
      const { status, text } = await app.ask({ question: rent, stream: true })
      t.equal(status, 200)
      const events = sseEvents(text)
      t.match(events.map(event => event.event).join(' '), /^passages( delta)+ error$/)
      t.match(events.at(-1)?.data, { code: 'model_failed', status: 502 })
    })

    t.test('it stalls after some words: the stream ends with an error at the deadline', async t => {
      model.chat.behave({ answer: 'Pigeons cost 7 coins each [1] and more.', stallAfterTokens: 5 })
      const last = await until('it has come so far', async () => {
        const event = sseEvents((await app.ask({ question: rent, ...shortTime, stream: true })).text).at(-1)
        return event?.data.stage === 'generate' ? event : null
      })
      t.match(last, {
        event: 'error',
        data: {
          code: 'deadline_exceeded',
          status: 504,
          stage: 'generate',
          timings_ms: { retrieve: Number, generate: Number, total: Number },
        },
      })
    })

    t.test('it declines: its words are given, not ours', async t => {
      model.chat.behave({ refuse: true })
      const { status, json } = await app.ask({ question: `${rent} Tell me.` })
      t.equal(status, 200)
      t.equal(json.generator, 'llm')
      t.same(json.citations, [])
    })

    for (const [fault, behaviour] of [
      ['replies 500', { status: 500 }],
      ['says nothing', { silent: true }],
    ] as const) {
      t.test(`a follow-up that it should rewrite, and it ${fault}: quoted all the same`, async t => {
        model.chat.behave(behaviour)
        const { status, json } = await unlessLate('generation', () =>
          app.ask({ question: 'And what does a place in the dormitory cost?', history: talk, ...shortTime }),
        )
        t.equal(status, 200)
        t.match(json, isQuoted)
      })
      t.test(`nothing near, and it ${fault} when asked for other words: abstains`, async t => {
        model.chat.behave(behaviour)
        const { status, json } = await unlessLate('generation', () =>
          app.ask({ question: 'What is the weather in Paris today?', ...shortTime }),
        )
        t.equal(status, 200)
        t.equal(json.abstained, true)
      })
    }

    t.test('well again: asked again, nothing broken was remembered', async t => {
      const { json } = await app.ask({ question: rent })
      t.match(json, { generator: 'llm', cache: { status: 'miss' } })
      t.same(json.degraded, [])
      t.match((await app.ask({ question: rent })).json, { generator: 'llm', cache: { status: 'hit' } })
    })
  })

  t.test(`a broken embedding model, ${world}`, { skip: skipReason(world) }, async t => {
    const { app, model } = await withModel(t, world, 'test-embedding')
    const faults: Readonly<Record<string, Behaviour>> = {
      'replies 500': { status: 500 },
      'replies 429': { status: 429 },
      'sends vectors of another length': { wrongDimension: true },
      'replies with garbage': { garbage: true },
      'says nothing': { silent: true },
    }

    for (const [fault, behaviour] of Object.entries(faults)) {
      t.test(`it ${fault}: words alone find the answer, never cached`, async t => {
        model.embeddings.behave(behaviour)
        // Anew: what the model once wrote from the same passages would be found again.
        const { json } = await unlessLate('embeddings', () =>
          app.ask({ question: rent, ...shortTime }, { 'cache-control': 'max-age=0' }),
        )
        t.match(json, { generator: 'llm', degraded: ['embeddings'], answer: /12,000/, cache: { status: 'miss' } })
        const again = await unlessLate('embeddings', () => app.ask({ question: rent, ...shortTime }))
        t.match(
          again.json,
          { degraded: ['embeddings'], cache: { status: 'hit', revalidated: true } },
          'found anew, though its words were known',
        )
      })
    }

    t.test('both models are gone: quoted sentences found by words', async t => {
      await model.stop()
      const { json } = await app.ask({ question: `Tell me: ${rent}` })
      t.match(json, { generator: 'extractive', degraded: ['embeddings', 'generation'], answer: /12,000/ })
      const { status } = await app.send('GET', '/readyz')
      t.equal(status, 200, 'degraded is not unready')
      await model.start()
    })

    t.test('well again: used again', async t => {
      model.embeddings.behave({})
      const { json } = await app.ask({ question: `Tell me: ${rent}` })
      t.equal(json.cache.status, 'miss')
      t.same(json.degraded, [])
    })
  })
}

t.test('a query that waits for a lock', { skip: skipReason('postgres') }, async t => {
  const app = await startHandbookApp(t, 'postgres', { POOL_SIZE: '2', POOL_MAX_OVERFLOW: '0' })
  const url = app.env['DATABASE_URL']!

  t.test('504 at the deadline, the query is gone from the server, the connection is back', async t => {
    await administer(url, sql =>
      sql.begin(async sql => {
        await sql`lock table chunks`
        const { status, json } = await app.ask({ question: rent, timeout_ms: 3000 })
        t.equal(status, 504)
        t.match(json, {
          code: 'deadline_exceeded',
          detail: /retrieve/,
          stage: 'retrieve',
          timings_ms: { retrieve: Number, total: Number },
        })
        await until('no query waits for the lock', async () => {
          const waiting =
            await sql`select from pg_stat_activity where application_name = 'askwell' and wait_event_type = 'Lock'`
          return waiting.length === 0
        })
        await until('the connection is back', () => app.deps.database.status().checkedOut === 0)
      }),
    )
    t.match((await app.ask({ question: rent })).json, { answer: /12,000/ }, 'and it is fit for use')
  })

  t.test('the pool and its queue are full: 503 at once with Retry-After, probes still answer', async t => {
    const full = await startApp(t, 'postgres', {
      DATABASE_URL: url,
      POOL_SIZE: '1',
      POOL_MAX_OVERFLOW: '0',
      POOL_MAX_WAITING: '1',
    })
    // Not questions: those wait for their turn before they come so far.
    const collections = () => full.send('GET', '/collections', undefined, { authorization: `Bearer ${adminKey}` })
    const [first, second] = await administer(url, sql =>
      sql.begin(async sql => {
        await sql`lock table chunks`
        const first = full.ask({ question: rent })
        await until('it holds the connection', () => full.deps.database.status().holders['retrieve'] === 1)
        const second = collections()
        await until('another waits', () => full.deps.database.status().waiting === 1)
        const third = await collections()
        t.equal(third.status, 503)
        t.equal(third.json.code, 'pool_exhausted')
        t.ok(Number(third.headers.get('retry-after')) >= 1)
        t.equal((await full.send('GET', '/readyz')).status, 200)
        return [{ replied: first }, { replied: second }] as const
      }),
    )
    t.same(
      [(await first.replied).status, (await second.replied).status],
      [200, 200],
      'and those before it are answered',
    )
  })
})

t.test('Postgres goes away and comes back', { skip: skipReason('postgres') }, async t => {
  const postgres = await startPostgres(t)
  const app = await startApp(t, 'postgres', { DATABASE_URL: postgres.url })
  await loadHandbook(app)
  t.equal((await app.ask({ question: rent })).status, 200)

  await postgres.kill()
  const known = await until('that is known', async () => {
    const reply = await app.ask({ question: rent })
    return reply.json.cache?.status === 'hit' ? null : reply
  })
  t.match(
    known,
    { status: 200, json: { answer: /12,000/, degraded: ['database'], cache: { status: 'stale', tier: 'memory' } } },
    'what was answered before is answered',
  )
  const streamed = sseEvents((await app.ask({ question: rent, stream: true })).text)
  t.match(streamed.at(-1), { event: 'done', data: { cache: { status: 'stale' } } })
  const gone = await app.ask({ question: 'Where is the dean?' })
  t.equal(gone.status, 503)
  t.match(gone.json, { code: 'database_unavailable' })
  t.ok(gone.headers.has('retry-after'))
  t.match(await app.send('GET', '/readyz'), { status: 503, json: { status: 'no database' } })
  t.equal((await app.send('GET', '/livez')).status, 200)

  await postgres.start()
  await until('it is ready again', async () => (await app.send('GET', '/readyz')).status === 200)
  await until('it answers again', async () => (await app.ask({ question: rent })).status === 200)
})

t.test('Redis', { skip: redisSkipReason() }, async t => {
  const stateOf = async (app: App) => (await app.send('GET', '/readyz')).json.components.redis as string

  t.test('nowhere at the start: the service starts, is ready and answers', async t => {
    const app = await startHandbookApp(t, anyWorld, { REDIS_URL: 'redis://127.0.0.1:1', RATE_LIMIT: '100' })
    t.equal((await app.ask({ question: rent })).status, 200)
    t.equal((await app.send('GET', '/readyz')).status, 200)
    t.not(await stateOf(app), 'ready')
  })

  t.test(
    'stopped, frozen and killed while it runs: answers go on, /readyz shows it, it is used when it is back',
    async t => {
      const redis = await startRedis(t)
      const app = await startHandbookApp(t, anyWorld, { REDIS_URL: redis.url, RATE_LIMIT: '1000' })
      await until('redis is ready', async () => (await stateOf(app)) === 'ready')
      const faults = [
        ['stopped', () => redis.stop(), () => redis.start()],
        ['frozen', () => redis.freeze(), () => redis.thaw()],
        ['killed', () => redis.kill(), () => redis.start()],
      ] as const
      for (const [fault, breakIt, mendIt] of faults) {
        await breakIt()
        t.match(await app.ask({ question: rent }), { status: 200, json: { answer: /12,000/ } }, fault)
        await until(`${fault}: its state is shown`, async () => (await stateOf(app)) !== 'ready')
        t.match(await app.ask({ question: rent }), { status: 200 }, `${fault}, known`)
        await mendIt()
        await until(`${fault}: it is used again`, async () => (await stateOf(app)) === 'ready')
      }
    },
  )
})
