import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** How metrics are made: every name under one prefix, label values from closed lists, and series that are found once. */

export const prefix = 'askwell_'

/** Seconds: from a memory hit to the longest answer allowed. */
export const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const

/** Of each label, the values that it may have. */
export type Labels = Readonly<Record<string, readonly string[]>>

export interface CounterSeries {
  add(count?: number): void
}

export interface HistogramSeries {
  /** `traceId`: where the value was traced; the latest of a bucket is kept with it, as an exemplar. */
  observe(value: number, traceId?: string): void
}

/** The values of its labels, in the order in which they were declared. */
export type SeriesOf<Series> = (...values: readonly string[]) => Series

export interface HistogramOptions {
  readonly labels?: readonly string[]
  readonly buckets?: readonly number[]
}

export type Kit = ReturnType<typeof createKit>

export function createKit(registry: Registry) {
  const registers = [registry]

  /**
   * Every series is there from the start, at 0: else its first count would be no increase to Prometheus. Counted in
   * plain numbers, which are copied when somebody reads: an `inc` of prom-client's costs thirty times as much. What is
   * in none of the lists counts as `other`.
   */
  function counter(name: string, help: string, labels: Labels = {}): SeriesOf<CounterSeries> {
    const all: { readonly labels: Record<string, string>; total: number }[] = []
    new Counter({
      name: prefix + name,
      help,
      registers,
      labelNames: Object.keys(labels),
      collect() {
        this.reset()
        for (const each of all) this.inc(each.labels, each.total)
      },
    })
    const known = new Map(Object.entries(labels).map(([label, values]) => [label, new Set(values)]))
    const find = found((values: readonly string[]): CounterSeries => {
      const series = { labels: named(Object.keys(labels), values), total: 0 }
      all.push(series)
      return { add: (count = 1) => void (series.total += count) }
    })
    for (const values of combinations(Object.values(labels))) find(...values)
    return known.size === 0 ? find : closed(find, [...known.values()])
  }

  function histogram(
    name: string,
    help: string,
    { labels = [], buckets = latencyBuckets }: HistogramOptions = {},
  ): SeriesOf<HistogramSeries> {
    const each = new Histogram({ name: prefix + name, help, registers, labelNames: [...labels], buckets: [...buckets] })
    return found(values => seriesIn(each, named(labels, values), buckets))
  }

  /** `read` gives the value now; with labels, it tells each. Undefined: there is none. */
  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: prefix + name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  }

  function gauges(
    name: string,
    help: string,
    labels: readonly string[],
    tell: (set: (value: number, ...values: readonly string[]) => void) => void,
  ): void {
    new Gauge({
      name: prefix + name,
      help,
      registers,
      labelNames: [...labels],
      collect() {
        this.reset()
        tell((value, ...values) => this.set(named(labels, values), value))
      },
    })
  }

  /** A count that is kept elsewhere. */
  function total(name: string, help: string, read: () => number): void {
    new Counter({
      name: prefix + name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }

  return { counter, histogram, gauge, gauges, total }
}

/** What prom-client keeps of one series. */
interface Kept {
  sum: number
  count: number
  readonly bucketValues: Record<string, number>
  bucketExemplars?: Record<string, object>
}

/**
 * prom-client checks and hashes the labels again for each value, which takes .4 µs; here the series is found once, and a
 * value takes .03. It writes them out as its own.
 */
function seriesIn(histogram: Histogram, labels: Record<string, string>, buckets: readonly number[]): HistogramSeries {
  histogram.zero(labels)
  const kept = Object.values((histogram as unknown as { readonly hashMap: Record<string, Kept> }).hashMap).at(
    -1,
  ) as Kept
  // Only a registry that knows no other format than OpenMetrics may have histograms that make these.
  const exemplars: Record<string, object> = (kept.bucketExemplars = {})
  const names = [...buckets.map(String), '-1']
  return {
    observe(value, traceId) {
      kept.sum += value
      kept.count += 1
      let at = 0
      while (at < buckets.length && value > buckets[at]!) at++
      const bucket = names[at]!
      if (at < buckets.length) kept.bucketValues[bucket]! += 1
      if (traceId !== undefined)
        exemplars[bucket] = { labelSet: { trace_id: traceId }, value, timestamp: Date.now() / 1000 }
    },
  }
}

interface Node<Series> {
  series?: Series
  readonly next: Map<string, Node<Series>>
}

/** A series for each list of values, made when first asked for. */
function found<Series>(make: (values: readonly string[]) => Series): SeriesOf<Series> {
  const root: Node<Series> = { next: new Map() }
  return (...values) => {
    let node = root
    for (const value of values) {
      let next = node.next.get(value)
      if (next === undefined) node.next.set(value, (next = { next: new Map() }))
      node = next
    }
    return (node.series ??= make(values))
  }
}

function closed<Series>(find: SeriesOf<Series>, known: readonly ReadonlySet<string>[]): SeriesOf<Series> {
  return (...values) => {
    for (let i = 0; i < values.length; i++)
      if (!known[i]!.has(values[i]!))
        return find(...values.map((value, at) => (known[at]!.has(value) ? value : 'other')))
    return find(...values)
  }
}

function combinations(lists: readonly (readonly string[])[]): string[][] {
  return lists.reduce<string[][]>((all, list) => all.flatMap(each => list.map(value => [...each, value])), [[]])
}

function named(labels: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label, i) => [label, values[i]!]))
}
