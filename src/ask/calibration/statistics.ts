import type { Spread } from './terms.ts'

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Mean and standard deviation; null without values. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null
  const middle = mean(values)
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0)
  return { mean: middle, deviation: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)) }
}

/** A share of the values, interpolated: 0.5 is the median. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)] ?? 0
  return below + (at - Math.floor(at)) * ((sorted[Math.ceil(at)] ?? below) - below)
}

/**
 * The values without those above Tukey's upper fence. A question that is meant to be far may be what a collection is
 * about; its signals are not those of a far one.
 */
export function withoutHighOutliers(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  const [lower, upper] = [quantile(sorted, 0.25), quantile(sorted, 0.75)]
  const fence = upper + 1.5 * (upper - lower)
  return values.filter(value => value <= fence)
}

/** `measured`, drawn towards `prior` as if that had been measured on `strength` values. */
export function shrunk(measured: Spread | null, count: number, prior: Spread, strength: number): Spread {
  if (measured === null || count === 0) return prior
  const share = count / (count + strength)
  return {
    mean: share * measured.mean + (1 - share) * prior.mean,
    deviation: share * measured.deviation + (1 - share) * prior.deviation,
  }
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}
