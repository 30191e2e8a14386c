/** What is measured of a collection and its embedding model. Read-only values; imports nothing. */

/** What similarities of a model mean: at or below `unrelated` there is no relation, at `related` there is one. */
export interface SimilarityRange {
  readonly unrelated: number
  readonly related: number
  /** Distance between a question's most similar passage and its fiftieth from which the vectors have their whole weight. */
  readonly span: number
}

/** What a model means while a collection's calibration has not been measured. */
export interface ModelPrior {
  /** Weight of the dense retriever in the fused score, where the model separates passages well. */
  readonly vectorWeight: number
  readonly similarity: SimilarityRange
}

/** A quantity over many questions. */
export interface Spread {
  readonly mean: number
  /** Standard deviation. */
  readonly deviation: number
}

/**
 * - `window`, `unit`: similarity of the most similar window or unit;
 * - `coverage`: share of the question's idf that the best passage has, 0…1;
 * - `lexical`: highest BM25 score, as a share of the most that the question's words can score.
 */
export type SignalName = 'window' | 'unit' | 'coverage' | 'lexical'

/** Null where the signal was not measured: no vectors, no units, or no questions. */
export type Signals = Readonly<Record<SignalName, Spread | null>>

/** Null where it was not measured. */
export type FarSimilarities = Readonly<Record<'window' | 'unit', Spread | null>>

/** Ranges of questions in one language. */
export interface LanguageRange {
  readonly windows: SimilarityRange
  /** Null while the units have no vectors. */
  readonly units: SimilarityRange | null
}

export interface Calibration {
  /** A digest of what was measured. */
  readonly version: string
  /** The version of the way of measuring. */
  readonly measuring: number
  /** The model of the vectors that were measured; null for a collection without vectors. */
  readonly modelId: number | null
  /** Languages of the collection when it was measured, most frequent first. */
  readonly languages: readonly string[]
  readonly windows: SimilarityRange
  /** Null while the units have no vectors. */
  readonly units: SimilarityRange | null
  /** Ranges by the language of the question, where it is one of the collection's. */
  readonly byLanguage: Readonly<Record<string, LanguageRange>>
  /**
   * Weight of the dense retriever, 0…1, by the language of the question (`ru`), and by question and passage (`kk>ru`):
   * for questions in a language of no document, and for how far passages in other languages are trusted.
   */
  readonly vectorWeights: Readonly<Record<string, number>>
  /** Over questions that have nothing to do with the collection. */
  readonly far: Signals
  /** The same by the language of the question, also for languages that only the model reads. */
  readonly farByLanguage: Readonly<Record<string, FarSimilarities>>
  /**
   * Over questions made from its own documents. Coverage and BM25 are a lower bound where it has no questions of its own:
   * a sentence shares fewer words with those around it than a question with its answer.
   */
  readonly related: Signals
  /** Made from its own documents. */
  readonly questions: number
  /** Chunks of the collection when it was measured. */
  readonly chunkCount: number
}
