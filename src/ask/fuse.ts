import type { Scores } from './terms.ts'

/** What the two arms say of a chunk; the shape that the passage store finds. */
export interface Evidence {
  readonly chunkId: number
  readonly lexical: number | null
  readonly coverage: number
  readonly vector: number | null
}

export interface Ranked {
  readonly chunkId: number
  readonly scores: Scores
}

/**
 * Weighted sum of min-max scores (convex combination: Bruch, Gai & Ingber 2023). Reciprocal rank fusion lets a
 * weak arm ruin a good ranking; here the weak arm has the say that its weight gives it. A chunk that an arm did
 * not find gets that arm's least score. `vectorWeight` 0…1; the lexical arm has the rest.
 */
export function fuse(evidence: readonly Evidence[], vectorWeight: number): Ranked[] {
  const lexical = scale(evidence.map(e => e.lexical))
  const vector = scale(evidence.map(e => e.vector))
  const lexicalRanks = ranks(evidence.map(e => e.lexical))
  const vectorRanks = ranks(evidence.map(e => e.vector))
  const ranked = evidence.map((e, i): Ranked => ({
    chunkId: e.chunkId,
    scores: {
      lexical: e.lexical,
      lexicalRank: lexicalRanks[i] ?? null,
      vector: e.vector,
      vectorRank: vectorRanks[i] ?? null,
      fused: (1 - vectorWeight) * (lexical[i] ?? 0) + vectorWeight * (vector[i] ?? 0),
      coverage: e.coverage,
    },
  }))
  return ranked.sort((a, b) => b.scores.fused - a.scores.fused || a.chunkId - b.chunkId)
}

/** To 0…1; what was not found is 0. A single score is 1: it is the best there is. */
function scale(values: readonly (number | null)[]): number[] {
  const found = values.filter(value => value !== null)
  const low = Math.min(...found)
  const span = Math.max(...found) - low
  return values.map(value => (value === null ? 0 : span > 0 ? (value - low) / span : 1))
}

function ranks(values: readonly (number | null)[]): (number | null)[] {
  const order = values.flatMap((value, index) => (value === null ? [] : [{ value, index }])).sort((a, b) => b.value - a.value)
  const places = new Map(order.map(({ index }, place) => [index, place + 1]))
  return values.map((_, index) => places.get(index) ?? null)
}
