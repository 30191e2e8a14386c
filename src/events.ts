import type { Answer } from './ask/terms/answer.ts'
import type { CacheStatus, CacheTier } from './ask/terms/caching.ts'
import type { AskedCollection } from './ask/terms/collection.ts'
import type { SearchResult } from './ask/terms/evidence.ts'
import type { Question } from './ask/terms/question.ts'
import type { AskFacts, DropReason, GroundingOutcome, Outcome, StageName } from './ask/terms/run.ts'
import type { BudgetScope, BudgetStatus } from './ask/terms/usage.ts'
import type { ErrorCode } from './errors.ts'
import type { DatabaseFault, Dependency, ModelFault, RedisFault } from './faults.ts'
import type { Priority } from './priority.ts'
import type { BreakerState } from './resilience/breaker.ts'
import type { RefusedBy } from './resilience/limiter.ts'

/**
 * Everything that happens in the service and that others want to know: the metrics, the rolling figures, the log. Who acts emits; who counts or writes subscribes; neither knows the other.
 *
 * Times are in seconds. `traceId` is the trace that an event belongs to, if it is sampled. Arguments instead of event
 * objects: an event that nobody subscribes to costs a call.
 */
export interface Events {
  // Questions
  questionAnswered(question: Question, answer: Answer, facts: AskFacts): void
  passagesFound(question: Question, result: SearchResult, facts: AskFacts): void
  /** A question, or a search, ended in an error. */
  questionFailed(question: Question, code: ErrorCode, facts: AskFacts): void
  /** A fresh run was not admitted. */
  runRefused(priority: Priority, reason: RefusedBy): void
  stageEnded(stage: StageName, outcome: Outcome, seconds: number, traceId?: string): void
  /** A streaming stage gave its first chunk. */
  stageStreamed(stage: StageName, seconds: number, traceId?: string): void
  /** A draft of the language model was checked. `reasons`: one per sentence that was taken away. */
  draftGrounded(outcome: GroundingOutcome, reasons: readonly DropReason[]): void
  /** The first checked sentence of a draft could be shown, this long after the model was asked. */
  sentenceReady(seconds: number, traceId?: string): void
  /** `tokens`: the prompt or the answer was truncated. `calls`: a retry was not made because none is left. */
  budgetExceeded(budget: 'tokens' | 'calls'): void

  // Caches
  answerReused(status: Exclude<CacheStatus, 'miss' | 'bypass'>, tier: CacheTier, saved: SavedRun): void
  /** A cached answer was computed again before it expired. */
  answerRefreshed(outcome: 'ok' | 'failed'): void
  /** A completion of the language model was reused for other passages or another mode. */
  completionReused(tier: CacheTier, saved: RunCost): void
  vectorReused(tier: CacheTier): void
  cacheMissed(type: CacheType): void
  /** An entry had to leave the memory of this process to make room. */
  cacheEvicted(type: CacheType): void
  /** A write that no reply waits for: cached values in Redis, similar questions in Postgres. */
  valueSaved(store: Store, seconds: number): void
  /** Failed writes to Redis are `redisFailed`. */
  valueNotSaved(store: 'postgres'): void
  /** The collection went back to an earlier epoch: the database was restored. */
  historyLost(collection: AskedCollection, before: AskedCollection): void

  // Models
  /** One call, a retry counted as its own. `error` is its code, or empty if it succeeded. */
  modelCalled(operation: ModelOperation, seconds: number, error: string, traceId?: string): void
  modelStreamed(operation: ModelOperation, seconds: number, traceId?: string): void
  /** A call was not made, because so many wait for the model that it could not answer in time. */
  callDeclined(dependency: Dependency): void
  /** A call was not made, because a daily budget is used up. */
  dailyBudgetExceeded(scope: BudgetScope): void
  /** A daily budget is used by this share, 0.8 or 1; once per day for each. */
  dailyBudgetReached(budget: BudgetStatus, share: number): void
  /** How a guarded call to a model ended: null if it succeeded, `paused` if its breaker did not let it through. */
  modelEnded(model: Dependency, fault: ModelFault | null): void
  callRetried(dependency: Dependency): void
  /** Texts of documents were embedded by a model behind an API. */
  textsEmbedded(count: number): void
  /** The embedding model makes other vectors than those that are stored, or such as are stored again. */
  modelChanged(): void
  /** A second embedding call was made because the first was slow. */
  callHedged(): void
  /** `fault` is how the dependency failed last, if that is known. */
  breakerChanged(dependency: Dependency, now: BreakerState, before: BreakerState, fault: string | null): void

  // Database
  /** A connection was leased. `wasQueued`: all were in use. */
  connectionLeased(seconds: number, wasQueued: boolean): void
  /** The lease has ended. `label` is its purpose. */
  connectionReturned(seconds: number, label: string): void
  /** A lease exceeded its limit, and its query was cancelled. */
  connectionOverdue(label: string, limitMs: number): void
  databaseFailed(fault: DatabaseFault): void
  /** New connections are rejected because of the credentials; null when they are accepted again. */
  loginsChanged(rejection: Error | null): void
  writesChanged(isWritable: boolean): void
  /** The database was replaced under open connections. */
  databaseReplaced(error: unknown): void

  // Redis
  redisFailed(reason: RedisFault): void
  /** An established connection was lost. */
  redisLost(): void

  // HTTP
  responseSent(status: number): void
  /** An error reply. */
  problemSent(code: ErrorCode): void
  /** A question was rejected before its route: rate limited, unauthorized, shed or invalid. */
  questionRejected(code: ErrorCode): void
  /** A connection was closed because no complete request arrived. */
  requestUnparsed(code: string): void
  /** A request was rejected because the event loop or the heap is overloaded. */
  requestShed(by: 'loop' | 'heap'): void
  /** A request was rejected by the rate limit of its key or of its address. */
  requestLimited(by: LimitedBy): void
  /** A request over KEY_RATE_LIMIT waits for the next window of its key. */
  requestDelayed(): void
  /** The first such request of an address that looks like a backend. Reported once per address. */
  backendLimited(address: string, sign: BackendSign): void

  // Documents
  documentsWritten(collection: string | undefined): void
  /** A document could not be prepared, or the process that prepared it was killed. */
  documentLost(loss: DocumentLoss): void
}

/** What a rate limit counts. */
export type LimitedBy = 'address' | 'key'
/**
 * What suggests that an address sends the requests of many users: a proxy's header that is not trusted, or the software
 * that sends them.
 */
export type BackendSign = 'forwarded' | 'user-agent'

/** What it cost to compute something that is cached. */
export interface RunCost {
  readonly tookMs: number
  readonly usage: Answer['usage']
}

/** The run that a cached answer saved. */
export interface SavedRun {
  readonly answer: Answer
  readonly tookMs: number
}

/** Complete answers, completions of the language model, and vectors of questions. Values are metric labels. */
export type CacheType = 'answer' | 'draft' | 'embedding'
export type Store = 'postgres' | 'redis'
/** OpenTelemetry's `gen_ai.operation.name`; it has no value for reranking. */
export type ModelOperation = 'chat' | 'embeddings' | 'rerank'

export interface DocumentLoss {
  readonly source: string
  readonly by: string
  readonly reason: string
}

const names: Readonly<Record<keyof Events, true>> = {
  questionAnswered: true,
  passagesFound: true,
  questionFailed: true,
  runRefused: true,
  stageEnded: true,
  stageStreamed: true,
  draftGrounded: true,
  sentenceReady: true,
  budgetExceeded: true,
  answerReused: true,
  answerRefreshed: true,
  completionReused: true,
  vectorReused: true,
  cacheMissed: true,
  cacheEvicted: true,
  valueSaved: true,
  valueNotSaved: true,
  historyLost: true,
  modelCalled: true,
  modelStreamed: true,
  modelEnded: true,
  callDeclined: true,
  dailyBudgetExceeded: true,
  dailyBudgetReached: true,
  callRetried: true,
  textsEmbedded: true,
  modelChanged: true,
  callHedged: true,
  breakerChanged: true,
  connectionLeased: true,
  connectionReturned: true,
  connectionOverdue: true,
  databaseFailed: true,
  loginsChanged: true,
  writesChanged: true,
  databaseReplaced: true,
  redisFailed: true,
  redisLost: true,
  responseSent: true,
  problemSent: true,
  questionRejected: true,
  requestUnparsed: true,
  requestShed: true,
  requestLimited: true,
  requestDelayed: true,
  backendLimited: true,
  documentsWritten: true,
  documentLost: true,
}

/** The events that a subscriber handles. */
export type Subscriber = Partial<Events>

export interface EventBus {
  /** Calls the subscribers of an event in the order in which they subscribed, before it returns. */
  readonly emit: Events
  /** From now on, calls these methods of the subscriber. */
  subscribe(subscriber: Subscriber): void
}

type Handler = (a: unknown, b: unknown, c: unknown, d: unknown) => unknown

/**
 * A subscriber that throws or rejects does not harm who emits or the other subscribers; `onFault` is called with its error. An
 * event with three subscribers costs 0.02 µs.
 */
export function createEvents(onFault: (error: unknown, event: string) => void): EventBus {
  const handlers = new Map(Object.keys(names).map(name => [name, [] as Handler[]]))

  // Four parameters, not a rest parameter, which would allocate an array for each event.
  function emitterOf(name: string, subscribed: readonly Handler[]): Handler {
    return (a, b, c, d) => {
      for (let at = 0; at < subscribed.length; at++) {
        try {
          const result = subscribed[at]!(a, b, c, d)
          if (result instanceof Promise) result.catch((error: unknown) => onFault(error, name))
        } catch (error) {
          onFault(error, name)
        }
      }
    }
  }

  return {
    emit: Object.fromEntries(
      Array.from(handlers, ([name, subscribed]) => [name, emitterOf(name, subscribed)]),
    ) as unknown as Events,
    subscribe(subscriber) {
      for (const [name, subscribed] of handlers) {
        const handle = subscriber[name as keyof Events] as Handler | undefined
        if (handle) subscribed.push(handle.bind(subscriber))
      }
    },
  }
}

/** For what is built without anyone listening, such as a command. */
export const silent: Events = createEvents(() => {}).emit
