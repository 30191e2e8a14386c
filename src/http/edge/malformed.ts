import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { AskError } from '../../errors.ts'
import { askErrorOf, sendProblem } from '../replies/problems.ts'

/**
 * Options for requests that fail before routing: malformed HTTP, an invalid URL, headers that are too large. By default
 * Node and Fastify reply to these in their own format; these options make the replies problem documents like all
 * others.
 */
const malformedOptions = {
  frameworkErrors: answerBrokenUrl,
  // Requests that arrive on open connections while the server closes are still answered.
  return503OnClosing: false,
}

/** Limits for clients that are slow, on purpose or not. */
export interface ReceivingLimits {
  /** Time limit for receiving the header of a request. */
  readonly headersMs: number
  /** Time limit for receiving a whole request, including the largest upload. */
  readonly wholeMs: number
  /** How long a connection may be idle between two requests. */
  readonly keepAliveMs: number
  /** Idle timeout of a connection; longer than any answer takes, so it ends only clients that do not read. */
  readonly idleMs: number
  /** Node closes further connections without a reply. */
  readonly maxConnections: number
  /** Called for each connection that ended because no valid request arrived on it. */
  readonly onBroken?: (code: keyof typeof wireErrors) => void
}

const maxHeaderBytes = 16 * 1024

export function receivingOptions({ headersMs, wholeMs, keepAliveMs, idleMs, onBroken }: ReceivingLimits) {
  return {
    ...malformedOptions,
    clientErrorHandler(error: BrokenHttp, socket: Socket) {
      if (error.code !== 'ECONNRESET') onBroken?.(wireCodes[error.code ?? ''] ?? 'invalid_http')
      answerBrokenHttp(error, socket)
    },
    requestTimeout: wholeMs,
    keepAliveTimeout: keepAliveMs,
    connectionTimeout: idleMs,
    http: {
      // Node would reject a request without a Host header with an empty reply; `registerMalformed` gives a reason.
      requireHostHeader: false,
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersMs,
      // How often Node checks these timeouts; its default is 30 s.
      connectionsCheckingInterval: Math.min(5000, Math.ceil(headersMs / 4)),
    },
  }
}

/** Codes of these failures. They are not in errors.ts, because our own code cannot throw them. */
export const wireErrors = {
  invalid_http: {
    status: 400,
    title: 'The request is not valid HTTP',
    detail: 'The request is not HTTP/1.1 as defined by RFC 9112.',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    detail: 'No complete request arrived in time.',
  },
  headers_too_large: {
    status: 431,
    title: 'The header fields are too large',
    detail: 'All header fields together may take at most 16 kB.',
  },
} as const

const wireCodes: Readonly<Record<string, keyof typeof wireErrors>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
}

export function registerMalformed(app: FastifyInstance, { maxConnections }: ReceivingLimits): void {
  app.server.maxConnections = maxConnections
  app.addHook('onRequest', ({ headers, raw }, _, done) => {
    const isMissing = headers.host === undefined && raw.httpVersion === '1.1'
    // RFC 9112, 3.2. Of two headers Node uses the first; a proxy in front may have used the last.
    const detail = isMissing
      ? 'The Host header is missing.'
      : hasTwoHosts(raw.rawHeaders)
        ? 'There are two Host headers.'
        : undefined
    done(detail === undefined ? undefined : new AskError('invalid_request', { detail }))
  })
  // RFC 9110 lets a server ignore unknown expectations; Node would reject them with an empty reply.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
}

/** `rawHeaders` alternates names and values. */
function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.length === 4 && rawHeaders[at]?.toLowerCase() === 'host') hosts++
  return hosts > 1
}

type BrokenHttp = NodeJS.ErrnoException & { rawPacket?: unknown }

/** Writes the raw reply, because no reply object exists yet, and closes the connection. */
function answerBrokenHttp(error: BrokenHttp, socket: Socket): void {
  const isHead = Buffer.isBuffer(error.rawPacket) && error.rawPacket.toString('latin1', 0, 5) === 'HEAD '
  if (socket.writable && error.code !== 'ECONNRESET' && !isAnswering(socket))
    socket.write(brokenHttpReply(error.code, isHead))
  socket.destroy(error)
}

/** True if a response is in progress on the socket. A second status line in the middle would look like its content. */
function isAnswering(socket: Socket & { _httpMessage?: { headersSent: boolean } | null }): boolean {
  return socket._httpMessage?.headersSent === true
}

/** The reply to HEAD has no body: the client would read one as malformed HTTP. */
function brokenHttpReply(errorCode = '', isHead = false): string {
  const code = wireCodes[errorCode] ?? 'invalid_http'
  const { status, title, detail } = wireErrors[code]
  const id = randomUUID()
  const body = JSON.stringify({ type: `/problems/${code}`, title, status, code, detail, instance: id })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${id}`,
    'connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${isHead ? '' : body}`
}

function answerBrokenUrl(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void sendProblem(request, reply, askErrorOf(error))
}
