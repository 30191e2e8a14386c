import type { FastifyRequest } from 'fastify'
import type { BackendSign } from '../../events.ts'

/** What HTTP libraries of servers call themselves unless told otherwise. Browsers, curl and wget are not among them. */
const libraries =
  /^(?:node|node-fetch|undici|axios|got|deno|bun|python|python-(?:requests|httpx|urllib)|aiohttp|okhttp|go-http-client|java|java-http-client|apache-httpclient|reactornetty|ruby|faraday|guzzlehttp|reqwest|dart)(?:$|[/\s])/i

/**
 * Returns null for a client that looks like one user's. Says `forwarded` for a request with `X-Forwarded-For` or
 * `Forwarded` from an address that is not trusted to send them, and `user-agent` for one that an HTTP library has sent,
 * or that does not name its software: browsers always do.
 */
export function backendSignOf(
  request: FastifyRequest,
  addressOf: (request: FastifyRequest) => string,
): BackendSign | null {
  const { headers, raw } = request
  const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined
  if (isForwarded && addressOf(request) === raw.socket.remoteAddress) return 'forwarded'
  const agent = headers['user-agent']?.trim() ?? ''
  return agent === '' || libraries.test(agent) ? 'user-agent' : null
}
