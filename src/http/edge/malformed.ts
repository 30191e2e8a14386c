import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { AskError } from '../../errors.ts'
import { askErrorOf, sendProblem } from '../replies/problems.ts'

/**
 * What fails before there is a request that a route could get: broken HTTP, a URL that is none, too much header.
 * Node and Fastify answer these by themselves, in words of their own; these options have them answered like the rest.
 */
const unparsedOptions = {
  frameworkErrors: answerBrokenUrl,
  // Requests that arrive on open connections while the server closes are still answered.
  return503OnClosing: false,
}

/** What bounds clients that are slow, on purpose or not. */
export interface ReceivingLimits {
  /** For the header of a request to arrive. */
  readonly headersMs: number
  /** For the whole request, the largest upload included. */
  readonly wholeMs: number
  /** How long a connection may be silent between two requests. */
  readonly keepAliveMs: number
  /** Longer than any answer is waited for: who has not read by then what was sent to it will not. */
  readonly silentMs: number
  /** Node closes those above it without a word. */
  readonly maxConnections: number
  /** Told of each connection that ended because no whole request came on it. */
  readonly onBroken?: (code: keyof typeof wireErrors) => void
}

const maxHeaderBytes = 16 * 1024

export function receivingOptions({ headersMs, wholeMs, keepAliveMs, silentMs, onBroken }: ReceivingLimits) {
  return {
    ...unparsedOptions,
    clientErrorHandler(error: BrokenHttp, socket: Socket) {
      if (error.code !== 'ECONNRESET') onBroken?.(wireCodes[error.code ?? ''] ?? 'invalid_http')
      answerBrokenHttp(error, socket)
    },
    requestTimeout: wholeMs,
    keepAliveTimeout: keepAliveMs,
    connectionTimeout: silentMs,
    http: {
      // Node would refuse those without one with an empty reply; `registerUnparsed` says why.
      requireHostHeader: false,
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersMs,
      // Only then does Node look for whom its time is over. Half a minute is its default.
      connectionsCheckingInterval: Math.min(5000, Math.ceil(headersMs / 4)),
    },
  }
}

/** Codes of these failures only; they have no row in errors.ts, because no code of ours can throw them. */
export const wireErrors = {
  invalid_http: {
    status: 400,
    title: 'The request is not valid HTTP',
    detail: 'this is not HTTP/1.1 as RFC 9112 has it',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    detail: 'the connection was open, but no whole request came',
  },
  headers_too_large: {
    status: 431,
    title: 'The header fields are too large',
    detail: 'all header fields together may have 16 kB',
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
    // RFC 9112, 3.2. Node takes the first of two, a proxy in front may have gone by the last.
    const detail = isMissing
      ? 'the Host header is missing'
      : hasTwoHosts(raw.rawHeaders)
        ? 'there are two Host headers'
        : undefined
    done(detail === undefined ? undefined : new AskError('invalid_request', { detail }))
  })
  // RFC 9110 lets a server ignore expectations it does not know; Node would refuse with an empty reply.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
}

/** Names and values take turns in it. */
function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.length === 4 && rawHeaders[at]?.toLowerCase() === 'host') hosts++
  return hosts > 1
}

type BrokenHttp = NodeJS.ErrnoException & { rawPacket?: unknown }

/** There is no reply object at this point: the bytes are written by hand, and the connection ends. */
function answerBrokenHttp(error: BrokenHttp, socket: Socket): void {
  const isHead = Buffer.isBuffer(error.rawPacket) && error.rawPacket.toString('latin1', 0, 5) === 'HEAD '
  if (socket.writable && error.code !== 'ECONNRESET' && !isAnswering(socket))
    socket.write(brokenHttpReply(error.code, isHead))
  socket.destroy(error)
}

/** Node keeps the running response here. Another status line in its middle would look like its content. */
function isAnswering(socket: Socket & { _httpMessage?: { headersSent: boolean } | null }): boolean {
  return socket._httpMessage?.headersSent === true
}

/** Of HEAD a client reads the head alone; a body would be broken HTTP to it. */
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
