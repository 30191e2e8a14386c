import { mean } from '../metrics.ts'

/** One question for a curve: how strongly the answer was recommended, and what became of it. */
export interface Scored {
  /** −Infinity when there is nothing to go by, as without a vector. */
  readonly score: number
  readonly isAnswerable: boolean
  /** Whether the answer, if given, is right. An answer to an unanswerable question never is. */
  readonly isRight: boolean
}

/** What giving all answers with at least this score comes to. */
export interface CurvePoint {
  readonly threshold: number
  readonly right: number
  readonly false: number
  /** Share of all questions that are answered. */
  readonly coverage: number
  /** Share of the given answers that are not right. */
  readonly risk: number
}

/** From no answer to all answers. Questions with equal scores are answered together. */
export function curveOf(scored: readonly Scored[]): CurvePoint[] {
  const groups = [...Map.groupBy(scored, each => each.score)].sort(([a], [b]) => b - a)
  const points: CurvePoint[] = [{ threshold: Infinity, right: 0, false: 0, coverage: 0, risk: 0 }]
  let [answered, right, falsely] = [0, 0, 0]
  for (const [threshold, group] of groups) {
    answered += group.length
    right += group.filter(each => each.isRight).length
    falsely += group.filter(each => !each.isAnswerable).length
    points.push({
      threshold,
      right,
      false: falsely,
      coverage: answered / scored.length,
      risk: 1 - right / answered,
    })
  }
  return points
}

/**
 * Area under risk over coverage (El-Yaniv & Wiener 2010; Geifman & El-Yaniv 2017): the mean risk over all numbers of
 * answered questions. Lower is better. Questions with equal scores are answered in an average order. Null if empty.
 */
export function riskCoverageArea(scored: readonly Scored[]): number | null {
  if (scored.length === 0) return null
  const groups = [...Map.groupBy(scored, each => each.score)].sort(([a], [b]) => b - a)
  const risks: number[] = []
  let [answered, wrong] = [0, 0]
  for (const [, group] of groups) {
    const rate = group.filter(each => !each.isRight).length / group.length
    for (let one = 0; one < group.length; one += 1) {
      answered += 1
      wrong += rate
      risks.push(wrong / answered)
    }
  }
  return mean(risks)
}

/**
 * Area under right answers over false ones, both as shares of what there is: 1 if every answerable question is answered
 * rightly before the first unanswerable one is answered. Null without questions of both kinds.
 */
export function rightFalseArea(scored: readonly Scored[]): number | null {
  const answerable = scored.filter(each => each.isAnswerable).length
  const unanswerable = scored.length - answerable
  if (answerable === 0 || unanswerable === 0) return null
  const points = curveOf(scored)
  let area = 0
  for (const [index, point] of points.entries()) {
    const before = points[index - 1]
    if (before) area += ((point.false - before.false) * (point.right + before.right)) / 2
  }
  return area / answerable / unanswerable
}

/** Most right answers with at most this many false ones. */
export function rightAt(points: readonly CurvePoint[], mostFalse: number): number {
  return Math.max(0, ...points.filter(point => point.false <= mostFalse).map(point => point.right))
}

/** Area under the ROC curve (Mann-Whitney): how often an answerable question scores higher. Null if either is empty. */
export function auc(answerable: readonly number[], unanswerable: readonly number[]): number | null {
  if (answerable.length === 0 || unanswerable.length === 0) return null
  const sorted = [...unanswerable].sort((a, b) => a - b)
  const wins = answerable.map(score => {
    const [below, upTo] = [rankIn(sorted, score, false), rankIn(sorted, score, true)]
    return (below + upTo) / 2
  })
  return mean(wins) / sorted.length
}

/** Number of sorted values below `score`, or also of those equal to it. */
function rankIn(sorted: readonly number[], score: number, withEqual: boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const isBefore = withEqual ? sorted[middle]! <= score : sorted[middle]! < score
    if (isBefore) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Share of the unanswerable questions that a threshold refuses when it may lose at most `loss` (0…1) of the answerable
 * ones, chosen in hindsight. Null if either is empty.
 */
export function refusedAtLoss(
  answerable: readonly number[],
  unanswerable: readonly number[],
  loss: number,
): number | null {
  if (answerable.length === 0 || unanswerable.length === 0) return null
  const sorted = [...answerable].sort((a, b) => a - b)
  // The highest threshold that answers all but the allowed number; scores below it are refused.
  const threshold = sorted[Math.min(sorted.length - 1, Math.floor(loss * sorted.length + 1e-9))]!
  return unanswerable.filter(score => score < threshold).length / unanswerable.length
}
