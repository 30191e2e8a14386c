/** Of one run. Latencies in milliseconds. */
export interface Measured {
  readonly perSecond: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** Of the server's backends, milliseconds a query; NaN where it cannot be measured. */
  readonly serverCpu: number
}

export function measured(latenciesMs: readonly number[], seconds: number): Omit<Measured, 'serverCpu'> {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
  return { perSecond: latenciesMs.length / seconds, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** How far repetitions lie apart, as a share of their median. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values)
}

/** Field by field over repetitions. */
export function medians(runs: readonly Measured[]): Measured {
  const of = (field: keyof Measured) => median(runs.map(run => run[field]))
  return { perSecond: of('perSecond'), p50: of('p50'), p95: of('p95'), p99: of('p99'), serverCpu: of('serverCpu') }
}

export function rounded(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}
