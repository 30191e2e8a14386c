import { mean } from './metrics.ts'
import { randomFrom } from './random.ts'

/** A figure with its 95 % interval; `value` is null when there is nothing to measure. */
export interface Estimate {
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
  /** Number of questions that it is over. */
  readonly of: number
}

/** A share of questions: `count` of `of`. */
export interface Share extends Estimate {
  readonly count: number
}

/** Quantile of the normal distribution for 95 %. */
const z = 1.959963984540054

/** The share with the interval of Wilson (1927), which stays within 0…1 and is honest for small counts. */
export function wilson(count: number, of: number): Share {
  if (of === 0) return { value: null, low: null, high: null, of, count }
  const share = count / of
  const scale = 1 + z ** 2 / of
  const middle = (share + z ** 2 / (2 * of)) / scale
  const reach = (z / scale) * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2))
  // At the ends, rounding could exclude the share itself, or leave 0…1.
  const [low, high] = [Math.max(0, Math.min(share, middle - reach)), Math.min(1, Math.max(share, middle + reach))]
  return { value: share, low, high, of, count }
}

export function shareOf<T>(values: readonly T[], matches: (value: T) => boolean): Share {
  return wilson(values.filter(matches).length, values.length)
}

const resamples = 1000

/**
 * Percentile bootstrap (Efron 1979) of any statistic of the values. The seed is fixed, so that equal results have equal
 * intervals. Resamples for which the statistic is undefined are left out.
 */
export function bootstrap<T>(values: readonly T[], statistic: (values: readonly T[]) => number | null): Estimate {
  const value = values.length === 0 ? null : statistic(values)
  if (value === null) return { value: null, low: null, high: null, of: values.length }
  const random = randomFrom(20)
  const found: number[] = []
  for (let round = 0; round < resamples; round += 1) {
    const one = statistic(values.map(() => values[Math.floor(random() * values.length)]!))
    if (one !== null) found.push(one)
  }
  found.sort((a, b) => a - b)
  const at = (share: number) => found[Math.min(found.length - 1, Math.floor(share * found.length))] ?? value
  return { value, low: at(0.025), high: at(0.975), of: values.length }
}

export function meanOf(values: readonly number[]): Estimate {
  return bootstrap(values, mean)
}
