import type { Spread } from '../figures/windows.ts'

/** How values of several processes become one. */

export type Counts = Readonly<Record<string, number>>

export function sumOf<T>(all: readonly T[], pick: (each: T) => number): number {
  return all.reduce((sum, each) => sum + pick(each), 0)
}

/** Null if all are. */
export function highestOf(values: readonly (number | null)[]): number | null {
  const known = values.filter(value => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

/** Null if all are. */
export function sumOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter(value => value !== null)
  return known.length === 0 ? null : sumOf(known, value => value)
}

export function sumOfCounts(all: readonly Counts[]): Counts {
  const names = new Set(all.flatMap(counts => Object.keys(counts)))
  return Object.fromEntries([...names].map(name => [name, sumOf(all, counts => counts[name] ?? 0)]))
}

/** Applies `merge` to the values of each name, where they exist. */
export function mergedBy<T>(
  all: readonly Readonly<Record<string, T>>[],
  merge: (values: readonly T[]) => T,
): Record<string, T> {
  const names = new Set(all.flatMap(each => Object.keys(each)))
  return Object.fromEntries(
    [...names].map(name => [name, merge(all.flatMap(each => (name in each ? [each[name] as T] : [])))]),
  )
}

/**
 * The count of all, and of each quantile the highest one. A quantile of all values together lies between those of the
 * parts, so this is never too low.
 */
export function mergedSpread(all: readonly Spread[]): Spread {
  return {
    count: sumOf(all, ({ count }) => count),
    p50: highestOf(all.map(({ p50 }) => p50)),
    p95: highestOf(all.map(({ p95 }) => p95)),
    p99: highestOf(all.map(({ p99 }) => p99)),
    max: highestOf(all.map(({ max }) => max)),
  }
}

export function ratioOf(part: number, whole: number): number | null {
  return whole > 0 ? Math.round((part / whole) * 10_000) / 10_000 : null
}

/** Merges the steps of series that end at the same time; some may have begun later. */
export function mergedSteps<T>(all: readonly (readonly T[])[], merge: (values: readonly T[]) => T): T[] {
  const length = Math.max(...all.map(steps => steps.length))
  return Array.from({ length }, (_, i) =>
    merge(all.flatMap(steps => (i >= length - steps.length ? [steps[i - length + steps.length] as T] : []))),
  )
}

/** One that is not usable, if there is one. */
export function worstRedis<T extends { readonly state: string }>(all: readonly T[]): T {
  return all.find(({ state }) => state !== 'ready' && state !== 'off') ?? all[0]!
}

/** The last of `order` that is among the values. */
export function worstOf<T extends string>(order: readonly T[], values: readonly T[]): T {
  return order.findLast(each => values.includes(each)) ?? values[0]!
}
