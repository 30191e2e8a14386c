import type { ErrorCode } from '../errors.ts'
import type { SearchResult } from './retrieval/find-passages.ts'
import type { Answer, Question, RequestFacts } from './terms.ts'

/** Receives the outcome of every question that was accepted: exactly one call per question. */
export interface AskObserver {
  answered(question: Question, answer: Answer, facts: AskFacts): void
  searched(question: Question, result: SearchResult, facts: AskFacts): void
  failed(question: Question, code: ErrorCode, facts: AskFacts): void
}

/** What is known about a finished question besides the question and its outcome. */
export interface AskFacts extends RequestFacts {
  readonly operation: 'ask' | 'search'
  readonly id: string
  /** Name of the key, if the caller sent one. */
  readonly key: string | undefined
  /** Milliseconds since the question arrived. */
  readonly ms: number
  /** Duration of each stage, and `total`, in milliseconds with one decimal. */
  readonly timings: Readonly<Record<string, number>>
  /** The trace in the log lines of the question. Unlike `traceId`, also set if only the caller records it. */
  readonly loggedTraceId: string | undefined
}
