import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Returns the caller's `X-Request-Id` if it is a plain token, so that logs on both sides match; otherwise a new id. */
export function requestId(request: Pick<IncomingMessage, 'headers'>): string {
  const header = request.headers['x-request-id']
  return typeof header === 'string' && /^[\w.:-]{1,128}$/.test(header) ? header : randomUUID()
}
