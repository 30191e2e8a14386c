import { readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { dashboards } from '../../deploy/grafana/dashboards.ts'
import { startApp, type App } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { prometheusSkipReason, promtool, readRules } from '../support/prometheus.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import { startReranker } from '../support/reranker.ts'

/** GET /metrics: the names that others rely on, in both formats. */

const skip = redisSkipReason()
const rent = 'How much does a place in the dormitory cost?'
const openMetrics =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
const snapshot = new URL('../fixtures/metrics.txt', import.meta.url)

/** With everything that has metrics of its own. */
async function start(t: Test): Promise<App> {
  const [model, redis, reranker] = await Promise.all([startModel(t), startRedis(t), startReranker(t)])
  const app = await startApp(t, 'embedded', {
    ...settingsFor(model, 'test-embedding'),
    REDIS_URL: redis.url,
    REDIS_TIMEOUT_MS: '1000',
    RERANK_URL: reranker.url,
    RERANK_MODEL: 'test-rerank',
  })
  await loadHandbook(app)
  return app
}

interface Described {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labelNames: readonly string[]
  get(): Promise<{ readonly values: readonly { readonly labels: Readonly<Record<string, string>> }[] }>
}

const metricsOf = ({ deps }: App) => deps.metrics.registry.getMetricsAsArray() as unknown as Described[]

/** A line a metric: type, name, labels and, of counters, all the values that they may have; then the help. */
async function described({ name, type, help, labelNames, get }: Described, metric: Described): Promise<string> {
  const values = type === 'counter' ? (await get.call(metric)).values : []
  const labels = labelNames.map(label => {
    const known = [...new Set(values.map(each => each.labels[label]))].sort()
    return known.length > 0 ? `${label}=${known.join('|')}` : label
  })
  return `${type} ${name}${labels.length > 0 ? `{${labels.join(', ')}}` : ''}\n  ${help}\n`
}

t.test('with Redis, a model, a reranker', { skip }, async t => {
  const app = await start(t)

  t.test('names, types, labels and help are those of test/fixtures/metrics.txt', async t => {
    const lines = await Promise.all(metricsOf(app).map(metric => described(metric, metric)))
    const now = lines.sort().join('')
    // They are an interface. To change it on purpose: RENEW_METRICS=yes node test/service/metrics.test.ts, and say so in CHANGELOG.md.
    if (process.env['RENEW_METRICS'] === 'yes') writeFileSync(snapshot, now)
    t.equal(now, readFileSync(snapshot, 'utf8'))
  })

  t.test('the names that existing dashboards expect', async t => {
    const names = new Set(metricsOf(app).map(({ name }) => name))
    const expected = [
      'retrieval_latency_seconds',
      'gpt_latency_seconds',
      'db_save_latency_seconds',
      'request_latency_seconds',
      'cache_hits_total',
      'cache_misses_total',
      'fast_path_latency_seconds',
      'smart_path_latency_seconds',
      'llm_calls_per_request',
      'tokens_per_request',
      'agent_steps_per_request',
      'request_budget_exceeded_total',
      'qos_level_requests_total',
    ]
    t.same(
      expected.filter(name => !names.has(`askwell_${name}`)),
      [],
    )
  })

  t.test('whatever rules and dashboards ask for, the service has or a rule records', async t => {
    const rules = ['recording-rules.yaml', 'alert-rules.yaml'].flatMap(file =>
      readRules(file).flatMap(group => group.rules),
    )
    const recorded = new Set(rules.flatMap(({ record }) => record ?? []))
    const panels = Object.values(dashboards).flatMap(({ rows }) => rows.flatMap(row => row.panels))
    const exprs = [...rules.map(({ expr }) => expr), ...panels.flatMap(({ queries }) => queries.map(([expr]) => expr))]
    const series = new Set(
      metricsOf(app).flatMap(({ name, type }) =>
        type === 'histogram'
          ? [`${name}_bucket`, `${name}_count`, `${name}_sum`]
          : type === 'summary'
            ? [`${name}_count`, `${name}_sum`, name]
            : [name],
      ),
    )
    const asked = new Set(exprs.flatMap(expr => expr.match(/(?:\w+:)*askwell_\w+(?::\w+)?/g) ?? []))
    t.ok(asked.size > 50, `${asked.size} names were found`)
    t.same(
      [...asked].filter(name => !series.has(name) && !recorded.has(name)),
      [],
    )
  })

  t.test(
    'a question counts where it is to: path, steps, tokens, level, the call of the model, what was saved',
    async t => {
      await app.ask({ question: rent })
      await app.ask({ question: rent }, { 'x-priority': 'batch' })
      await app.ask({ question: rent, mode: 'fast', top_k: 2 })
      const { text } = await app.send('GET', '/metrics')
      const lines = [
        'askwell_fast_path_latency_seconds_count 3',
        'askwell_smart_path_latency_seconds_count 0',
        'askwell_retrieval_latency_seconds_count 2',
        'askwell_tokens_per_request_count 3',
        'askwell_tokens_per_request_bucket{le="0"} 1',
        // None for the one that was remembered; the reranker and the writing; the writing.
        'askwell_agent_steps_per_request_bucket{le="0"} 1',
        'askwell_agent_steps_per_request_bucket{le="1"} 2',
        'askwell_agent_steps_per_request_bucket{le="2"} 3',
        'askwell_qos_level_requests_total{level="interactive",served="whole"} 2',
        'askwell_qos_level_requests_total{level="batch",served="whole"} 1',
        'askwell_gpt_latency_seconds_count 2',
        'askwell_gen_ai_client_operation_duration_seconds_count{operation="rerank",error_type=""} 1',
        'askwell_redis_up 1',
        'askwell_database_up 1',
        'askwell_ready 1',
      ]
      for (const line of lines) t.ok(text.split('\n').includes(line), line)
      t.match(text, /^askwell_db_save_latency_seconds_count\{store="redis"\} [1-9]/m)
      t.match(text, /^askwell_build_info\{version="[\d.]+",node="\d+\.\d+\.\d+"\} 1$/m)
    },
  )

  t.test("errors, refusals and what was the caller's own doing are told apart", async t => {
    await app.ask({ question: rent, collection: 'nowhere' })
    await app.ask({ question: rent, top_k: 4, timeout_ms: 1 })
    const { text } = await app.send('GET', '/metrics')
    t.match(text, /^askwell_qos_level_requests_total\{level="interactive",served="failed"\} 1$/m)
    t.match(text, /^askwell_request_budget_exceeded_total\{budget="time"\} 1$/m)
    t.match(text, /^askwell_http_problems_total\{code="unknown_collection"\} 1$/m)
    t.match(text, /^askwell_http_problems_total\{code="deadline_exceeded"\} 1$/m)
    t.match(text, /^askwell_http_problems_total\{code="rate_limited"\} 0$/m)
    t.match(text, /^askwell_http_responses_total\{class="5xx"\} 1$/m)
  })

  t.test('both formats at the same time: each whole, no name of one in the other', async t => {
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        app.send('GET', '/metrics', undefined, { accept: i % 2 === 0 ? openMetrics : '*/*' }),
      ),
    )
    for (const [i, { text, headers }] of replies.entries()) {
      const isOpen = i % 2 === 0
      t.match(
        headers.get('content-type'),
        isOpen ? /^application\/openmetrics-text; version=1\.0\.0/ : /^text\/plain; version=0\.0\.4/,
      )
      t.equal(text.endsWith('# EOF\n'), isOpen)
      t.match(text, isOpen ? /^# TYPE askwell_answers counter$/m : /^# TYPE askwell_answers_total counter$/m)
      t.match(text, /^askwell_answers_total\{generator="llm",abstained="false"\} 3$/m)
      t.notOk(/_total_total| Nan$/m.test(text))
    }
  })

  t.test('promtool finds nothing to say', { skip: prometheusSkipReason() }, async t => {
    const { text } = await app.send('GET', '/metrics')
    t.same(await promtool(['check', 'metrics'], text), { code: 0, text: '' })
  })
})
