import type { Scores } from '../terms/passage.ts'
import { similaritiesWithoutBias, wordScore, type LanguageView } from './across-languages.ts'
import type { Candidate } from './passage-search.ts'

export interface Ranked {
  readonly chunkId: number
  readonly scores: Scores
}

/** How the rankings are fused; `rrfK` applies to `rrf` only. */
export interface Fusion {
  readonly fusion: 'weighted' | 'rrf'
  readonly rrfK: number
}

const weighted: Fusion = { fusion: 'weighted', rrfK: 60 }

/**
 * Fuses both rankings. `vectorWeight` 0…1 is the weight of the dense retriever, the lexical one has the rest; `rrf`
 * ignores it. A chunk that a retriever did not find gets that retriever's lowest score. `view` is null where all
 * candidates are in the question's language.
 */
export function fuse(
  candidates: readonly Candidate[],
  vectorWeight: number,
  { fusion, rrfK }: Fusion = weighted,
  view: LanguageView | null = null,
): Ranked[] {
  const lexicalRanks = ranks(candidates.map(e => e.lexical))
  const vectorRanks = ranks(candidates.map(e => e.vector))
  const fused =
    fusion === 'rrf' ? reciprocal([lexicalRanks, vectorRanks], rrfK) : combined(candidates, vectorWeight, view)
  const ranked = candidates.map((e, i): Ranked => ({
    chunkId: e.chunkId,
    scores: {
      lexical: e.lexical,
      lexicalRank: lexicalRanks[i] ?? null,
      vector: e.vector,
      vectorRank: vectorRanks[i] ?? null,
      fused: fused[i] ?? 0,
      coverage: e.coverage,
    },
  }))
  return ranked.sort((a, b) => b.scores.fused - a.scores.fused || a.chunkId - b.chunkId)
}

/** Words always keep some weight: a model errs on names and numbers. */
const maxVectorShare = 0.6

/**
 * The weight of the dense retriever for one question: its configured weight, scaled by how far the similarities spread
 * compared to a case where the model separates passages well. Scaled to 0…1 regardless of spread, fifty candidates that
 * differ by 0.08 would count as much as fifty that differ by 0.35, though their order is noise. The spread of a
 * ranking's scores predicts its quality (Shtok, Kurland & Carmel 2012, doi:10.1145/2180868.2180873). It gains 0.004
 * (xquad-en) and 0.011 (cranfield) nDCG@10 over the best fixed weight.
 */
export function vectorShare(candidates: readonly Candidate[], weight: number, span: number): number {
  if (candidates.every(each => each.lexical === null)) return 1
  // Of windows, as the span of the model was measured.
  const found = candidates.flatMap(({ vector, window }) => (vector === null ? [] : [window ?? vector]))
  if (found.length === 0) return 0
  return Math.min(maxVectorShare, (weight * (Math.max(...found) - Math.min(...found))) / span)
}

/**
 * Weighted sum of min-max scores (convex combination: Bruch, Gai & Ingber 2023, doi:10.1145/3596512). A weak retriever
 * counts only by its weight, where reciprocal rank fusion lets it ruin a good ranking.
 */
function combined(candidates: readonly Candidate[], vectorWeight: number, view: LanguageView | null): number[] {
  const lexical = scale(candidates.map(e => e.lexical))
  const similar = scale(view ? similaritiesWithoutBias(candidates, view) : candidates.map(e => e.vector))
  const vector = view ? similar.map((score, i) => score * view.trust[i]!) : similar
  const words = view ? lexical.map((own, i) => wordScore({ lexical: own, vector: vector[i]! }, view, i)) : lexical
  return candidates.map(({ isBare }, i) => {
    // Its similarity is not low but unknown.
    const weight = isBare ? 0 : vectorWeight
    return (1 - weight) * words[i]! + weight * vector[i]!
  })
}

/**
 * Reciprocal rank fusion (Cormack, Clarke & Büttcher 2009, doi:10.1145/1571941.1572114), scaled so that rank 1 in both
 * is 1.
 */
function reciprocal(rankings: readonly (readonly (number | null)[])[], k: number): number[] {
  const [first = []] = rankings
  return first.map((_, i) => rankings.reduce((sum, rank) => sum + part(rank[i] ?? null), 0) / rankings.length)

  function part(rank: number | null): number {
    return rank === null ? 0 : (k + 1) / (k + rank)
  }
}

/** Scales to 0…1; chunks not found get 0. A single score becomes 1: it is the best there is. */
function scale(values: readonly (number | null)[]): number[] {
  const found = values.filter(value => value !== null)
  const low = Math.min(...found)
  const span = Math.max(...found) - low
  return values.map(value => (value === null ? 0 : span > 0 ? (value - low) / span : 1))
}

function ranks(values: readonly (number | null)[]): (number | null)[] {
  const order = values
    .flatMap((value, index) => (value === null ? [] : [{ value, index }]))
    .sort((a, b) => b.value - a.value)
  const rankOf = new Map(order.map(({ index }, rank) => [index, rank + 1]))
  return values.map((_, index) => rankOf.get(index) ?? null)
}
