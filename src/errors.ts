/**
 * One table of everything that can go wrong: code → status, whether trying again may help, and the words
 * a client may see. Codes are API: they never change their meaning. `detail` is for the client as well, so
 * whoever throws puts no secret and no driver text in it; the driver's error travels as `cause`, to the log.
 */
export const errorTable = {
  invalid_request: { status: 400, retryable: false, title: 'The request is not valid' },
  invalid_json: { status: 400, retryable: false, title: 'The body is not valid JSON' },
  invalid_encoding: { status: 400, retryable: false, title: 'The body is not valid UTF-8' },
  unauthorized: { status: 401, retryable: false, title: 'A valid API key is needed' },
  admin_disabled: { status: 403, retryable: false, title: 'What needs the admin key is switched off' },
  forbidden: { status: 403, retryable: false, title: 'The key may not do this' },
  unknown_host: { status: 403, retryable: false, title: 'The service is not to be asked under this name' },
  not_found: { status: 404, retryable: false, title: 'There is nothing here' },
  unknown_collection: { status: 404, retryable: false, title: 'There is no such collection' },
  unknown_document: { status: 404, retryable: false, title: 'There is no such document' },
  method_not_allowed: { status: 405, retryable: false, title: 'This address does not take that method' },
  model_mismatch: { status: 409, retryable: false, title: 'Another embedding model made the vectors' },
  payload_too_large: { status: 413, retryable: false, title: 'The body is too large' },
  unsupported_media_type: { status: 415, retryable: false, title: 'The content type is not supported' },
  document_refused: { status: 422, retryable: false, title: 'The document cannot be stored' },
  document_too_costly: { status: 422, retryable: false, title: 'The document takes too much to prepare' },
  rate_limited: { status: 429, retryable: true, title: 'Too many requests from this client' },
  cancelled: { status: 499, retryable: false, title: 'The client went away' },
  internal: { status: 500, retryable: false, title: 'Something went wrong on our side' },
  model_rejected: { status: 502, retryable: false, title: 'The model refused the request' },
  model_failed: { status: 502, retryable: true, title: 'The model failed' },
  model_paused: { status: 503, retryable: true, title: 'The model is not asked at the moment' },
  model_busy: { status: 503, retryable: true, title: 'The model is busy' },
  model_unreachable: { status: 503, retryable: true, title: 'The model cannot be reached' },
  preparing_failed: { status: 503, retryable: true, title: 'The document could not be prepared' },
  database_unavailable: { status: 503, retryable: true, title: 'The database cannot be reached' },
  database_read_only: { status: 503, retryable: true, title: 'The database takes no writes' },
  pool_exhausted: { status: 503, retryable: true, title: 'All database connections are in use' },
  overloaded: { status: 503, retryable: true, title: 'The service is overloaded' },
  draining: { status: 503, retryable: true, title: 'The service is shutting down' },
  starting: { status: 503, retryable: true, title: 'The service is starting' },
  not_cached: { status: 504, retryable: false, title: 'No cached answer fits' },
  deadline_exceeded: { status: 504, retryable: true, title: 'The answer was not ready in time' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>

export type ErrorCode = keyof typeof errorTable

/** One thing wrong with the input. `pointer` is an RFC 6901 JSON pointer into the body. */
export interface Fault {
  readonly pointer: string
  readonly detail: string
}

export interface AskErrorOptions {
  /** What happened and what to do about it, safe to show to the client. */
  readonly detail?: string
  readonly faults?: readonly Fault[]
  /** Seconds after which another try makes sense. */
  readonly retryAfter?: number
  /** Of a question that ran out of time: the stage that did, */
  readonly stage?: string
  /** and what each took, in milliseconds. */
  readonly timings?: Readonly<Record<string, number>>
  /** In what way, for those who run the service; no client sees it. */
  readonly kind?: string
  readonly cause?: unknown
}

/** The only error that leaves an adapter or a stage. Anything else that reaches the edge is `internal`. */
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

  /** The same failure, with more said of it. */
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

/** Nothing is wrong with the question: something that answering it takes has failed. */
export function isOutage(error: unknown): boolean {
  return isAskError(error) && error.status >= 500
}

/** Chat calls that a failure stands for: a breaker that is open lets none be made. */
export function callsMade({ code }: AskError): number {
  return code === 'model_paused' ? 0 : 1
}

/** How loud the log is about a fault that was got over: of a breaker that is open, its opening was told. */
export function loudness({ code }: AskError): 'debug' | 'warn' {
  return code === 'model_paused' ? 'debug' : 'warn'
}
