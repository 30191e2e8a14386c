import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { randomUUID } from 'node:crypto'
import { STATUS_CODES, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { AskError } from '../../errors.ts'
import { askErrorOf, sendProblem } from '../replies/problems.ts'

/** Fastify's option for requests with an invalid URL; its own reply is not a problem document. */
export const malformedOptions = { frameworkErrors: answerBrokenUrl }

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

/** Rejects requests without a Host header or with two of them (RFC 9112, 3.2). */
export function registerOneHost(app: FastifyInstance): void {
  app.addHook('onRequest', ({ headers, raw }, _, done) => {
    const isMissing = headers.host === undefined && raw.httpVersion === '1.1'
    // Of two headers Node uses the first; a proxy in front may have used the last.
    const detail = isMissing
      ? 'The Host header is missing.'
      : hasTwoHosts(raw.rawHeaders)
        ? 'There are two Host headers.'
        : undefined
    done(detail === undefined ? undefined : new AskError('invalid_request', { detail }))
  })
}

/** `rawHeaders` alternates names and values. */
function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.length === 4 && rawHeaders[at]?.toLowerCase() === 'host') hosts++
  return hosts > 1
}

type BrokenHttp = NodeJS.ErrnoException & { rawPacket?: unknown }

/**
 * Replies to a request that Node could not read with a problem document, like all others. Writes the raw reply, because
 * no reply object exists yet, and closes the connection.
 */
export function answerMalformed(error: BrokenHttp, socket: Duplex): void {
  const isHead = Buffer.isBuffer(error.rawPacket) && error.rawPacket.toString('latin1', 0, 5) === 'HEAD '
  if (socket.writable && error.code !== 'ECONNRESET' && !isAnswering(socket))
    socket.write(brokenHttpReply(codeOf(error), isHead))
  socket.destroy(error)
}

/** Calls `onMalformed` for each connection that ended because no valid request arrived on it. */
export function watchMalformed(server: Server, onMalformed: (code: keyof typeof wireErrors) => void): void {
  server.on('clientError', (error: BrokenHttp) => {
    if (error.code !== 'ECONNRESET') onMalformed(codeOf(error))
  })
}

function codeOf({ code = '' }: BrokenHttp): keyof typeof wireErrors {
  return wireCodes[code] ?? 'invalid_http'
}

/** True if a response is in progress on the socket. A second status line in the middle would look like its content. */
function isAnswering(socket: Duplex & { _httpMessage?: { headersSent: boolean } | null }): boolean {
  return socket._httpMessage?.headersSent === true
}

/** The reply to HEAD has no body: the client would read one as malformed HTTP. */
function brokenHttpReply(code: keyof typeof wireErrors, isHead: boolean): string {
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
