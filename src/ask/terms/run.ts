/** The context of a question, and the service as one function. */

import type { Priority } from '../../priority.ts'
import type { AskEvent } from './answer.ts'
import type { CacheDirectives } from './caching.ts'
import type { AskedCollection } from './collection.ts'
import type { Judgement } from './evidence.ts'
import type { Passage } from './passage.ts'
import type { Question, AnalyzedQuestion } from './question.ts'
import type { Payer } from './usage.ts'

export type StageName =
  /** Waiting in the admission queue; `remember` may have run before it. */
  'admit' | 'remember' | 'understand' | 'embed' | 'retrieve' | 'rerank' | 'generate' | 'ground' | 'extract'

export type Outcome = 'ok' | 'error' | 'deadline' | 'cancelled'

/** The pipeline, with its collection already loaded. */
export type AskWithin = (
  question: Question,
  collection: AskedCollection,
  run: Run,
) => AsyncGenerator<AskEvent, void, undefined>

/** The whole service as one function: what the edge calls. */
export type Ask = (question: Question, run: Run) => AsyncGenerator<AskEvent, void, undefined>

/** The context of one request, passed to every stage. Nothing is written to it. */
export interface Run {
  readonly id: string
  /** Aborts when nobody waits for the answer any longer. */
  readonly signal: AbortSignal
  /** Absolute, on the clock of `performance.now()`, in milliseconds. */
  readonly deadline: number
  readonly log: RunLog
  /** The caller shows text as it arrives, so nothing already sent can be taken back. */
  readonly isStreamed: boolean
  /** Interactive when absent. */
  readonly priority?: Priority
  /** Whose question it is: of a tenant, a key or an address. Callers take turns where questions wait. */
  readonly caller?: string | undefined
  readonly payer?: Payer
  /**
   * Waits for another server without counting as work of this machine, so that others can work meanwhile. Absent where
   * the work is not limited.
   */
  readonly away?: <T>(wait: () => Promise<T>) => Promise<T>
  /** Any cached answer will do when absent. */
  readonly cacheDirectives?: CacheDirectives
  /** Called once when a stage ends; carries timings to the reply and the log. */
  readonly onStage: (name: StageName, ms: number, outcome: Outcome) => void
  /** Each step adds what it decided. Absent unless the caller asked for an explanation. */
  readonly explain?: (part: Partial<Explanation>) => void
}

/**
 * Why an answer is what it is. Kept apart from the answer, so that no cache stores it. The parts after `cacheKey` are
 * absent when this run did not search, because the answer was cached or another caller's run found it.
 */
export interface Explanation {
  readonly collection: AskedCollection
  /** Absent for a search without an answer. */
  readonly cacheKey: string
  readonly asked: AnalyzedQuestion
  /** A model rewrote a follow-up into a self-contained question. */
  readonly isRewritten: boolean
  /** Other wordings that a model suggested because nothing relevant was found. */
  readonly wordings: readonly string[]
  /** The wording whose passages were used; null for the question itself. */
  readonly usedWording: string | null
  /** Chunks that either retriever found. */
  readonly candidateCount: number
  /** Share of the dense retriever in the fused score; null where the scores are not weighted. */
  readonly vectorShare: number | null
  /** How the passages were judged, before an answer was written. */
  readonly judgedPassages: Judgement
  /** Confidence from which a search is `near`. */
  readonly nearBelow: number
  /** What became of the model's sentences; absent when it wrote none, or they were not checked. */
  readonly grounding: GroundingNote
  /** How the quotations were judged; absent when nothing was quoted. */
  readonly judgedAnswer: Judgement
  /** The best candidates, by fused score. */
  readonly fused: readonly Passage[]
  /** The same candidates as the reranker ordered them; null when it did not. */
  readonly reranked: readonly Passage[] | null
  /** Without repetition, adjacent chunks joined. */
  readonly selected: readonly Passage[]
  /** The passages that the answer was written from. */
  readonly packed: readonly Passage[]
}

/** The check of a model's draft against the passages. */
export interface GroundingNote {
  /**
   * `kept`: all of it; `trimmed`: without some sentences; `replaced`: too little was left; `refused`: it only says that
   * the passages do not answer; `shown`: unsupported sentences had been streamed before they were checked.
   */
  readonly outcome: GroundingOutcome
  /** Sentences that were kept. */
  readonly keptCount: number
  readonly dropped: readonly DroppedSentence[]
  readonly markersAdded: number
  readonly markersRemoved: number
  /** Milliseconds that the check took. */
  readonly ms: number
}

export type GroundingOutcome = 'kept' | 'trimmed' | 'replaced' | 'refused' | 'shown'

/** Why a sentence was taken away: what of it the passages do not support, or what is wrong with it besides. */
export type DropReason =
  /** Facts that stand in none of the passages, or were not worked out in the sentence. */
  | 'number'
  | 'date'
  | 'code'
  | 'name'
  /** A calculation that is wrong. */
  | 'arithmetic'
  /** The fact stands in the passages, but about something else. */
  | 'elsewhere'
  /** The passages deny it, or it denies what they say. */
  | 'negation'
  /** Most of its words, or those of one clause, stand nowhere. */
  | 'words'
  | 'clause'
  /** It is in another language than the passages, and the check is strict. */
  | 'language'
  /** The model that checks did not find it supported. */
  | 'checker'
  | 'question'
  | 'repetition'
  /** It is about the passages, not about what they say. */
  | 'passages'
  /** The reply stopped in the middle of it. */
  | 'unfinished'

export interface DroppedSentence {
  readonly text: string
  readonly reason: DropReason
  /** The number, name or clause that is wrong; empty where that is the sentence. */
  readonly detail: string
}

export interface RunLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What is known about a finished question besides the question and its outcome. */
export interface AskFacts {
  readonly operation: 'ask' | 'search'
  readonly id: string
  /** Name of the key, if the caller sent one. */
  readonly key: string | undefined
  readonly priority: Priority
  /** The trace of the question, if it is sampled. */
  readonly traceId?: string | undefined
  /** The trace in the log lines of the question. Unlike `traceId`, also set if only the caller records it. */
  readonly loggedTraceId: string | undefined
  /** Calls of a model; see asking/run.ts. */
  readonly steps: number
  /** A stage, or the whole request, timed out. */
  readonly isOverdue: boolean
  /** Milliseconds since the question arrived. */
  readonly ms: number
  /** Duration of each stage, and `total`, in milliseconds with one decimal. */
  readonly timings: Readonly<Record<string, number>>
}
