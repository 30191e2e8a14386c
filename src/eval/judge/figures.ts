import { meanOf, wilson, type Estimate, type Share } from '../intervals.ts'
import { mean } from '../metrics.ts'
import type { Judged, JudgedClaim } from './judge.ts'

/** Means over the answers, with intervals; only usable judgements count. */
export interface JudgeFigures {
  readonly answers: number
  readonly claims: number
  /** Mean grade of the claims: 1 if all of a claim follows from what it cites, 0.5 for a part of it. */
  readonly faithfulness: Estimate
  /** Share of the claims that follow from what they cite, per answer. */
  readonly citationRecall: Estimate
  /** Share of the citations that are needed or support something, per answer. */
  readonly citationPrecision: Estimate
  readonly relevance: Estimate
  readonly completeness: Estimate
  /** Judgements without a usable verdict, after all attempts. */
  readonly unusable: Share
}

export function judgeFigures(all: readonly Judged[]): JudgeFigures {
  const calls = all.reduce((sum, each) => sum + each.calls, 0)
  const unusable = all.reduce((sum, each) => sum + each.unusable, 0)
  return {
    answers: all.length,
    claims: all.reduce((sum, { claims }) => sum + claims.length, 0),
    faithfulness: perAnswer(all, claims => claims.flatMap(({ support }) => support ?? [])),
    citationRecall: perAnswer(all, claims =>
      claims.flatMap(({ support }) => (support === null ? [] : Number(support === 1))),
    ),
    citationPrecision: perAnswer(all, claims =>
      claims.flatMap(({ citations }) => citations.flatMap(isNeeded => (isNeeded === null ? [] : Number(isNeeded)))),
    ),
    relevance: meanOf(all.flatMap(({ relevance }) => relevance ?? [])),
    completeness: meanOf(all.flatMap(({ completeness }) => completeness ?? [])),
    unusable: wilson(unusable, calls),
  }
}

/** The interval is over answers, because the claims of one answer are alike. */
function perAnswer(all: readonly Judged[], valuesOf: (claims: readonly JudgedClaim[]) => number[]): Estimate {
  return meanOf(
    all.flatMap(({ claims }) => {
      const values = valuesOf(claims)
      return values.length === 0 ? [] : [mean(values)]
    }),
  )
}
