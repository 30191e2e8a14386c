import type { Attributes } from '@opentelemetry/api'
import type { CacheDirectives } from '../../ask/terms/caching.ts'
import type { RunLog } from '../../ask/terms/run.ts'
import type { ApiKey } from '../../config/api-keys.ts'
import type { Priority } from '../../priority.ts'
import type { FailureNote } from '../edge/request-log.ts'

/** What is known about a caller and its request when it asks a question, whatever the protocol. */
export interface AskForm {
  /** A plain token that needs no escaping. */
  readonly id: string
  readonly apiKey: ApiKey | undefined
  readonly priority: Priority
  readonly cacheDirectives: CacheDirectives
  /** The caller's own time limit, if it set one. */
  readonly timeoutMs: number | undefined
  /** The caller shows text as it arrives. Such a caller always gets events. */
  readonly isStreamed: boolean
  /** The caller wants to know why the answer is what it is. Such a caller always gets a run. */
  readonly isExplained: boolean
  /** When the question arrived, on the clock of `performance.now()`. */
  readonly startedAt: number
  /** A log whose lines do not have the ids of this question yet. */
  readonly log: RunLog
  /** May contain the caller's trace context (`traceparent`). */
  readonly traceHeaders: Readonly<Record<string, unknown>>
  /** Called only when a run starts or the question is traced, because most cached answers need no connection. */
  connect(): Connection
}

/** The side of a caller that a run needs. */
export interface Connection {
  readonly spanName: string
  spanAttributes(): Attributes
  /** Where the caller is, as far as the protocol knows. */
  address(): string
  hasLeft(): boolean
  /** Aborts with `cancelled` when the caller leaves. Called at most once. */
  signal(): AbortSignal
  /** Returns a log that adds `ids` to each line, and uses it for the protocol's own lines about this question. */
  logWith(ids: object): RunLog
  /** Receives why the question failed, for the protocol's own log line. */
  noteFailure(note: FailureNote): void
}
