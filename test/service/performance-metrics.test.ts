import t from 'tap'
import { anyWorld, skipReason, startApp, eitherWorld } from '../support/app.ts'
import { freshQuestion, performanceOf, times } from '../support/advice.ts'
import { loadHandbook } from '../support/corpus.ts'
import { startHandbookApp } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/** GET /monitoring/performance-metrics: what happened, and that it is told whatever happens. */

t.setTimeout(1_800_000)

const key = 'a-key-for-monitoring'

for (const world of eitherWorld) {
  t.test(`figures, ${world}`, { skip: skipReason(world) }, async t => {
    const model = await startModel(t)
    const app = await startHandbookApp(t, world, {
      ...settingsFor(model),
      SEMANTIC_CACHE: 'off',
      MONITORING_API_KEY: key,
      LOG_QUESTIONS: 'on',
    })
    const figures = async () => await performanceOf(app, { authorization: `Bearer ${key}` })

    await t.test('say what was answered, and from where', async t => {
      const known = { question: 'How much is the state grant?' }
      for (let count = 0; count < 5; count++) await app.ask(known)
      await app.send('POST', '/search', known)
      await app.ask({ ...known, collection: 'nowhere' })
      const { windows, limiter, pool, redis, breakers, process: load } = await figures()
      const { requests, errors, errors_by_code, latency_ms, search_ms, caches, models, stages_ms } = windows['1m']
      t.match(
        { requests, errors, errors_by_code },
        { requests: 7, errors: 0, errors_by_code: { unknown_collection: 1 } },
      )
      t.match(latency_ms, { all: { count: 5 }, cached: { count: 4 }, fresh: { count: 1 } })
      t.match(
        { search_ms, answer: caches.answer },
        { search_ms: { count: 1 }, answer: { hits: 4, misses: 1, hit_ratio: 0.8 } },
      )
      t.match(models, { calls: 1, cost: null })
      for (const name of ['embed', 'retrieve', 'generate']) t.ok(stages_ms[name].count > 0, name)
      t.match(
        { limiter, redis, breakers },
        {
          limiter: { in_flight: 0, queued: 0 },
          redis: { state: 'off' },
          breakers: { database: 'closed', chat: 'closed' },
        },
      )
      t.ok(pool.open >= 1)
      t.ok(load.rss_mb > 0 && load.heap_limit_mb > load.heap_mb)
      t.same(Object.keys(windows), ['1m', '5m', '15m'])
    })

    await t.test('name the slowest question, and the stage that took longest', async t => {
      model.chat.behave({ delayMs: 2500 })
      const { question } = freshQuestion()
      await app.ask({ question })
      await app.ask({ question })
      model.chat.behave({})
      // On a busy machine the first of all may have been slower.
      const slowest = ((await figures()).slow_questions as { question: string; fingerprint: string }[]).find(
        each => each.question === question,
      )
      t.match(slowest, { count: 1, slowest_stage: 'generate', mode: 'fast', language: 'en' })
      t.match(slowest?.fingerprint, /^[0-9a-f]{12}$/)
    })

    await t.test('tell what was left out, and what ran out of time', async t => {
      model.chat.behave({ status: 500 })
      await app.ask(freshQuestion())
      model.chat.behave({})
      t.match((await figures()).windows['1m'], { degraded: 1, degraded_by_reason: { generation: 1 } })
    })

    await t.test('need the key', async t => {
      t.equal((await app.send('GET', '/monitoring/performance-metrics')).status, 401)
    })
  })
}

t.test('no words of a question without LOG_QUESTIONS', async t => {
  const app = await startHandbookApp(t, anyWorld)
  await app.ask({ question: 'Where is my zebra?' })
  t.equal((await performanceOf(app)).slow_questions.length, 1)
  t.notMatch((await app.send('GET', '/monitoring/performance-metrics')).text, /zebra/i)
})

t.test(
  'a pool that is exhausted by a server that is frozen: it is told all the same, and takes no connection',
  { skip: skipReason('postgres') },
  async t => {
    const server = await startPostgres(t)
    const app = await startApp(t, 'postgres', { DATABASE_URL: server.url, POOL_SIZE: '2', POOL_MAX_OVERFLOW: '0' })
    await loadHandbook(app)
    const leaving = new AbortController()
    const held = times(5, () =>
      app.deps.database
        .lease({ signal: leaving.signal, label: 'test' }, sql => sql`select pg_sleep(60)`)
        .catch(() => null),
    )
    await until(
      'the pool is exhausted',
      () => app.deps.database.status().checkedOut === 2 && app.deps.database.status().waiting === 3,
    )
    server.freeze()
    const { checkouts } = app.deps.database.status().totals
    const { pool } = await performanceOf(app)
    t.match(pool, { checked_out: 2, size: 2, waiting: 3 })
    t.equal(app.deps.database.status().totals.checkouts, checkouts)
    server.thaw()
    leaving.abort()
    await held
  },
)
