/** Answers, and the events of a run. */

import type { CacheNote } from './caching.ts'
import type { Passage, Citation } from './passage.ts'
import type { Usage } from './usage.ts'

/**
 * What the answer had to do without; `capacity`: the service was too busy for a fresh run; `grounding`: the passages do not
 * support what the model wrote.
 */
export type Degraded =
  'budget' | 'cache' | 'capacity' | 'database' | 'embeddings' | 'generation' | 'grounding' | 'rerank'

/**
 * `llm`: a language model behind an OpenAI-compatible API; `extractive`: quoted sentences; `none`: abstained without a
 * model, or small talk.
 */
export type Generator = 'llm' | 'extractive' | 'none'

export interface Answer {
  readonly text: string
  readonly abstained: boolean
  readonly language: string
  readonly mode: 'fast' | 'smart'
  readonly citations: readonly Citation[]
  readonly passages: readonly Passage[]
  readonly cache: CacheNote
  readonly degraded: readonly Degraded[]
  readonly generator: Generator
  readonly model: string | null
  readonly usage: Usage
  /** Probability that the documents answer the question, 0…1; absent when that was not judged. */
  readonly confidence?: number
  /** The documents changed during the search, so the answer belongs to no epoch and must not be cached. */
  readonly isOvertaken?: true
  /** The model's text reached its token limit, so its rest is missing. Such an answer is not cached. */
  readonly isTruncated?: true
  /** A reply to a greeting, thanks or a goodbye: neither an answer nor an abstention. */
  readonly isSmallTalk?: true
}

/** The events of a pipeline run, in this order; `done` is last and contains the whole answer. */
export type AskEvent =
  | { readonly type: 'passages'; readonly passages: readonly Passage[]; readonly cache?: CacheNote }
  /** `insteadOf`: quotes in place of the model's text, which is missing for this reason. A cached answer would be better. */
  | { readonly type: 'delta'; readonly text: string; readonly insteadOf?: Degraded }
  | { readonly type: 'citations'; readonly citations: readonly Citation[] }
  | { readonly type: 'done'; readonly answer: Answer }
