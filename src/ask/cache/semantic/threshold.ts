/** A fresh answer compared with what a similar cached question would have given. */
export interface Observation {
  /** Cosine of the two questions' vectors, −1…1. */
  readonly similarity: number
  /** Whether the cached answer would have been right. */
  readonly isRight: boolean
}

export interface Threshold {
  /** From this similarity on, a similar question's answer may be served. */
  readonly similarity: number
  /** Upper bound on the share of wrong answers, at the requested confidence. */
  readonly errorBound: number
  /** The evidence: comparisons of this similarity or more, and how many of them were wrong. */
  readonly total: number
  readonly wrong: number
}

export interface ThresholdOptions {
  /** Accepted share of wrong answers among those served, above 0 and below 1. */
  readonly acceptedError: number
  /** Confidence that the bound holds at any one moment; above 0 and below 1. */
  readonly confidence?: number
}

/** The grid, in hundredths. Below 0.70 no model that we know calls two wordings of one question similar. */
const top = 100
const bottom = 70

/**
 * The lowest similarity from which on similar answers are wrong no more often than accepted; null while the evidence
 * does not show one. The idea is vCache's (Schroeder et al. 2025, arXiv:2502.03771): no threshold suits every model and
 * corpus, so it is learned online, under an error bound that the operator sets. The test is exact:
 *
 * - At a grid point, the share of wrong answers among all comparisons of at least its similarity has a one-sided
 *   Clopper–Pearson bound (see {@link errorBound}). The point passes when that is not above the accepted error.
 * - Points are tested from the top down, and the first that fails ends the test (fixed-sequence testing: Angelopoulos
 *   et al. 2021, "Learn then Test", arXiv:2110.01052). So the confidence holds for all points together, not for each
 *   alone.
 * - The first few comparisons cannot pass even if all are right, and would end the sequence at once. It therefore
 *   starts at the highest point that could pass: with 299 comparisons, for 1 % at 0.95. Where it starts, and which
 *   points it has, depends on similarities alone, never on which answers were right. Conditional on the similarities
 *   the comparisons are still independent. They are not equally likely to be wrong, but so few wrong ones are then even
 *   less likely than the binomial says (Hoeffding 1956), so this choice costs no confidence. Points above the start are
 *   not tested on their own; they only contribute to the counts.
 * - A point without a comparison in its own hundredth is skipped: nothing is known there.
 *
 * The bound covers the error over similarities as they were observed. If higher similarities are wrong less often, as
 * they are, all higher thresholds are within it too. It holds at each moment, not at all moments together: testing
 * again after every comparison will at some time meet one of the 5 %.
 */
export function learnThreshold(
  observations: readonly Observation[],
  { acceptedError, confidence = 0.95 }: ThresholdOptions,
): Threshold | null {
  const fewest = Math.log(1 - confidence) / Math.log1p(-acceptedError)
  const tested = gridOf(observations).filter(({ total }) => total >= fewest)
  const failed = tested.findIndex(({ wrong, total }) => logTail(wrong, total, acceptedError) > Math.log(1 - confidence))
  const last = tested[(failed < 0 ? tested.length : failed) - 1]
  return last ? { ...last, errorBound: errorBound(last.wrong, last.total, confidence) } : null
}

/** Grid points with comparisons of their own, highest first; counts cover that similarity and more. */
function gridOf(observations: readonly Observation[]): Omit<Threshold, 'errorBound'>[] {
  const byHundredth = Map.groupBy(observations, ({ similarity }) => hundredth(similarity))
  const points: Omit<Threshold, 'errorBound'>[] = []
  let total = 0
  let wrong = 0
  for (let point = top; point >= bottom; point--) {
    const own = byHundredth.get(point)
    if (!own) continue
    total += own.length
    wrong += own.filter(({ isRight }) => !isRight).length
    points.push({ similarity: point / 100, total, wrong })
  }
  return points
}

/** Rounds first: 0.95 × 100 must be 95 and not a little less. */
function hundredth(similarity: number): number {
  return Math.min(top, Math.floor(Math.round(similarity * 1e6) / 1e4))
}

/** Halvings of 0…1 until it is as exact as a double. */
const halvings = 60

/**
 * The one-sided upper bound of a rate when `wrong` of `total` were observed (Clopper and Pearson 1934): the rate at
 * which so few would be observed with a probability of just 1 − confidence. Exact, not an approximation.
 */
export function errorBound(wrong: number, total: number, confidence: number): number {
  if (wrong >= total) return 1
  let [low, high] = [wrong / total, 1]
  for (let i = 0; i < halvings; i++) {
    const middle = (low + high) / 2
    if (logTail(wrong, total, middle) > Math.log(1 - confidence)) low = middle
    else high = middle
  }
  return high
}

/**
 * log P(X ≤ wrong) for X ~ Binomial(total, rate). In logarithms, because values such as 0.99 to the power of 5,000
 * underflow when added.
 */
function logTail(wrong: number, total: number, rate: number): number {
  const logOdds = Math.log(rate) - Math.log1p(-rate)
  let term = total * Math.log1p(-rate)
  let largest = term
  let sum = 1 // in units of the largest term
  for (let k = 1; k <= wrong; k++) {
    term += Math.log((total - k + 1) / k) + logOdds
    sum = term > largest ? sum * Math.exp(largest - term) + 1 : sum + Math.exp(term - largest)
    largest = Math.max(largest, term)
  }
  return largest + Math.log(sum)
}
