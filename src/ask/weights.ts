import type { Embedder } from './embedder.ts'

/** What a similarity of this model means: at or below `unrelated` it says nothing, at `related` it says yes. */
export interface SimilarityRange {
  readonly unrelated: number
  readonly related: number
}

interface ModelNotes {
  /** Share of the vector arm in the fused score. */
  readonly vectorWeight: number
  readonly similarity: SimilarityRange
}

/** use-lite-en was measured on English questions with and without answers; the API's are careful guesses. */
const known: Readonly<Record<string, ModelNotes>> = {
  'use-lite-en': { vectorWeight: 0.33, similarity: { unrelated: 0.35, related: 0.75 } },
  'text-embedding-3-small': { vectorWeight: 0.5, similarity: { unrelated: 0.25, related: 0.6 } },
  'text-embedding-3-large': { vectorWeight: 0.5, similarity: { unrelated: 0.25, related: 0.6 } },
}

/** Of a model we know nothing of, words lead and similarity alone convinces nobody. */
const unknown: ModelNotes = { vectorWeight: 0.3, similarity: { unrelated: 0.5, related: 1.2 } }

/** Shares of the vector arm by language, as `askwell eval --learn` found them for one model. */
export type LearnedWeights = Readonly<Record<string, number>>

/** 0 where the model cannot read the language, whatever was learned: a ranking it makes there is noise. */
export function vectorWeight(embedder: Pick<Embedder, 'model' | 'languages'>, language: string, learned: LearnedWeights): number {
  if (!canRead(embedder, language)) return 0
  return (Object.hasOwn(learned, language) ? learned[language] : undefined) ?? (known[embedder.model] ?? unknown).vectorWeight
}

export function similarityRange(embedder: Pick<Embedder, 'model'>): SimilarityRange {
  return (known[embedder.model] ?? unknown).similarity
}

export function canRead({ languages }: Pick<Embedder, 'languages'>, language: string): boolean {
  return languages === 'any' || languages.includes(language)
}
