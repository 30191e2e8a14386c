import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AskError, errorTable, isAskError, type ErrorCode, type Fault } from '../../errors.ts'
import { registerNotFound } from '../edge/not-found.ts'
import { serverTiming } from '../edge/ask-context.ts'
import { invalidAddress, invalidBody } from './validation-errors.ts'
import { noteFailure } from '../edge/request-log.ts'

/** RFC 9457. `code` is ours and stable; `errors` lists every fault of the input. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly instance: string
  readonly errors?: readonly Fault[]
  /** Of a question that ran out of time: in which stage, and what each took. */
  readonly stage?: string
  readonly timings_ms?: Readonly<Record<string, number>>
}

/** Types that IANA registers for these two; the others are relative to this service. */
const registeredTypes: Partial<Record<ErrorCode, string>> = {
  rate_limited: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
  overloaded: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
  pool_exhausted: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
}

export function problemOf(error: AskError, instance: string): Problem {
  return {
    type: registeredTypes[error.code] ?? `/problems/${error.code}`,
    title: errorTable[error.code].title,
    status: error.status,
    code: error.code,
    detail: error.detail,
    instance,
    ...(error.faults.length > 0 ? { errors: error.faults } : {}),
    ...(error.stage !== undefined ? { stage: error.stage } : {}),
    ...(error.timings ? { timings_ms: error.timings } : {}),
  }
}

export interface ProblemCounts {
  problem(code: ErrorCode): void
}

/** Every failure of a request becomes a reply here; what never became a request is answered in edge/malformed.ts. */
export function registerProblems(app: FastifyInstance, counts: ProblemCounts): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = isBrokenOff(request, error) ? new AskError('cancelled', { cause: error }) : askErrorOf(error)
    counts.problem(problem.code)
    return sendProblem(request, reply, problem)
  })
  registerNotFound(app)
}

/** The body did not come to its end: the client left, or took too long and was cut off. No fault of ours, and nobody to tell. */
function isBrokenOff({ raw }: FastifyRequest, error: unknown): boolean {
  return raw.errored !== null && raw.errored === error
}

export async function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: AskError,
): Promise<FastifyReply> {
  noteFailure(request, { code: error.code, ...(error.stage !== undefined && { stage: error.stage }) })
  // That nothing is cached was asked for, and is no fault; of an overload, and while it starts, the line of each request says enough: it must cost little.
  const isTold = error.code !== 'not_cached' && error.code !== 'overloaded' && error.code !== 'starting'
  if (error.status >= 500 && isTold) logOf(request).error({ code: error.code, err: error.cause ?? error }, error.detail)
  const retryAfter = error.retryAfter ?? (error.status === 503 ? 1 : undefined)
  if (retryAfter !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(retryAfter)))
  if (error.timings) reply.header('server-timing', serverTiming(error.timings))
  if (error.code === 'unauthorized') reply.header('www-authenticate', 'Bearer')
  return await reply
    .code(error.status)
    // Set again by a hook, except for a URL that cannot be read: no hook runs for it.
    .header('x-request-id', request.id)
    .type('application/problem+json; charset=utf-8')
    // Not through a schema: a problem must be sendable whatever the route's reply schema says.
    .serializer(JSON.stringify)
    .send(problemOf(error, request.id))
}

/** A route that takes a question has given its request a log with its ids (begin.ts); the others share the app's. */
function logOf(request: FastifyRequest): FastifyBaseLogger {
  return request.log === request.server.log ? request.log.child({ reqId: request.id }) : request.log
}

const frameworkCodes: Readonly<Record<string, [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', 'the body is larger than this address takes'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'send the body as content-type: application/json'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'the body is not as long as content-length says'],
  FST_ERR_BAD_URL: ['invalid_request', 'the address is not a valid URL path'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid_request', 'a part of the address is too long'],
}

/** Whatever was thrown, in our words. What we do not know is `internal`, and says nothing of its inside. */
export function askErrorOf(error: unknown): AskError {
  if (isAskError(error)) return error
  const { code, validation, validationContext } = error as Partial<FastifyError>
  if (validation) return validationContext === 'params' ? invalidAddress(validation) : invalidBody(validation)
  const known = code === undefined ? undefined : frameworkCodes[code]
  if (known) return new AskError(known[0], { detail: known[1], cause: error })
  return new AskError('internal', {
    detail: 'something went wrong on our side; the log has it under this request id',
    cause: error,
  })
}
