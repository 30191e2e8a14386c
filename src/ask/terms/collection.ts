/** A collection as questions see it. */

import type { Calibration } from '../calibration/terms.ts'

/** The collection of a question, as it is at `epoch`. */
export interface AskedCollection {
  readonly id: number
  readonly name: string
  /** Grows with every write, so the larger is the later. After a restore the same number may be used again. */
  readonly epoch: number
  /** Random, new with every write: the same mark means the same documents. */
  readonly epochMark: string
  /** The model of its vectors; null while it has none. */
  readonly modelId: number | null
  /** Its vectors are another model's than ours, or ours has changed: it is searched by words alone. */
  readonly hasOtherVectors?: boolean
  /** Some chunks may have no vectors yet; they are ranked and judged by their words. */
  readonly isFilling?: boolean
  readonly chunkCount: number
  /** Mean vectors per chunk, rounded up. */
  readonly windowsPerChunk: number
  /** `ef_search` of the vector index; null until measured. */
  readonly efSearch: number | null
  /** Languages of its chunks, most frequent first. */
  readonly languages: readonly string[]
  /** Weight of the dense retriever by language, 0…1, where it was learned for this model. */
  readonly vectorWeights: Readonly<Record<string, number>>
  /** Measured of these documents and the model of their vectors; null until then. */
  readonly calibration: Calibration | null
  /** Its own thresholds, where they were tuned. */
  readonly abstention?: AbstentionThresholds
  readonly caching: CollectionCaching
  /** Set when the database could not be read, so this may be out of date. Only cached answers may be served then. */
  readonly unchecked?: { readonly error: unknown; readonly sinceMs: number }
}

/** Cache settings of the collection; what is absent falls back to the service's settings. */
export interface CollectionCaching {
  readonly seconds?: number
  readonly fastSeconds?: number
  /** False when the semantic cache is off for this collection. */
  readonly near?: boolean
  /** When its caches were last cleared, in microseconds since 1970. Nothing cached before is served. */
  readonly cleared?: number
}

/** Confidence from which an answer is given. */
export interface AbstentionThresholds {
  /** Below it a language model is not asked: it could say itself that it finds nothing, but it costs time and money. */
  readonly hopeless: number
  /** Below it sentences are not quoted, and passages are searched for in other words. */
  readonly doubtful: number
}

/** Thresholds of a collection, and what they were found with. */
export interface CollectionAbstention extends AbstentionThresholds {
  /** Share of the answerable questions that was allowed to be refused. */
  readonly lose: number
  readonly questions: number
  /** By people; otherwise made from the documents. */
  readonly isJudged: boolean
}
