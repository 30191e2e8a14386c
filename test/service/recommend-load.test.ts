import t, { type Test } from 'tap'
import { anyWorld, databaseSettings, skipReason, startApp, type App, type World } from '../support/app.ts'
import { advised, adviceOf, freshQuestion, performanceOf, times } from '../support/advice.ts'
import { atLeast } from '../support/at-least.ts'
import { startCollector } from '../support/collector.ts'
import { loadHandbook } from '../support/corpus.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { administer } from '../support/postgres.ts'
import { redisSkipReason, startRedis, told } from '../support/redis.ts'
import { clientOf, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** Each piece of advice about caches, limits and the process is given when its cause is there. */

t.setTimeout(1_800_000)

async function start(t: Test, settings: Record<string, string>, world: World = anyWorld): Promise<App> {
  const app = await startApp(t, world, {
    ADMISSION_FLOOR: '100',
    ADMISSION_MAX_WAITING: '500',
    ADMISSION_MAX_WAIT_MS: '60000',
    ...settings,
  })
  await loadHandbook(app)
  return app
}

t.test('caches are too small, and few answers come from them', async t => {
  const model = await startModel(t)
  const app = await start(t, {
    ...settingsFor(model, 'test-embedding'),
    CHAT_MODEL: 'none',
    EMBEDDING_DIMENSIONS: '4000',
    ANSWER_CACHE_MB: '1',
    EMBEDDING_CACHE_MB: '1',
    SEMANTIC_CACHE: 'off',
  })
  for (let count = 0; count < 240; count++) await app.ask(freshQuestion())
  const advice = Object.fromEntries((await adviceOf(app)).map(each => [each.id, each]))
  t.match(advice['answer-cache-small'], {
    setting: 'ANSWER_CACHE_MB',
    evidence: /\d+ evictions in five minutes.* take [01]\.\d MB of 1\.0 MB/,
    action: /ANSWER_CACHE_MB to 2/,
  })
  t.match(advice['embedding-cache-small'], { setting: 'EMBEDDING_CACHE_MB', evidence: /\d+ evictions/ })
  t.match(advice['hit-ratio-low'], { setting: 'SEMANTIC_CACHE', evidence: /0 % of 240 questions/ })
})

t.test('answers are kept for a moment only: ANSWER_CACHE_SECONDS', async t => {
  const app = await start(t, { ANSWER_CACHE_SECONDS: '1', FAST_ANSWER_CACHE_SECONDS: '1' })
  for (let count = 0; count < 120; count++) await app.ask(freshQuestion())
  t.match(await advised(app, 'hit-ratio-low'), { setting: 'ANSWER_CACHE_SECONDS', evidence: /kept for 1 s/ })
})

t.test('Redis is gone: REDIS_URL', { skip: redisSkipReason() }, async t => {
  const redis = await startRedis(t)
  const app = await start(t, { REDIS_URL: redis.url })
  await until('redis is used', () => app.deps.redis?.isUsable())
  t.same(
    (await adviceOf(app)).filter(({ id }) => id.startsWith('redis')),
    [],
  )
  await redis.stop()
  t.match(await advised(app, 'redis-failing'), {
    severity: 'warning',
    setting: 'REDIS_URL',
    evidence: /its connection is "\w+"/,
  })
})

t.test('Redis answers too late: REDIS_TIMEOUT_MS', { skip: redisSkipReason() }, async t => {
  const redis = await startRedis(t)
  const app = await start(t, { REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '5' })
  await until('redis is used', () => app.deps.redis?.isUsable())
  // Commands under way when it pauses are late; then it answers again, and is asked again.
  const late = async () => {
    await until('redis is used', () => app.deps.redis?.isUsable())
    await told(redis, client => client.call('CLIENT', 'PAUSE', '60', 'ALL'))
    await times(40, () => app.deps.redis!.attempt('test', client => client.get('x')))
  }
  await late()
  await until('redis is used', () => app.deps.redis?.isUsable())
  t.match(await advised(app, 'redis-slow'), {
    setting: 'REDIS_TIMEOUT_MS',
    evidence: /\d+ commands took longer than REDIS_TIMEOUT_MS 5/,
  })
})

t.test('questions are refused while nothing is busy: ADMISSION_CEILING', { skip: skipReason('postgres') }, async t => {
  const app = await start(
    t,
    {
      ADMISSION_FLOOR: '2',
      ADMISSION_CEILING: '2',
      ADMISSION_MAX_WAIT_MS: '1',
      SEMANTIC_CACHE: 'off',
    },
    'postgres',
  )
  await administer(app.env['DATABASE_URL']!, async sql => {
    const { asked } = await sql.begin(async tx => {
      await tx`lock table chunks in access exclusive mode`
      let replies = 0
      const asked = times(50, () => app.ask(freshQuestion()).then(() => replies++))
      await until('all but two are refused', () => replies === 48)
      return { asked }
    })
    await asked
  })
  t.match(await advised(app, 'admission-tight'), {
    setting: 'ADMISSION_CEILING',
    evidence: /4\d of 50 rejected .* the limit is 2 \(from 2 to 2\), 0 in progress/,
  })
  t.match((await performanceOf(app)).windows['1m'], { refused: 48, errors: 0 })
})

t.test('the process is late at its work: another replica', async t => {
  const app = await start(t, {})
  const block = (ms: number) => {
    const end = performance.now() + ms
    while (performance.now() < end);
  }
  // Of the time since its start: what the machine adds in idle time must be outweighed.
  const busy = async () => {
    for (let count = 0; count < 10; count++) {
      block(400)
      await atLeast(1)
    }
  }
  t.match(await advised(app, 'event-loop-late', busy), {
    setting: null,
    evidence: /the event loop is \d+ % busy and \d{3} ms late/,
    action: /replica/,
  })
})

t.test('the rate limit refuses many: RATE_LIMIT', async t => {
  const app = await start(t, { RATE_LIMIT: '5' })
  const replies = await times(40, () => app.ask({ question: 'How much is the state grant?' }))
  const refused = replies.filter(({ status }) => status === 429).length
  t.match(await advised(app, 'rate-limit-refuses'), {
    setting: 'RATE_LIMIT',
    evidence: new RegExp(`${refused} of 40 in five minutes; RATE_LIMIT 5 in 10 s rejected ${refused} requests`),
  })
  t.match((await performanceOf(app)).windows['1m'], {
    requests: 40,
    refused,
    errors: 0,
    errors_by_code: { rate_limited: refused },
  })
})

t.test('everything is traced at many requests a second: OTEL_TRACES_SAMPLER', async t => {
  const collector = await startCollector(t)
  const service = startService(t, {
    ...(await databaseSettings(t, anyWorld)),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    LOG_LEVEL: 'info',
  })
  const client = clientOf(await service.ready())
  await loadHandbook(client)
  const known = { question: 'How much is the state grant?' }
  const isTold = async () => (await adviceOf(client)).find(({ id }) => id === 'traced-whole')
  let advice = await isTold()
  for (let round = 0; round < 20 && !advice; round++) {
    await times(200, () => client.ask(known))
    advice = await isTold()
  }
  if (!advice)
    return t.ok((await performanceOf(client)).windows['1m'].per_second < 50, 'the machine cannot be asked so much')
  t.match(advice, { setting: 'OTEL_TRACES_SAMPLER', evidence: /requests per second, OTEL_TRACES_SAMPLER unset: all/ })
})
