import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AskError, errorTable, isAskError, type ErrorCode, type Fault } from '../errors.ts'

/** RFC 9457. `code` is ours and stable; `errors` lists every fault of the input. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly instance: string
  readonly errors?: readonly Fault[]
}

/** Types that IANA registers for these two; the others are relative to this service. */
const registeredTypes: Partial<Record<ErrorCode, string>> = {
  rate_limited: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
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
  }
}

/** Every failure of a request becomes a reply here, and nowhere else. */
export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(request, reply, askErrorOf(error)))
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, notFound(request)))
}

function notFound(request: FastifyRequest): AskError {
  const address = request.url.split('?')[0] ?? ''
  return new AskError('not_found', { detail: `${request.method} ${address} is not an address of this service; GET / lists them` })
}

async function sendProblem(request: FastifyRequest, reply: FastifyReply, error: AskError): Promise<FastifyReply> {
  if (error.status >= 500) request.log.error({ code: error.code, err: error.cause ?? error }, error.detail)
  if (error.retryAfter !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(error.retryAfter)))
  if (error.code === 'unauthorized') reply.header('www-authenticate', 'Bearer')
  return await reply
    .code(error.status)
    .type('application/problem+json; charset=utf-8')
    // Not through a schema: a problem must be sendable whatever the route's reply schema says.
    .serializer(JSON.stringify)
    .send(problemOf(error, request.id))
}

const frameworkCodes: Readonly<Record<string, [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', 'the body is larger than this address takes'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'send the body as content-type: application/json'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'the body is not as long as content-length says'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid_json', 'the body is empty; send a JSON object'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_json', 'the body is not valid JSON'],
  FST_ERR_BAD_URL: ['invalid_request', 'the address is not a valid URL path'],
}

/** Whatever was thrown, in our words. What we do not know is `internal`, and says nothing of its inside. */
export function askErrorOf(error: unknown): AskError {
  if (isAskError(error)) return error
  const { code, validation, statusCode } = error as Partial<FastifyError>
  if (validation) return invalid(outermost(validation).map(faultOf))
  const known = code === undefined ? undefined : frameworkCodes[code]
  if (known) return new AskError(known[0], { detail: known[1], cause: error })
  if (error instanceof SyntaxError && statusCode === 400) return new AskError('invalid_json', { detail: error.message, cause: error })
  return new AskError('internal', { detail: 'something went wrong on our side; the log has it under this request id', cause: error })
}

export function invalid(faults: readonly Fault[]): AskError {
  const summary = faults.length === 1 ? `${faults[0]?.pointer || 'the body'} ${faults[0]?.detail}` : `${faults.length} faults; see errors`
  return new AskError('invalid_request', { detail: summary, faults })
}

type SchemaFault = NonNullable<FastifyError['validation']>[number]

/** A value that fits no branch of a union has a fault a branch; the union's own fault says it once. */
function outermost(faults: readonly SchemaFault[]): SchemaFault[] {
  const unions = faults.filter(fault => fault.keyword === 'anyOf').map(fault => fault.schemaPath)
  return faults.filter(fault => !unions.some(union => fault.schemaPath !== union && fault.schemaPath.startsWith(union)))
}

function faultOf({ instancePath, keyword, params, message }: SchemaFault): Fault {
  if (keyword === 'additionalProperties') {
    return { pointer: `${instancePath}/${escapePointer(String(params['additionalProperty']))}`, detail: 'is not a known field' }
  }
  if (keyword === 'required') return { pointer: `${instancePath}/${escapePointer(String(params['missingProperty']))}`, detail: 'is required' }
  if (keyword === 'pattern' && params['pattern'] === '\\S') return { pointer: instancePath, detail: 'must not be blank' }
  if (keyword === 'enum') return { pointer: instancePath, detail: `must be one of ${(params['allowedValues'] as string[]).join(', ')}` }
  if (keyword === 'anyOf') return { pointer: instancePath, detail: 'must be a value, {"in": […]} or a range of gt, gte, lt, lte' }
  return { pointer: instancePath, detail: message ?? 'is not valid' }
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
