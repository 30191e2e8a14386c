import t from 'tap'
import { adminKey, anyWorld, databaseSettings, startApp } from '../support/app.ts'
import { clientOf, startService, type LogLine } from '../support/service.ts'
import { until } from '../support/until.ts'
import { startModel } from '../support/model.ts'
import { settingsFor } from '../support/model-settings.ts'
import { handbookSettings } from '../support/handbook-app.ts'
import { postgresSkipReason } from '../support/postgres-programs.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import { isOfTheMachine } from '../support/findings.ts'

/** The monitoring on a port of its own, and what the log says by itself. */

const key = 'a-key-for-monitoring-only'
const authorization = { authorization: `Bearer ${key}` }

t.test(
  'a port of its own: the monitoring is there and nowhere else, the probes on both, the key is asked for',
  async t => {
    const app = await startApp(t, anyWorld, { MONITORING_PORT: '0', MONITORING_API_KEY: key })
    const own = clientOf(String(app.monitoringUrl))
    for (const path of ['/metrics', '/monitoring/pool-status']) {
      t.equal((await app.send('GET', path, undefined, authorization)).status, 404, path)
      t.equal((await own.send('GET', path)).status, 401, path)
      t.equal((await own.send('GET', path, undefined, { authorization: `Bearer ${adminKey}` })).status, 403, path)
      t.equal((await own.send('GET', path, undefined, authorization)).status, 200, path)
    }
    for (const path of ['/livez', '/readyz', '/startupz']) {
      t.equal((await app.send('GET', path)).status, 200, path)
      t.equal((await own.send('GET', path)).status, 200, path)
    }
    t.equal((await own.ask({ question: 'Who?' })).status, 404, 'nobody is answered there')
    await app.stop()
    await t.rejects(own.send('GET', '/livez'), 'it ends with the rest')
  },
)

t.test('without: both are on one port', async t => {
  const app = await startApp(t, anyWorld)
  t.equal(app.monitoringUrl, null)
  t.equal((await app.send('GET', '/metrics')).status, 200)
})

t.test(
  'the log: a line for what begins, for the verdict, and for the end of it',
  { skip: redisSkipReason() || postgresSkipReason() },
  async t => {
    const redis = await startRedis(t)
    const service = startService(t, { ...(await databaseSettings(t, 'postgres')), REDIS_URL: redis.url })
    const { send } = clientOf(await service.ready())
    await until('Redis connected', () => service.log.some(({ msg }) => msg === 'Redis connected'))
    t.equal((await send('GET', '/readyz')).status, 200)
    t.equal((await send('GET', '/readyz')).status, 200)
    const isReadiness = ({ readiness }: LogLine) => readiness !== undefined
    t.match(await until('it is told', () => service.log.find(isReadiness)), {
      level: 'info',
      readiness: 'ready',
      was: 'starting',
    })
    const verdicts = () => service.log.filter(({ verdict }) => verdict === 'service')
    await until('nothing is wrong', () => (verdicts().at(-1)?.['is'] ?? 'ok') === 'ok')
    const before = verdicts().length
    await redis.kill()
    const verdict = await until('the verdict turns', () => verdicts()[before])
    t.match(verdict, { level: 'warn', is: 'degraded', was: 'ok' })
    // A busy machine may be the first to be named.
    t.ok(verdict['code'] === 'redis-gone' || isOfTheMachine(verdict['code']), verdict['code'])
    const finding = await until('what is wrong is told', () =>
      service.log.find(({ code, severity }) => code === 'redis-gone' && severity !== undefined),
    )
    t.match(finding, { level: 'warn', culprit: 'redis', severity: 'warning' })
    t.equal(service.log.filter(isReadiness).length, 1)
    await redis.start()
    await until('it is over', () =>
      service.log.some(({ code, msg }) => code === 'redis-gone' && msg === 'redis-gone: resolved'),
    )
    await until('it turns back', () => verdicts().at(-1)?.['is'] === 'ok')
    t.equal(
      service.log.filter(({ code, severity }) => code === 'redis-gone' && severity !== undefined).length,
      1,
      'told once',
    )
  },
)

t.test(
  'the line of a question: stages, tokens, cache; of one that failed its code and stage; never its text',
  { skip: postgresSkipReason() },
  async t => {
    const model = await startModel(t)
    const service = startService(t, {
      ...(await handbookSettings(t, 'postgres', 'test-embedding')),
      ...settingsFor(model, 'test-embedding'),
    })
    const client = clientOf(await service.ready())
    const question = 'How much does a place in the dormitory cost?'
    await client.ask({ question })
    await client.ask({ question })
    const [fresh, cached] = await until('both are told', () => {
      const lines = service.log.filter(({ msg }) => msg === 'answered')
      return lines.length === 2 ? lines : null
    })
    t.match(fresh, {
      level: 'info',
      reqId: String,
      mode: 'fast',
      cache: 'miss',
      stages: { retrieve: Number, generate: Number },
      usage: { llmCalls: 1, promptTokens: Number },
    })
    t.same(fresh!['degraded'], [])
    t.match(cached, { cache: 'hit', reqId: String, ms: Number })
    t.notOk(cached!['stages']?.generate, 'no model was asked')
    model.chat.behave({ stallAfterTokens: 2 })
    // Once more where its time is over before the model is asked.
    const broken = await until('it is told', async () => {
      await client.ask({ question: `${question} Really?`, stream: true, timeout_ms: 1500 })
      return service.log.find(({ msg, stage }) => msg === 'not answered' && stage === 'generate')
    })
    t.match(broken, {
      level: 'warn',
      code: 'deadline_exceeded',
      stage: 'generate',
      stages: { retrieve: Number, generate: Number },
    })
    await client.ask({ question, collection: 'nowhere' })
    const unknown = await until('it is told', () =>
      service.log.find(({ msg, code }) => msg === 'request completed' && code === 'unknown_collection'),
    )
    t.match(unknown, { level: 'info', status: 404, reqId: String })
    t.notOk(JSON.stringify(service.log).includes('dormitory'), 'no text of a question, and no words of an answer')
  },
)
