import { Registry } from 'prom-client'
import { prefix } from './kit.ts'

/** A series of a metric, as prom-client hands it over for writing. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  /** Labels that the buckets of a series have in common. */
  readonly sharedLabels?: Readonly<Record<string, string | number>>
  readonly value: number
  /** Set for histograms: the name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string
  readonly exemplar?: unknown
}

/** The state of a metric of one process. Plain data, which can be sent to another process. */
export interface MetricState {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly values: readonly Sample[]
}

interface Readable {
  get(): Promise<MetricState>
  getForPromString?(): Promise<MetricState>
}

export async function statesOf(registry: Registry): Promise<readonly MetricState[]> {
  const metrics = registry.getMetricsAsArray() as unknown as Readable[]
  return await Promise.all(
    metrics.map(async metric => {
      const { name, help, type, values } = await (metric.getForPromString?.() ?? metric.get())
      return { name, help, type, values }
    }),
  )
}

type Merge = (one: number, other: number) => number

const sum: Merge = (one, other) => one + other
// An event loop delay is NaN if it was read a moment before.
const highest: Merge = (one, other) => (one > other || Number.isNaN(other) ? one : other)
const lowest: Merge = (one, other) => (one < other || Number.isNaN(other) ? one : other)

/**
 * Metrics whose sum over processes means nothing. States and findings are 1 if they are true of one process; `_up` and
 * `ready` only if they are true of all. What the primary counts is known to every worker.
 */
const exceptions: readonly (readonly [names: RegExp, merge: Merge])[] = [
  [/^(database_up|redis_up|ready|process_start_time_seconds|nodejs_eventloop_lag_min_seconds)$/, lowest],
  [/^(verdict|finding|breaker_state|model_saturated|build_info|nodejs_version_info)$/, highest],
  [/^(pool_longest_\w+|nodejs_eventloop_lag_\w*seconds)$/, highest],
  [/^(worker_processes|worker_restarts_total|budget_used_ratio)$/, highest],
]

function mergeOf(name: string): Merge {
  const short = name.slice(prefix.length)
  return exceptions.find(([names]) => names.test(short))?.[1] ?? sum
}

/** A registry with the metrics of several processes as one. Metrics and series that only some have are kept. */
export function mergedRegistry(processes: readonly (readonly MetricState[])[]): Registry {
  const merged = new Registry()
  const byName = Map.groupBy(processes.flat(), ({ name }) => name)
  for (const [name, states] of byName) {
    const state = mergedState(states, mergeOf(name))
    // prom-client's writer asks only for these.
    merged.registerMetric({ name, type: state.type, get: () => Promise.resolve(state) } as never)
  }
  return merged
}

function mergedState(states: readonly MetricState[], merge: Merge): MetricState {
  const series = new Map<string, Sample>()
  for (const { values } of states) {
    for (const each of values) {
      const key = keyOf(each)
      const known = series.get(key)
      series.set(key, known ? { ...each, ...known, value: merge(known.value, each.value) } : each)
    }
  }
  const state = { ...states[0]!, values: [...series.values()] }
  return state.name === `${prefix}verdict` ? withWorstVerdict(state) : state
}

/** Label values contain no control characters: they come from closed lists. */
function keyOf({ metricName = '', labels, sharedLabels = {} }: Sample): string {
  return [metricName, ...Object.entries(sharedLabels).flat(), '', ...Object.entries(labels).flat()].join('\n')
}

/** Verdicts are listed from good to bad; of those that processes have, only the worst is left. */
function withWorstVerdict(state: MetricState): MetricState {
  const worst = new Map<string, Sample>()
  for (const each of state.values) if (each.value === 1) worst.set(String(each.labels['of']), each)
  const values = state.values.map(each => ({
    ...each,
    value: Number(worst.get(String(each.labels['of'])) === each),
  }))
  return { ...state, values }
}
