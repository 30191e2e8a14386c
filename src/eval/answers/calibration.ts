import { bootstrap, type Estimate } from '../intervals.ts'
import { mean } from '../metrics.ts'

/** What the service said of how sure it was, and what became of it. */
export interface Outcome {
  readonly confidence: number
  readonly isSo: boolean
}

export interface Bin {
  readonly of: number
  readonly confidence: number
  readonly share: number
}

export interface Calibration {
  /** Expected calibration error: 0 is best. */
  readonly ece: Estimate
  readonly bins: readonly Bin[]
}

const bins = 10

export function calibrationOf(outcomes: readonly Outcome[]): Calibration {
  return { ece: bootstrap(outcomes, expectedError), bins: binsOf(outcomes) }
}

/**
 * Mean distance between confidence and share over ten bins of equal width, weighted by their questions (Naeini et al.
 * 2015; Guo et al. 2017).
 */
export function expectedError(outcomes: readonly Outcome[]): number | null {
  if (outcomes.length === 0) return null
  const total = binsOf(outcomes).reduce((sum, bin) => sum + bin.of * Math.abs(bin.confidence - bin.share), 0)
  return total / outcomes.length
}

/** Bins that have questions, from the lowest confidence. */
function binsOf(outcomes: readonly Outcome[]): Bin[] {
  const groups = Map.groupBy(outcomes, ({ confidence }) => Math.min(bins - 1, Math.floor(confidence * bins)))
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([, group]) => ({
      of: group.length,
      confidence: mean(group.map(each => each.confidence)),
      share: group.filter(each => each.isSo).length / group.length,
    }))
}
