import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import t from 'tap'
import { expose } from '../../../src/metrics/exposition.ts'
import { mergedRegistry, statesOf } from '../../../src/metrics/merged.ts'

interface Values {
  readonly requests: number
  readonly seconds: readonly number[]
  readonly gauges: Readonly<Record<string, number>>
  readonly verdict: string
}

/** The metrics of one process. */
function registryOf({ requests, seconds, gauges, verdict }: Values): Registry {
  const registry = new Registry()
  const registers = [registry]
  const counter = new Counter({ name: 'askwell_answers_total', help: 'h', registers, labelNames: ['kind'] })
  counter.inc({ kind: 'all' }, requests)
  const buckets = [0.1, 1]
  const latency = new Histogram({
    name: 'askwell_latency_seconds',
    help: 'h',
    registers,
    buckets,
    labelNames: ['mode'],
  })
  for (const each of seconds) latency.observe({ mode: 'fast' }, each)
  for (const [name, value] of Object.entries(gauges)) new Gauge({ name, help: 'h', registers }).set(value)
  const verdicts = new Gauge({ name: 'askwell_verdict', help: 'h', registers, labelNames: ['of', 'verdict'] })
  for (const each of ['ok', 'degraded', 'failing'])
    verdicts.set({ of: 'service', verdict: each }, Number(each === verdict))
  return registry
}

async function textOf(all: readonly Registry[], accept = ''): Promise<string[]> {
  const states = await Promise.all(all.map(statesOf))
  // As it arrives from another process.
  return (await expose(mergedRegistry(structuredClone(states)), accept)).text.split('\n')
}

const one = registryOf({
  requests: 3,
  seconds: [0.05, 0.5],
  gauges: {
    askwell_database_up: 1,
    askwell_pool_size: 10,
    askwell_pool_longest_wait_seconds: 0.2,
    askwell_budget_used_ratio: 0.4,
    askwell_nodejs_eventloop_lag_p99_seconds: NaN,
    askwell_only_here: 5,
  },
  verdict: 'ok',
})
const two = registryOf({
  requests: 4,
  seconds: [5],
  gauges: {
    askwell_database_up: 0,
    askwell_pool_size: 10,
    askwell_pool_longest_wait_seconds: 0.1,
    askwell_budget_used_ratio: 0.5,
    askwell_nodejs_eventloop_lag_p99_seconds: 0.03,
  },
  verdict: 'degraded',
})

t.test('counters, histograms and sizes are summed', async t => {
  const lines = await textOf([one, two])
  for (const line of [
    'askwell_answers_total{kind="all"} 7',
    'askwell_latency_seconds_bucket{le="0.1",mode="fast"} 1',
    'askwell_latency_seconds_bucket{le="1",mode="fast"} 2',
    'askwell_latency_seconds_bucket{le="+Inf",mode="fast"} 3',
    'askwell_latency_seconds_sum{mode="fast"} 5.55',
    'askwell_latency_seconds_count{mode="fast"} 3',
    'askwell_pool_size 20',
    'askwell_only_here 5',
  ])
    t.ok(lines.includes(line), line)
  t.equal(lines.filter(line => line === '# TYPE askwell_answers_total counter').length, 1)
})

t.test('what a sum would falsify: lowest, highest, worst', async t => {
  for (const order of [
    [one, two],
    [two, one],
  ]) {
    const lines = await textOf(order)
    for (const line of [
      'askwell_database_up 0',
      'askwell_pool_longest_wait_seconds 0.2',
      'askwell_budget_used_ratio 0.5',
      'askwell_nodejs_eventloop_lag_p99_seconds 0.03',
      'askwell_verdict{of="service",verdict="ok"} 0',
      'askwell_verdict{of="service",verdict="degraded"} 1',
      'askwell_verdict{of="service",verdict="failing"} 0',
    ])
      t.ok(lines.includes(line), line)
  }
})

t.test('OpenMetrics too, and the registries are left as they were', async t => {
  const lines = await textOf([one, two], 'application/openmetrics-text')
  t.ok(lines.includes('# TYPE askwell_answers counter'))
  t.ok(lines.includes('askwell_answers_total{kind="all"} 7'))
  t.match(await one.metrics(), 'askwell_answers_total{kind="all"} 3')
})
