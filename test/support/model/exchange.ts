import type { IncomingMessage, ServerResponse } from 'node:http'

/** One request and the ways to answer it. Detects when the client disconnects. */
export class Exchange {
  readonly request: IncomingMessage
  readonly #reply: ServerResponse
  readonly #hangup = new AbortController()
  /** Whether we broke the connection ourselves, in which case the client did not abort. */
  #wasCut = false

  constructor(request: IncomingMessage, reply: ServerResponse) {
    this.request = request
    this.#reply = reply
    reply.once('close', () => {
      if (!reply.writableFinished && !this.#wasCut) this.#hangup.abort()
    })
  }

  /** Aborts when the client disconnects before the end. */
  get signal(): AbortSignal {
    return this.#hangup.signal
  }

  /** Calls `work` when the exchange ends in any way. */
  onClose(work: () => void): this {
    if (this.#reply.closed) work()
    else this.#reply.once('close', work)
    return this
  }

  json(status: number, body: object, headers: Record<string, string> = {}): void {
    this.#reply.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  }

  fail(status: number, message: string, headers: Record<string, string> = {}): void {
    const type = status === 429 ? 'rate_limit_error' : status < 500 ? 'invalid_request_error' : 'server_error'
    this.json(status, { error: { message, type, param: null, code: null } }, headers)
  }

  /** Replies as a broken proxy would. */
  garbage(): void {
    this.#reply.writeHead(200, { 'content-type': 'application/json' }).end('<html>upstream {')
  }

  openStream(): void {
    this.#reply.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  }

  event(body: object): void {
    this.#reply.write(`data: ${JSON.stringify(body)}\n\n`)
  }

  endStream(): void {
    this.#reply.end('data: [DONE]\n\n')
  }

  /** Sends half of the announced body (or nothing more of a stream), then breaks the connection. */
  cut(body?: string): void {
    this.#wasCut = true
    if (body !== undefined) {
      this.#reply.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    }
    this.#reply.write(body?.slice(0, body.length / 2) ?? ': cut\n\n', () => this.#reply.destroy())
  }
}
