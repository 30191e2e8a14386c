import cors from '@fastify/cors'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** What a page may send besides what every page may. */
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

/** What a page may read besides what every page may. */
const exposedHeaders = [
  'Age',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Server-Timing',
  'WWW-Authenticate',
  'X-Request-Id',
]

/** Browsers keep a preflight's answer no longer, whatever is said; without it each question is two requests. */
const preflightSeconds = 7200

/**
 * Lets pages of these origins ask; null: none, and nothing runs for it. To be registered before whatever refuses a
 * request: a page must be able to read the refusal. Reading and asking only: what loads documents is no page, and its key
 * should be in none. No cookies: a key stands in a header.
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
