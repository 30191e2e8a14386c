import cors from '@fastify/cors'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** Request headers a page may send, besides the safelisted ones. */
const allowedHeaders = [
  'Authorization',
  'Content-Type',
  'Accept',
  'Cache-Control',
  'X-Priority',
  'X-Request-Id',
  'traceparent',
  'tracestate',
]

/** Response headers a page may read, besides the safelisted ones. */
const exposedHeaders = [
  'Age',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Server-Timing',
  'WWW-Authenticate',
  'X-Request-Id',
]

/** The longest that browsers cache a preflight. Without caching, each question takes two requests. */
const preflightSeconds = 7200

/**
 * Allows pages of these origins to call the API. Null allows none and registers nothing. Register it before any hook
 * that rejects requests, so that a page can read the rejection. Only reading and asking are allowed: an admin key does
 * not belong in a web page. Cookies are not needed, because keys are sent in a header.
 */
export async function registerCors(app: FastifyInstance, origins: readonly string[] | null): Promise<void> {
  if (origins === null) return
  const options = {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST'],
    allowedHeaders,
    exposedHeaders,
    maxAge: preflightSeconds,
  }
  await app.register(cors, {
    hideOptionsRoute: true,
    delegator: (request: FastifyRequest, done: (error: Error | null, options: object) => void) =>
      done(null, { ...options, preflight: isPreflight(request) }),
  })
}

export function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}
