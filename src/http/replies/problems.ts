import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AskError, errorTable, isAskError, type ErrorCode, type Fault } from '../../errors.ts'
import { invalidAddress, invalidBody } from './validation-errors.ts'
import { noteFailure } from '../edge/request-log.ts'
import type { Events } from '../../events.ts'
import { serverTiming } from './server-timing.ts'

/** A problem document (RFC 9457). `code` is stable; `errors` lists the faults of the input. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly instance: string
  readonly errors?: readonly Fault[]
  /** After a timeout: the stage that timed out, and the duration of each stage. */
  readonly stage?: string
  readonly timings_ms?: Readonly<Record<string, number>>
}

/** Types registered with IANA; all others are relative to this service. */
const registeredTypes: Partial<Record<ErrorCode, string>> = {
  rate_limited: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
  overloaded: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
  pool_exhausted: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
}

export function problemOf(error: AskError, instance: string): Problem {
  const { title } = errorTable[error.code]
  return {
    type: registeredTypes[error.code] ?? `/problems/${error.code}`,
    title,
    status: error.status,
    code: error.code,
    // The title is no sentence, unlike all other details.
    detail: error.detail === title ? `${title}.` : error.detail,
    instance,
    ...(error.faults.length > 0 ? { errors: error.faults } : {}),
    ...(error.stage !== undefined ? { stage: error.stage } : {}),
    ...(error.timings ? { timings_ms: error.timings } : {}),
  }
}

/** Turns every failure of a request into a reply. Malformed requests get theirs in edge/malformed.ts. */
export function registerProblems(app: FastifyInstance, events: Pick<Events, 'problemSent'>): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = isDisconnected(request, error) ? new AskError('cancelled', { cause: error }) : askErrorOf(error)
    events.problemSent(problem.code)
    return sendProblem(request, reply, problem)
  })
}

/** True if the body is incomplete: the client disconnected, or was too slow and was disconnected. */
function isDisconnected({ raw }: FastifyRequest, error: unknown): boolean {
  return raw.errored !== null && raw.errored === error
}

export async function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: AskError,
): Promise<FastifyReply> {
  noteFailure(request, { code: error.code, ...(error.stage !== undefined && { stage: error.stage }) })
  // `not_cached` is what the client asked for. For overload and startup the line of the request is enough, and cheap.
  const isLogged = error.code !== 'not_cached' && error.code !== 'overloaded' && error.code !== 'starting'
  if (error.status >= 500 && isLogged)
    logOf(request).error({ code: error.code, err: error.cause ?? error }, error.detail)
  const retryAfter = error.retryAfter ?? (error.status === 503 ? 1 : undefined)
  if (retryAfter !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(retryAfter)))
  if (error.timings) reply.header('server-timing', serverTiming(error.timings))
  if (error.code === 'unauthorized') reply.header('www-authenticate', 'Bearer')
  return await reply
    .code(error.status)
    // Usually a hook has set this already, but no hook runs for an invalid URL.
    .header('x-request-id', request.id)
    .type('application/problem+json; charset=utf-8')
    // Bypasses the route's reply schema, which does not describe problems.
    .serializer(JSON.stringify)
    .send(problemOf(error, request.id))
}

/** Routes that answer questions set a log with ids for the request (ask-form.ts); the others share the app's log. */
function logOf(request: FastifyRequest): FastifyBaseLogger {
  return request.log === request.server.log ? request.log.child({ reqId: request.id }) : request.log
}

const frameworkCodes: Readonly<Record<string, [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', 'The body is larger than this endpoint allows.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'Send the body with content-type: application/json.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'The length of the body differs from content-length.'],
  FST_ERR_BAD_URL: ['invalid_request', 'The URL path is not valid.'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid_request', 'A segment of the URL path is too long.'],
}

/** Converts any error to an AskError. An unknown error becomes `internal` and reveals nothing about its cause. */
export function askErrorOf(error: unknown): AskError {
  if (isAskError(error)) return error
  const { code, validation, validationContext } = error as Partial<FastifyError>
  if (validation) return validationContext === 'params' ? invalidAddress(validation) : invalidBody(validation)
  const known = code === undefined ? undefined : frameworkCodes[code]
  if (known) return new AskError(known[0], { detail: known[1], cause: error })
  return new AskError('internal', {
    detail: 'Internal error; the log of the service has the cause under this request id.',
    cause: error,
  })
}
