/** The domain types: questions, passages, answers. Read-only values; imports only other types. */

import type { Priority } from '../priority.ts'
import type { Calibration, SimilarityRange, Spread } from './calibration/terms.ts'

export type Mode = 'fast' | 'smart' | 'auto'

/** Which retriever ranks passages: lexical, dense, or both fused. */
export type Arm = 'lexical' | 'vector' | 'fused'

export interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

export type Scalar = string | number | boolean

/** Equality, membership, or a range with one or two bounds. Ranges compare numbers, or strings (ISO dates). */
export type Filter =
  | Scalar
  | { readonly in: readonly Scalar[] }
  | {
      readonly gt?: number | string
      readonly gte?: number | string
      readonly lt?: number | string
      readonly lte?: number | string
    }

/** Conditions on document metadata, by field. All of them must match. */
export type Filters = Readonly<Record<string, Filter>>

export interface Question {
  /** The caller's tenant, where callers have tenants. Tenants never share answers. */
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

/** Consecutive sentences of a passage that were embedded as one; offsets as in {@link Passage}. */
export interface Window {
  readonly start: number
  readonly end: number
  /** Cosine similarity to the question, −1…1. */
  readonly similarity: number
}

/** A sentence, list item or table row of a passage, compared with the question by itself; offsets as in {@link Passage}. */
export interface Unit extends Omit<Window, 'similarity'> {
  /** Cosine similarity to the question, −1…1; null where it has no vector. */
  readonly similarity: number | null
  /** The reranker's score of it alone, with its headings; absent when it was not read. */
  readonly rerank?: number
}

/**
 * How the retrievers scored a passage. Scores are on each retriever's own scale (BM25; cosine) and ranks start at 1.
 * Null when that retriever did not find the passage.
 */
export interface Scores {
  readonly lexical: number | null
  readonly lexicalRank: number | null
  readonly vector: number | null
  readonly vectorRank: number | null
  /** 0…1, comparable only within one question. */
  readonly fused: number
  /** Share of the question's words that the passage contains, weighted by idf: 0…1. */
  readonly coverage: number
  /** The reranker's score, on the reranker's own scale; absent when it did not run. */
  readonly rerank?: number
}

/** A section of a passage that joins several: where it begins, and what a citation of it says. */
export interface PassageSection {
  /** Offset as in {@link Passage}. */
  readonly start: number
  /** Document title and heading path. */
  readonly title: string
  readonly url: string | null
  readonly page: number | null
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
  /**
   * Tokens of `text` by the chat models' tokenizer, counted when it was stored; absent when the text is not a whole
   * chunk.
   */
  readonly tokens?: number
  /** The whitespace between the previous chunk and this one, as stored; absent when it was not read. */
  readonly blanksBefore?: string
  /** Offsets into the stored document text, in UTF-16 code units (JavaScript string indices). */
  readonly start: number
  readonly end: number
  readonly page: number | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly scores: Scores
  readonly windows: readonly Window[]
  /** In order; absent where no unit of it has a vector, nor was read by a reranker. */
  readonly units?: readonly Unit[]
  /** In order; absent when the whole passage is in the section of `title`. */
  readonly sections?: readonly PassageSection[]
  /** The header row of the table that `text` begins within. */
  readonly tableHeader?: string
}

export interface Citation {
  /** The number shown as `[n]` in the answer: of quoted sentences their order in it; of a model's text the passage's. */
  readonly index: number
  readonly documentId: string
  readonly chunkId: string
  readonly version: number
  /** Name of the document in its collection. */
  readonly source: string
  readonly title: string
  readonly url: string | null
  readonly page: number | null
  /** Of the document. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** Verbatim stored text: `text.slice(start, end) === quote`. */
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

/** Tokens of calls to the language model. */
export type Tokens = Pick<Usage, 'promptTokens' | 'completionTokens'>

/** What models have used of a budget. */
export interface Spending extends Tokens {
  /** Cost of embedding and reranking in billionths of the currency: whole numbers add up exactly. */
  readonly otherCost: number
}

/** What a budget allows per day (UTC), as tokens, money or both. */
export interface DayLimits {
  /** Of the language model. */
  readonly tokens?: number
  /** Of all models with a price, in the currency of the prices. */
  readonly cost?: number
}

export type BudgetScope = 'service' | 'key' | 'collection'

/** Whose budgets pay for calls to models, besides that of the service. */
export interface Payer {
  /** Absent for a key without a budget. */
  readonly key?: { readonly name: string; readonly limits: DayLimits }
  readonly collection?: string
}

/** A daily limit and what is used of it. */
export interface BudgetStatus {
  readonly scope: BudgetScope
  /** Of the key or the collection; null for the service. */
  readonly name: string | null
  /** `tokens`, or a currency. */
  readonly unit: string
  /** Includes calls in progress, at their estimate. */
  readonly used: number
  readonly limit: number
  /** ISO 8601. */
  readonly resetsAt: string
}

/** What the answer had to do without; `capacity`: the service was too busy for a fresh run. */
export type Degraded = 'budget' | 'cache' | 'capacity' | 'database' | 'embeddings' | 'generation' | 'rerank'

/**
 * `llm`: a language model behind an OpenAI-compatible API; `extractive`: quoted sentences; `none`: abstained without a
 * model, or small talk.
 */
export type Generator = 'llm' | 'extractive' | 'none'

/**
 * - `near`: computed for a question with the same meaning in other words.
 * - `stale`: past its lifetime, or it could not be checked against the documents.
 * - `coalesced`: computed for another caller that asked the same question at the same time.
 * - `bypass`: the caller wanted no cached answer.
 */
export type CacheStatus = 'hit' | 'near' | 'stale' | 'coalesced' | 'miss' | 'bypass'

/** Where a cached answer came from: this process, another worker of this service, or Redis, which replicas share. */
export type CacheTier = 'memory' | 'worker' | 'redis'
export type SharedCacheTier = Exclude<CacheTier, 'memory'>

export interface CacheNote {
  readonly status: CacheStatus
  readonly tier?: CacheTier
  /** Seconds since the answer was computed. */
  readonly age?: number
  /** The documents have changed, but a new search found exactly the passages that the answer was written from. */
  readonly revalidated?: true
  /** Cosine similarity of the two questions' vectors when the answer is from the semantic cache: −1…1. */
  readonly similarity?: number
  /** The question that the semantic cache matched. */
  readonly question?: string
}

/** What the caller accepts from a cache, as the request directives of RFC 9111. Seconds. */
export interface CacheDirectives {
  /** Compute a fresh answer and cache it. */
  readonly noCache?: boolean
  /** Compute a fresh answer and cache nothing. */
  readonly noStore?: boolean
  /** Answer from a cache or not at all. */
  readonly onlyIfCached?: boolean
  readonly maxAge?: number
  /** How long past its lifetime an answer may be; Infinity for any age. */
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
  /** Probability that the documents answer the question, 0…1; absent when that was not judged. */
  readonly confidence?: number
  /** The documents changed during the search, so the answer belongs to no epoch and must not be cached. */
  readonly isOvertaken?: true
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

export type StageName =
  /** Waiting in the admission queue; `remember` may have run before it. */
  'admit' | 'remember' | 'understand' | 'embed' | 'retrieve' | 'rerank' | 'generate' | 'extract'

export type Outcome = 'ok' | 'error' | 'deadline' | 'cancelled'

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

export interface RunLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A word of the collection that an unknown one was read as. */
export interface TermCorrection {
  readonly term: string
  /** 0…1, by the letters that are the same; from `sureSimilarity` up it is probably the word that was meant. */
  readonly similarity: number
}

/** A word of the question, as analyzed. */
export interface QueryTerm {
  readonly term: string
  /** How often it occurs in the question. */
  readonly count: number
  /** Counts towards the share of the question that a chunk covers. */
  readonly isContent: boolean
  /** Searched only when the collection contains none of the other terms: a poor result is better than none. */
  readonly isSpare: boolean
  /** When no document contains it, similarly spelled words are searched instead. */
  readonly isCorrectable: boolean
  /** Terms that one typing slip could have turned into this one, beyond those that trigrams find. */
  readonly spellings: readonly string[]
  /** What it is when it is written as one with a neighbour: a text with that has this word, too. */
  readonly joined?: readonly string[]
  /** Ways to read it as two words, if no document has it. */
  readonly splits?: readonly {
    readonly terms: readonly [string, string]
    readonly areContent: readonly [boolean, boolean]
    /** The two need not stand next to each other in a document. */
    readonly isCompound: boolean
  }[]
  /** Two neighbours of the question written as one: found where the collection has it, and no word that was asked. */
  readonly isJoin?: boolean
  /** It may be a part of longer words, which then count as well, with less weight. */
  readonly isInCompounds?: boolean
  /** The date, provision or code that it is only a part of; where the collection has that, it counts instead. */
  readonly within?: string | null
  /** A date, provision or code: content only where the collection has it, else its words are. */
  readonly standsIn?: boolean
  /** A follow-up leaves it unsaid; from an earlier turn. */
  readonly isBorrowed?: true
  /** Chunks of the collection that have it; known after the search, as are the next two. */
  readonly chunkCount?: number
  /** What the search read it as, since no chunk has it; the likeliest first. */
  readonly corrected?: readonly TermCorrection[]
  /** Whether the collection has it in no form: no correction, no compound and no two words explain it. */
  readonly isUnknown?: boolean
}

/** A question prepared for searching. */
export interface AnalyzedQuestion {
  /** As asked, without a greeting; self-contained if a model rewrote it. */
  readonly text: string
  /** What is compared by meaning, where that is not `text`: with the subject of a follow-up, without the tale of a long story. */
  readonly standalone?: string
  readonly language: string
  /** The language whose rules its words were analyzed by: its own, or the likeliest language of the collection. */
  readonly readAs: string
  /** All search terms. */
  readonly terms: readonly QueryTerm[]
  /** The terms of the question itself, without those a follow-up borrows from the previous turn. */
  readonly own: readonly QueryTerm[]
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
  readonly collection: Pick<AskedCollection, 'chunkCount' | 'calibration' | 'abstention'>
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
