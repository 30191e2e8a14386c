/** Metrics of one ranking against judgements, as trec_eval defines them, all 0…1. The functions are pure. */

/** Integer grades by document id; 1 and above is relevant. */
export type Judged = ReadonlyMap<string, number>

/**
 * Normalised discounted cumulative gain (Järvelin & Kekäläinen 2002, doi:10.1145/582415.582418), like ndcg_cut of
 * trec_eval: the gain is the grade itself (linear), the discount is log2(rank + 1), and the ideal ranking is over all
 * judged documents. `ranked` lists document ids, best first, without repeats.
 */
export function ndcg(ranked: readonly string[], judged: Judged, depth: number): number {
  const ideal = discountedGain(
    [...judged.values()].sort((a, b) => b - a),
    depth,
  )
  return ideal === 0
    ? 0
    : discountedGain(
        ranked.map(id => judged.get(id) ?? 0),
        depth,
      ) / ideal
}

function discountedGain(grades: readonly number[], depth: number): number {
  return grades.slice(0, depth).reduce((sum, grade, index) => sum + Math.max(0, grade) / Math.log2(index + 2), 0)
}

/** Share of the relevant documents that are among the first `depth` (recall_<depth> of trec_eval). */
export function recall(ranked: readonly string[], judged: Judged, depth: number): number {
  const relevant = [...judged.values()].filter(isRelevant).length
  const found = ranked.slice(0, depth).filter(id => isRelevant(judged.get(id) ?? 0)).length
  return relevant === 0 ? 0 : found / relevant
}

/** Reciprocal rank of the first relevant document, 0 if none is among the first `depth` (Voorhees 1999, TREC-8 QA). */
export function reciprocalRank(ranked: readonly string[], judged: Judged, depth: number): number {
  const index = ranked.slice(0, depth).findIndex(id => isRelevant(judged.get(id) ?? 0))
  return index === -1 ? 0 : 1 / (index + 1)
}

export function isRelevant(grade: number): boolean {
  return grade >= 1
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Nearest-rank percentile: the smallest value that at least `share` (0…1) of all values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
