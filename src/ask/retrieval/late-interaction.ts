import { bestSimilarity, type UnitQuery } from '../../vectors/packed-units.ts'
import type { Candidate } from './passage-search.ts'

/**
 * The candidates, each as near to the question as its best window and its best unit together: their mean. A unit finds
 * the sentence that answers, a window what it is about; each alone loses where the other wins. A candidate whose units
 * are not known gets what units add to the others on average, so that it is ranked by its window as before.
 */
export function withUnits(candidates: readonly Candidate[], query: UnitQuery): readonly Candidate[] {
  const best = candidates.map(({ units, vector }) =>
    units === undefined ? null : bestSimilarity(units, query, vector),
  )
  let [gain, count] = [0, 0]
  candidates.forEach(({ vector }, i) => {
    const unit = best[i] ?? null
    if (vector === null || unit === null) return
    gain += unit - vector
    count += 1
  })
  if (count === 0) return candidates
  const usual = gain / count
  return candidates.map((candidate, i) => {
    const { vector } = candidate
    return vector === null ? candidate : { ...candidate, vector: (vector + (best[i] ?? vector + usual)) / 2 }
  })
}
