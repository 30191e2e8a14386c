/** What is measured of a collection and its embedding model. Read-only values; imports nothing. */

/** What similarities of a model mean: at or below `unrelated` there is no relation, at `related` there is one. */
export interface SimilarityRange {
  readonly unrelated: number
  readonly related: number
  /** Distance between a question's most similar passage and its fiftieth, where the model separates them well. */
  readonly span: number
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

export interface Calibration {
  /** Changes with every measurement. */
  readonly version: string
  /** The model of the vectors that were measured; null for a collection without vectors. */
  readonly modelId: number | null
  /** Languages of the collection when it was measured, most frequent first. */
  readonly languages: readonly string[]
  readonly windows: SimilarityRange
  /** Null while the units have no vectors. */
  readonly units: SimilarityRange | null
  /**
   * Weight of the dense retriever, 0…1, by the language of the question (`ru`) or by question and passage (`kk>ru`,
   * which goes first).
   */
  readonly vectorWeights: Readonly<Record<string, number>>
  /** Over questions that have nothing to do with the collection. */
  readonly far: Signals
  /** Over questions made from its own documents. */
  readonly related: Signals
  /** Made from its own documents. */
  readonly questions: number
  /** Chunks of the collection when it was measured. */
  readonly chunkCount: number
}
