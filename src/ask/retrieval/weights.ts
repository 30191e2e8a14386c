import type { SimilarityRange } from '../calibration/terms.ts'
import type { Embedder } from './embedder.ts'

interface ModelNotes {
  /** Weight of the dense retriever in the fused score, where the model separates passages well. */
  readonly vectorWeight: number
  readonly similarity: SimilarityRange
}

/** use-lite-en was measured on English questions with and without answers; the others are conservative estimates. */
const known: Readonly<Record<string, ModelNotes>> = {
  'use-lite-en': { vectorWeight: 0.7, similarity: { unrelated: 0.35, related: 0.75, span: 0.4 } },
  'text-embedding-3-small': { vectorWeight: 0.6, similarity: { unrelated: 0.25, related: 0.6, span: 0.35 } },
  'text-embedding-3-large': { vectorWeight: 0.6, similarity: { unrelated: 0.25, related: 0.6, span: 0.35 } },
  'multilingual-e5-small': { vectorWeight: 0.6, similarity: { unrelated: 0.82, related: 0.91, span: 0.1 } },
}

/** For an unknown model words lead, and similarity alone is never enough. */
const unknown: ModelNotes = { vectorWeight: 0.3, similarity: { unrelated: 0.9, related: 1.2, span: 0.3 } }

/**
 * Looks a model up by its family; the decoration of its name only distinguishes its vectors (`onnx:NAME#fingerprint`,
 * `NAME + prefix`).
 */
function notesOf(model: string): ModelNotes {
  const name = model
    .replace(/^onnx:/, '')
    .replace(/#.*$/, '')
    .replace(/ \+ .*$/s, '')
    .replace(/^.*\//, '')
  return (Object.hasOwn(known, name) ? known[name] : undefined) ?? unknown
}

/** Weights of the dense retriever by language, as `askwell eval --learn` found them for one model. */
export type LearnedWeights = Readonly<Record<string, number>>

/** 0 when the model cannot read the language, whatever was learned: its ranking there is noise. */
export function vectorWeight(
  embedder: Pick<Embedder, 'model' | 'languages'>,
  language: string,
  learned: LearnedWeights,
): number {
  if (!canRead(embedder, language)) return 0
  return (Object.hasOwn(learned, language) ? learned[language] : undefined) ?? notesOf(embedder.model).vectorWeight
}

export function similarityRange(embedder: Pick<Embedder, 'model'>): SimilarityRange {
  return notesOf(embedder.model).similarity
}

export function canRead({ languages }: Pick<Embedder, 'languages'>, language: string): boolean {
  return languages === 'any' || languages.includes(language)
}
