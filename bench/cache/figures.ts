import { median, rounded } from '../retrieval/summary.ts'
import type { Claim } from './world.ts'

export { median, rounded }

/** Of values in any order; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

export function atLeast(what: string, measured: number, bar: number, digits = 3): Claim {
  return { what, measured: rounded(measured, digits), wanted: `≥ ${bar}`, isReached: measured >= bar }
}

export function atMost(what: string, measured: number, bar: number, digits = 3): Claim {
  return { what, measured: rounded(measured, digits), wanted: `≤ ${bar}`, isReached: measured <= bar }
}

export function exactly(what: string, measured: number, bar: number): Claim {
  return { what, measured, wanted: `= ${bar}`, isReached: measured === bar }
}
