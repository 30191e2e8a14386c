import type { Spread } from '../calibration/terms.ts'
import type { Citation, Passage } from '../terms/passage.ts'

/** As many as an answer is written from. */
export const judgedCount = 5

/** The quotations of an answer, and the passages that they are from. */
export interface Quoted {
  readonly citations: readonly Pick<Citation, 'chunkId' | 'quote' | 'title' | 'start' | 'end'>[]
  readonly passages: readonly Passage[]
}

/** Null for no values. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return { mean, deviation: Math.sqrt(variance) }
}
