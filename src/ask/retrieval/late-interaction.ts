import { bestSimilarity, unitCount, type UnitQuery } from '../../vectors/packed-units.ts'
import type { Candidate } from './passage-search.ts'

/**
 * The candidates of a search that found every chunk, as a retriever finds them: those of the lexical one, and the nearest
 * `limit` by their similarity.
 */
export function nearestOf(candidates: readonly Candidate[], limit: number): readonly Candidate[] {
  const similarities = candidates.flatMap(({ vector }) => vector ?? []).sort((a, b) => b - a)
  const last = similarities[limit - 1]
  if (last === undefined || similarities.length === limit) return candidates
  return candidates.flatMap(each => {
    if (each.vector === null || each.vector >= last) return [each]
    return each.lexical === null ? [] : [{ ...each, vector: null }]
  })
}

/** The share of the unit where a chunk is one window of many units. */
const mostUnitShare = 0.5

/**
 * The candidates, each as near to the question as its best window and its best unit together. A unit finds the sentence
 * that answers, a window what it is about; each alone loses where the other wins. The more windows a chunk has, the less
 * its units add: windows of a sentence or two are nearly units. A candidate whose units are not known gets what units add
 * to the others on average, so that it is ranked by its window as before.
 */
export function withUnits(
  candidates: readonly Candidate[],
  query: UnitQuery,
  windowsPerChunk: number,
): readonly Candidate[] {
  const best = candidates.map(({ units, vector }) =>
    units === undefined ? null : bestSimilarity(units, query, vector),
  )
  let [gain, units, count] = [0, 0, 0]
  candidates.forEach(({ vector, units: packed }, i) => {
    const similarity = best[i] ?? null
    if (vector === null || similarity === null) return
    gain += similarity - vector
    units += unitCount(packed!)
    count += 1
  })
  if (count === 0) return candidates
  const usual = gain / count
  const share = mostUnitShare * Math.max(0, 1 - (windowsPerChunk * count) / units)
  return candidates.map((candidate, i) => {
    const { vector } = candidate
    if (vector === null) return candidate
    return { ...candidate, window: vector, vector: (1 - share) * vector + share * (best[i] ?? vector + usual) }
  })
}
