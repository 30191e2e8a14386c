/** The words of the trade: what a question, a passage and an answer are. Read-only values; imports nothing but priorities. */

import type { Priority } from '../priority.ts'

export type Mode = 'fast' | 'smart' | 'auto'

/** Whose evidence ranks passages: the words', the vectors', or both together. */
export type Arm = 'lexical' | 'vector' | 'fused'

export interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

export type Scalar = string | number | boolean

/** Equality, membership, or a range with one bound or two. Ranges compare numbers, or strings (ISO dates). */
export type Filter =
  | Scalar
  | { readonly in: readonly Scalar[] }
  | {
      readonly gt?: number | string
      readonly gte?: number | string
      readonly lt?: number | string
      readonly lte?: number | string
    }

/** Conditions on document metadata, by field; all must hold. */
export type Filters = Readonly<Record<string, Filter>>

export interface Question {
  /** Whose question it is, where callers are told apart: nobody gets another's answers. */
  readonly tenant?: string
  readonly text: string
  readonly collection: string
  readonly mode: Mode
  readonly topK: number
  readonly filters: Filters
  /** BCP 47 primary language, when the caller knows it. */
  readonly language: string | undefined
  /** Earlier turns, oldest first. */
  readonly history: readonly Turn[]
}

/** A run of sentences of a passage that was embedded as one; offsets as in {@link Passage}. */
export interface Window {
  readonly start: number
  readonly end: number
  /** Cosine similarity to the question, −1…1. */
  readonly similarity: number
}

/** How an arm saw a passage. Scores are the arm's own (BM25; cosine), ranks count from 1; null: not found by it. */
export interface Scores {
  readonly lexical: number | null
  readonly lexicalRank: number | null
  readonly vector: number | null
  readonly vectorRank: number | null
  /** 0…1, comparable only within one question. */
  readonly fused: number
  /** Share of the question's words, weighted by idf, that the passage holds: 0…1. */
  readonly coverage: number
  /** The reranker's, on a scale of its own; absent where none was asked. */
  readonly rerank?: number
}

export interface Passage {
  /** `<document id>.<ordinal>` */
  readonly chunkId: string
  readonly documentId: string
  readonly version: number
  readonly source: string
  /** Document title and heading path, joined by " › ". */
  readonly title: string
  readonly url: string | null
  readonly language: string
  /** Exactly the stored document text from `start` to `end`. */
  readonly text: string
  /** Of `text` by the chat models' tokenizer, counted when it was stored; absent where the text is not a whole chunk. */
  readonly tokens?: number
  /** The blanks between the chunk before and this one, as stored; absent where they were not read. */
  readonly blanksBefore?: string
  /** Offsets into the stored document text, in UTF-16 code units (JavaScript string indices). */
  readonly start: number
  readonly end: number
  readonly page: number | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly scores: Scores
  readonly windows: readonly Window[]
}

export interface Citation {
  /** The number that stands as `[n]` in the answer: the passage's place, from 1. */
  readonly index: number
  readonly documentId: string
  readonly chunkId: string
  readonly version: number
  readonly title: string
  readonly url: string | null
  readonly page: number | null
  /** Words of the stored text, letter for letter: `text.slice(start, end) === quote`. */
  readonly quote: string
  readonly start: number
  readonly end: number
  readonly score: number
}

export interface Usage {
  readonly llmCalls: number
  readonly promptTokens: number
  readonly completionTokens: number
}

export const noUsage: Usage = Object.freeze({ llmCalls: 0, promptTokens: 0, completionTokens: 0 })

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    llmCalls: a.llmCalls + b.llmCalls,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
  }
}

/** What was left out to answer at all; `capacity`: too much was asked at once to make it anew. */
export type Degraded = 'cache' | 'capacity' | 'database' | 'embeddings' | 'generation' | 'rerank'

/** `llm`: a language model behind an OpenAI-compatible API; `extractive`: quoted sentences; `none`: abstained without a model. */
export type Generator = 'llm' | 'extractive' | 'none'

/**
 * `near`: made for a question that says the same in other words; `stale`: past its time, or it could not be checked
 * against the documents; `coalesced`: made for another who asked the same at the same time; `bypass`: the caller wanted
 * no cached answer.
 */
export type CacheStatus = 'hit' | 'near' | 'stale' | 'coalesced' | 'miss' | 'bypass'

/** Where a cached answer was: in this process, or in Redis, which all replicas share. */
export type CacheTier = 'memory' | 'redis'

export interface CacheNote {
  readonly status: CacheStatus
  readonly tier?: CacheTier
  /** Seconds since the answer was made. */
  readonly age?: number
  /** The documents changed since, the passages for this question did not: found anew, they are the same to the letter. */
  readonly revalidated?: true
  /** Of the questions' vectors, where the answer was made for a near one: −1…1. */
  readonly similarity?: number
  /** That question. */
  readonly question?: string
}

/** What the caller will have from a cache: the words of RFC 9111's request directives. Seconds. */
export interface CacheDirectives {
  /** Make it anew, and keep it. */
  readonly noCache?: boolean
  /** Make it anew, and keep nothing of it. */
  readonly noStore?: boolean
  /** From a cache or not at all. */
  readonly onlyIfCached?: boolean
  readonly maxAge?: number
  /** How long past its time an answer may be; Infinity: however long. */
  readonly maxStale?: number
}

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
  /** The documents changed while they were searched: it belongs to no epoch, and no cache keeps it. */
  readonly isOvertaken?: true
}

/** What a run of the pipeline says, in this order; `done` is last and holds the whole answer. */
export type AskEvent =
  | { readonly type: 'passages'; readonly passages: readonly Passage[]; readonly cache?: CacheNote }
  /** `isMakeshift`: the model failed; a remembered answer would be better than these quotes. */
  | { readonly type: 'delta'; readonly text: string; readonly isMakeshift?: true }
  | { readonly type: 'citations'; readonly citations: readonly Citation[] }
  | { readonly type: 'done'; readonly answer: Answer }

export type StageName =
  /** Waiting for its turn, where there was too much to do; before it, `remember` may have been. */
  'admit' | 'remember' | 'understand' | 'embed' | 'retrieve' | 'rerank' | 'pack' | 'generate' | 'extract' | 'save'

export type Outcome = 'ok' | 'error' | 'deadline' | 'cancelled'

/** The collection asked, as it stands at `epoch`. */
export interface AskedCollection {
  readonly id: number
  readonly name: string
  /** Grows with every write: the larger is the later. After a restore it may be counted a second time. */
  readonly epoch: number
  /** Drawn at random with every write: the same mark, the same documents. */
  readonly epochMark: string
  /** The model that made its vectors; null while it has none. */
  readonly modelId: number | null
  readonly chunkCount: number
  /** Mean vectors of a chunk, rounded up. */
  readonly windowsPerChunk: number
  /** How far the vector index is searched; null until measured. */
  readonly efSearch: number | null
  /** Languages of its chunks, most frequent first. */
  readonly languages: readonly string[]
  /** Share of the vector arm by language, 0…1, where it was learned for its model. */
  readonly vectorWeights: Readonly<Record<string, number>>
  readonly caching: CollectionCaching
  /** Why this may have changed meanwhile: the database could not be asked. Only remembered answers can be given then. */
  readonly unchecked?: { readonly error: unknown; readonly sinceMs: number }
}

/** What is not said here goes by the service's settings. */
export interface CollectionCaching {
  readonly seconds?: number
  readonly fastSeconds?: number
  /** False: no answers of similar questions. */
  readonly near?: boolean
  /** When its caches were last cleared, in microseconds since 1970: what was written before is not given again. */
  readonly cleared?: number
}

/** The pipeline with its collection already looked up. */
export type AskWithin = (
  question: Question,
  collection: AskedCollection,
  run: Run,
) => AsyncGenerator<AskEvent, void, undefined>

/** The whole product as one function: what the edge calls. */
export type Ask = (question: Question, run: Run) => AsyncGenerator<AskEvent, void, undefined>

/** One request's circumstances, handed to every stage. Nothing is written on it. */
export interface Run {
  readonly id: string
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** Absolute, on the clock of `performance.now()`, in milliseconds. */
  readonly deadline: number
  readonly log: RunLog
  /** The caller shows text as it comes: what was said cannot be taken back. */
  readonly isStreamed: boolean
  /** Absent: interactive. */
  readonly priority?: Priority
  /** Absent: whatever is there. */
  readonly cacheDirectives?: CacheDirectives
  /** Told once when a stage ends; how timings reach the reply and the log. */
  readonly onStage: (name: StageName, ms: number, outcome: Outcome) => void
}

export interface RunLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A word of the question, as analysed. */
export interface QueryTerm {
  readonly term: string
  /** How often the question says it. */
  readonly count: number
  /** Counts towards how much of the question a chunk covers. */
  readonly isContent: boolean
  /** Asked only when the collection knows none of the others: better a poor result than none. */
  readonly isSpare: boolean
  /** When no document has it, words spelled like it are asked in its place. */
  readonly isCorrectable: boolean
  /** Terms it may stand for with one slip of the keyboard, beyond what trigrams find. */
  readonly spellings: readonly string[]
}

/** A question made ready for searching. */
export interface AnalyzedQuestion {
  /** Stands on its own: what a follow-up leaves unsaid is in it. */
  readonly text: string
  readonly language: string
  /** The language by whose rules its words were read: its own, or the likeliest of those that the collection has. */
  readonly readAs: string
  /** What is searched for. */
  readonly terms: readonly QueryTerm[]
  /** Of them the question's own, without what a follow-up borrows from the words before it. */
  readonly own: readonly QueryTerm[]
}

/** What the metrics are told of a question besides its answer. */
export interface RequestFacts {
  readonly priority: Priority
  readonly traceId?: string | undefined
  /** With a model: see `modelSteps`. */
  readonly steps: number
  /** A stage, or all of it, took more time than it had. */
  readonly isOverdue: boolean
}
