/**
 * Every failure a client can see: code → status, whether a retry may help, and the title. Codes are API and never
 * change their meaning. Clients see `detail` too, so it must contain no secret and no driver message; the driver's
 * error goes to the log as `cause`.
 */
export const errorTable = {
  invalid_request: { status: 400, retryable: false, title: 'The request is not valid' },
  invalid_json: { status: 400, retryable: false, title: 'The body is not valid JSON' },
  invalid_encoding: { status: 400, retryable: false, title: 'The body is not valid UTF-8' },
  unauthorized: { status: 401, retryable: false, title: 'A valid API key is required' },
  admin_disabled: { status: 403, retryable: false, title: 'The admin API is disabled' },
  forbidden: { status: 403, retryable: false, title: 'The key lacks permission' },
  unknown_host: { status: 403, retryable: false, title: 'The host name is not allowed' },
  not_found: { status: 404, retryable: false, title: 'There is no such endpoint' },
  unknown_collection: { status: 404, retryable: false, title: 'There is no such collection' },
  unknown_document: { status: 404, retryable: false, title: 'There is no such document' },
  method_not_allowed: { status: 405, retryable: false, title: 'The endpoint does not support this method' },
  model_mismatch: { status: 409, retryable: false, title: 'The vectors belong to another embedding model' },
  payload_too_large: { status: 413, retryable: false, title: 'The body is too large' },
  unsupported_media_type: { status: 415, retryable: false, title: 'The content type is not supported' },
  document_refused: { status: 422, retryable: false, title: 'The document cannot be stored' },
  document_too_costly: { status: 422, retryable: false, title: 'The document is too expensive to prepare' },
  rate_limited: { status: 429, retryable: true, title: 'Too many requests from this client' },
  cancelled: { status: 499, retryable: false, title: 'The client disconnected' },
  internal: { status: 500, retryable: false, title: 'Internal error' },
  model_rejected: { status: 502, retryable: false, title: 'The model rejected the request' },
  model_failed: { status: 502, retryable: true, title: 'The model failed' },
  model_paused: { status: 503, retryable: true, title: 'Calls to the model are paused' },
  model_busy: { status: 503, retryable: true, title: 'The model is busy' },
  model_unreachable: { status: 503, retryable: true, title: 'The model cannot be reached' },
  preparing_failed: { status: 503, retryable: true, title: 'The document could not be prepared' },
  database_unavailable: { status: 503, retryable: true, title: 'The database cannot be reached' },
  database_read_only: { status: 503, retryable: true, title: 'The database is read-only' },
  pool_exhausted: { status: 503, retryable: true, title: 'All database connections are in use' },
  overloaded: { status: 503, retryable: true, title: 'The service is overloaded' },
  draining: { status: 503, retryable: true, title: 'The service is shutting down' },
  starting: { status: 503, retryable: true, title: 'The service is starting' },
  not_cached: { status: 504, retryable: false, title: 'No matching cached answer' },
  deadline_exceeded: { status: 504, retryable: true, title: 'The request exceeded its deadline' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>

export type ErrorCode = keyof typeof errorTable

/** One fault of the input. `pointer` is an RFC 6901 JSON pointer into the body. */
export interface Fault {
  readonly pointer: string
  readonly detail: string
}

export interface AskErrorOptions {
  /** What happened and what to do about it; must be safe to show to the client. The default is the title. */
  readonly detail?: string
  readonly faults?: readonly Fault[]
  /** Seconds after which a retry makes sense. */
  readonly retryAfter?: number
  /** The stage that timed out. */
  readonly stage?: string
  /** Duration of each stage up to the timeout, in milliseconds. */
  readonly timings?: Readonly<Record<string, number>>
  /** Kind of failure, for operators; never sent to clients. */
  readonly kind?: string
  readonly cause?: unknown
}

/** The only error type that adapters and stages throw. The edge reports any other error as `internal`. */
export class AskError extends Error {
  readonly code: ErrorCode
  readonly faults: readonly Fault[]
  readonly retryAfter: number | undefined
  readonly detail: string
  readonly stage: string | undefined
  readonly timings: Readonly<Record<string, number>> | undefined
  readonly kind: string | undefined

  constructor(code: ErrorCode, options: AskErrorOptions = {}) {
    const detail = options.detail ?? errorTable[code].title
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AskError'
    this.code = code
    this.detail = detail
    this.faults = options.faults ?? []
    this.retryAfter = options.retryAfter
    this.stage = options.stage
    this.timings = options.timings
    this.kind = options.kind
  }

  /** Returns a copy of the error with more details. */
  with(more: Pick<AskErrorOptions, 'stage' | 'timings'>): AskError {
    const { code, detail, faults, retryAfter, stage, timings, kind, cause } = this
    return new AskError(code, {
      detail,
      faults,
      ...(retryAfter !== undefined && { retryAfter }),
      ...(stage !== undefined && { stage }),
      ...(timings && { timings }),
      ...(kind !== undefined && { kind }),
      cause: cause ?? this,
      ...more,
    })
  }

  get status(): number {
    return errorTable[this.code].status
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable
  }
}

export function isAskError(error: unknown, code?: ErrorCode): error is AskError {
  return error instanceof AskError && (code === undefined || error.code === code)
}

/** True if the question is valid but a dependency failed. */
export function isOutage(error: unknown): boolean {
  return isAskError(error) && error.status >= 500
}

/** The `kind` of a failure for which the model was not called, because it could not have answered in time. */
export const callNotMade = 'not_called'

/** The `kind` of `model_paused` when a daily budget is used up. */
export const budgetUsedUp = 'budget'

export function isOverBudget(error: unknown): boolean {
  return isAskError(error, 'model_paused') && error.kind === budgetUsedUp
}

/** Number of chat calls behind a failure: none if the circuit breaker was open, or if the reply would have been late. */
export function callsMade(error: AskError): number {
  return wasCalled(error) ? 1 : 0
}

/** Log level for a failure that had a fallback. Why no call was made is logged once, not for each question. */
export function loudness(error: AskError): 'debug' | 'warn' {
  return wasCalled(error) ? 'warn' : 'debug'
}

function wasCalled({ code, kind }: AskError): boolean {
  return code !== 'model_paused' && kind !== callNotMade
}
