/** What a search found, and how sure Askwell is of it. */

import type { SimilarityRange, Spread } from '../calibration/terms.ts'
import type { Degraded } from './answer.ts'
import type { AskedCollection, AbstentionThresholds } from './collection.ts'
import type { Passage } from './passage.ts'
import type { AnalyzedQuestion } from './question.ts'
import type { Usage } from './usage.ts'

export interface SearchResult {
  readonly asked: AnalyzedQuestion
  /** Best first; more than requested until `selectPassages` has chosen. */
  readonly passages: readonly Passage[]
  /** Whether an answer would be written from these passages. */
  readonly isRelevant: boolean
  /** Nothing was asked, so nothing was searched for. */
  readonly isSmallTalk?: true
  readonly evidence: Evidence
  readonly judged: Judgement
  /** `smart` when a model was asked for other wordings. */
  readonly mode: 'fast' | 'smart'
  readonly usage: Usage
  readonly degraded: readonly Degraded[]
  /** Whether the documents changed during one of the searches. */
  readonly isOvertaken: boolean
}

/** What a search found, as far as it shows whether the documents answer the question. */
export interface Evidence {
  /** With what the search found out about its words. */
  readonly asked: AnalyzedQuestion
  /** Best first; the first five count, so that the number requested makes no difference. */
  readonly passages: readonly Passage[]
  /** Similarities of all candidates of the dense retriever; null when it found none. */
  readonly candidates: Spread | null
  /** What similarities mean where the collection has no calibration. */
  readonly similarity: SimilarityRange
  readonly collection: Pick<AskedCollection, 'chunkCount' | 'calibration' | 'abstention' | 'isFilling'>
}

/** How sure Askwell is that the documents answer a question. */
export interface Judgement {
  /** Probability that they do, 0…1; 0 when nothing was found. */
  readonly confidence: number
  readonly thresholds: AbstentionThresholds
  /** What the confidence was computed from, by name. */
  readonly signals: Readonly<Record<string, number>>
  /** What each signal adds to the confidence, the largest first. */
  readonly notes: () => readonly SignalNote[]
}

export interface SignalNote {
  readonly name: string
  readonly value: number
  readonly weight: number
  /** Added to the log-odds of the confidence. */
  readonly contribution: number
}
