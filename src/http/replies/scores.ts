import type { Scores } from '../../ask/terms/passage.ts'

export function scoresJson(scores: Scores) {
  return {
    lexical: roundOrNull(scores.lexical),
    lexical_rank: scores.lexicalRank,
    vector: roundOrNull(scores.vector),
    vector_rank: scores.vectorRank,
    fused: round(scores.fused),
    coverage: round(scores.coverage),
    rerank: roundOrNull(scores.rerank ?? null),
  }
}

export function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}

export function roundOrNull(value: number | null): number | null {
  return value === null ? null : round(value)
}
