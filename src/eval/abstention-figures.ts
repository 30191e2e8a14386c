import { auc } from './answers/curves.ts'

/** A question with the confidence that it got, or any other signal for an answer. */
export interface Scored {
  readonly score: number
  readonly isAnswerable: boolean
}

/** Null without one of both. */
export function areaUnderCurve(scored: readonly Scored[]): number | null {
  const scoresOf = (isAnswerable: boolean) =>
    scored.filter(each => each.isAnswerable === isAnswerable).map(each => each.score)
  return auc(scoresOf(true), scoresOf(false))
}

/** The highest threshold below which at most this share of the scores lies. */
export function thresholdLosing(share: number, scores: readonly number[]): number {
  const sorted = scores.toSorted((a, b) => a - b)
  return sorted[Math.floor(share * sorted.length)] ?? 0
}

export function shareBelow(threshold: number, scores: readonly number[]): number {
  return scores.length === 0 ? 0 : scores.filter(score => score < threshold).length / scores.length
}

export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

const bins = 10

/**
 * Expected calibration error: the distance of the mean confidence from the share of answerable questions, over ten bins
 * with equally many questions (Nguyen & O'Connor 2015, doi:10.18653/v1/D15-1182). Questions are weighted so that
 * `answerableShare` of them are answerable, as the confidence supposes. Few questions make it larger by chance.
 */
export function calibrationError(scored: readonly Scored[], answerableShare: number): number {
  const sorted = scored.toSorted((a, b) => a.score - b.score)
  const answerable = sorted.filter(each => each.isAnswerable).length
  if (answerable === 0 || answerable === sorted.length) return 0
  const weightOf = ({ isAnswerable }: Scored) =>
    isAnswerable ? answerableShare / answerable : (1 - answerableShare) / (sorted.length - answerable)
  let error = 0
  for (let bin = 0; bin < bins; bin++) {
    const part = sorted.slice(Math.floor((bin * sorted.length) / bins), Math.floor(((bin + 1) * sorted.length) / bins))
    const distance = part.reduce((sum, each) => sum + weightOf(each) * (each.score - (each.isAnswerable ? 1 : 0)), 0)
    error += Math.abs(distance)
  }
  return error
}

/** 95 % interval by resampling with replacement; `pick(n)` returns a random index below n. */
export function bootstrapped(
  scored: readonly Scored[],
  figure: (scored: readonly Scored[]) => number,
  pick: (count: number) => number,
  rounds = 200,
): Interval {
  const values = Array.from({ length: rounds }, () => figure(scored.map(() => scored[pick(scored.length)]!))).sort(
    (a, b) => a - b,
  )
  return {
    value: figure(scored),
    low: values[Math.floor(rounds * 0.025)] ?? 0,
    high: values[Math.floor(rounds * 0.975)] ?? 0,
  }
}
