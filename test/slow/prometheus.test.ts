import t, { type Test } from 'tap'
import { databaseSettings } from '../support/app.ts'
import { atLeast } from '../support/at-least.ts'
import { startCollector } from '../support/collector.ts'
import { loadHandbook } from '../support/corpus.ts'
import { isOfTheMachine } from '../support/findings.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { prometheusSkipReason, startPrometheus, type Prometheus, type Rule } from '../support/prometheus.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import { clientOf, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** A real Prometheus, with the configuration and the rules of deploy/prometheus, scrapes a real service. */

const skip = prometheusSkipReason() || redisSkipReason()

/** Minutes are seconds here: what must hold for one is to hold for one scrape, and rates are of ten seconds. */
const hurried = (rule: Rule): Rule => ({
  ...rule,
  expr: rule.expr.replace(/\[\d+[mh]\]/g, '[10s]'),
  ...(rule.for !== undefined && { for: '1s' }),
})

async function start(t: Test) {
  const [collector, model, redis] = await Promise.all([startCollector(t), startModel(t), startRedis(t)])
  const service = startService(t, {
    ...(await databaseSettings(t, 'embedded')),
    ...settingsFor(model, 'test-embedding'),
    // These answers are made up.
    GROUNDING: 'off',
    // The questions have numbers that no document has; quoted sentences answer them when the model is broken.
    ABSTAIN_BELOW: '0',
    REDIS_URL: redis.url,
    REDIS_TIMEOUT_MS: '1000',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  })
  const url = await service.ready()
  const client = clientOf(url)
  await loadHandbook(client)
  const prometheus = await startPrometheus(t, { target: new URL(url).host, alerts: hurried, recording: hurried })
  return { collector, model, redis, service, client, prometheus }
}

const firing = async ({ query }: Prometheus) => (await query('ALERTS{alertstate="firing"}')).map(({ metric }) => metric)
const isFiring = async (prometheus: Prometheus, alertname: string, label?: string) =>
  (await firing(prometheus)).find(
    metric => metric['alertname'] === alertname && (label === undefined || Object.values(metric).includes(label)),
  )

/** What fires where the machine gives the service, or Prometheus, too little time. */
const ofBusyMachine = [
  'Absent',
  'Slow',
  'VerySlow',
  'RetrievalSlow',
  'PoolExhausted',
  'RedisUnsteady',
  'ModelSlow',
  'EventLoopBlocked',
  'EventLoopBusy',
]
const isOfBusyMachine = ({ alertname, code = '' }: Readonly<Record<string, string>>) =>
  ofBusyMachine.some(name => alertname === `Askwell${name}`) || isOfTheMachine(code)

t.test('a service under a little load', { skip }, async t => {
  const { collector, model, redis, service, client, prometheus } = await start(t)
  let nth = 0
  let isOver = false
  const load = (async () => {
    while (!isOver) {
      await client
        .ask({ question: `How much does a place in the dormitory cost guest number ${Math.floor(nth++ / 2)}?` })
        .catch(() => {})
      await atLeast(50)
    }
  })()
  t.teardown(async () => {
    isOver = true
    await load
  })

  await t.test('it is scraped, as OpenMetrics, without a fault', async t => {
    await until('the target is up', async () => (await prometheus.query('up{job="askwell"} == 1')).length === 1)
    const [target] = (await prometheus.api('targets')).activeTargets
    t.match(target, { health: 'up', lastError: '', labels: { job: 'askwell' } })
  })

  await t.test('every rule can be evaluated, and recording rules have values', async t => {
    const recorded = [
      'job:askwell_questions:rate5m',
      'job:askwell_request_latency_seconds:p95_5m',
      'job:askwell_retrieval_latency_seconds:p95_5m',
      'job:askwell_errors:ratio_rate5m',
      'job_cache_type:askwell_cache_hits:ratio_rate30m{cache_type="answer"}',
      'instance:askwell_event_loop:utilization5m',
    ]
    for (const name of recorded) {
      const [found] = await until(`${name} has a value`, async () => {
        const values = await prometheus.query(`${name} >= 0`)
        return values.length > 0 ? values : undefined
      })
      t.ok(Number(found!.value[1]) >= 0, `${name} ${found!.value[1]}`)
    }
    const { groups } = await prometheus.api('rules')
    t.same(
      groups
        .flatMap((group: { rules: { name: string; health: string; lastError?: string }[] }) => group.rules)
        .filter(({ health }: { health: string }) => health !== 'ok'),
      [],
    )
  })

  await t.test('exemplars lead from a histogram to a trace that was sent', async t => {
    const found = await until('there are exemplars', async () => {
      const series = await prometheus.api('query_exemplars', {
        query: 'askwell_request_latency_seconds_bucket',
        start: String(Date.now() / 1000 - 600),
        end: String(Date.now() / 1000 + 60),
      })
      return series?.length > 0 ? series : undefined
    })
    const traceId = found[0].exemplars[0].labels.trace_id as string
    await until('its spans were sent', () => collector.spans.some(span => span.traceId === traceId))
    t.match(traceId, /^[0-9a-f]{32}$/)
  })

  await t.test('nothing is wrong: no alert that is critical or a warning', async t => {
    await until(
      'ten questions were asked since',
      (
        from => () =>
          nth > from + 10
      )(nth),
    )
    t.same(
      (await firing(prometheus)).filter(alert => alert['severity'] !== 'info' && !isOfBusyMachine(alert)),
      [],
    )
  })

  await t.test('Redis is killed: AskwellRedisGone fires, and ends when it is back', async t => {
    await redis.kill()
    t.match(await until('it fires', () => isFiring(prometheus, 'AskwellRedisGone')), {
      severity: 'warning',
      culprit: 'redis',
    })
    await redis.start()
    await until('it is over', async () => !(await isFiring(prometheus, 'AskwellRedisGone')))
  })

  await t.test('the model fails: what names it fires, and its breaker', async t => {
    model.chat.behave({ status: 500 })
    t.match(await until('the fault is named', () => isFiring(prometheus, 'AskwellModelFailing')), {
      culprit: 'chat',
      dependency: 'chat',
    })
    t.match(await until('the breaker is named', () => isFiring(prometheus, 'AskwellBreakerOpen')), { culprit: 'chat' })
    t.match(
      await until('answers are said to be degraded', () => isFiring(prometheus, 'AskwellDegraded', 'generation')),
      { severity: 'warning' },
    )
    model.chat.behave({})
  })

  await t.test('the process stands still for 2 s: AskwellEventLoopBlocked', async t => {
    service.signal('SIGSTOP')
    await atLeast(2000)
    service.signal('SIGCONT')
    t.match(await until('it fires', () => isFiring(prometheus, 'AskwellEventLoopBlocked')), { culprit: 'process' })
  })

  await t.test('the process is gone: AskwellAbsent', async t => {
    isOver = true
    await load
    service.signal('SIGKILL')
    t.match(await until('it fires', () => isFiring(prometheus, 'AskwellAbsent')), {
      severity: 'critical',
      culprit: 'process',
    })
  })
})
