import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { AskError } from '../errors.ts'

export interface RateLimitOptions {
  /** 0: no limit. */
  readonly max: number
  readonly seconds: number
  /** A client for @fastify/rate-limit's Redis store; undefined counts in this process. */
  readonly redis: unknown
}

/**
 * By client address. Without Redis, or while it fails, requests pass: a limiter that is down must not be an
 * outage of its own.
 */
export async function registerRateLimit(app: FastifyInstance, { max, seconds, redis }: RateLimitOptions): Promise<void> {
  if (max === 0) return
  await app.register(rateLimit, {
    global: false,
    max,
    timeWindow: seconds * 1000,
    ...(redis === undefined ? {} : { redis }),
    nameSpace: 'askwell:rate:',
    skipOnError: true,
    // Names from before the standard; Retry-After comes with the problem.
    addHeadersOnExceeding: off,
    addHeaders: off,
    errorResponseBuilder: (_, { ttl }) =>
      new AskError('rate_limited', { detail: `at most ${max} requests in ${seconds} s; try again later`, retryAfter: ttl / 1000 }),
  })
  const count = app.rateLimit()
  // A hook of the app, before those of the routes: else guesses at a key would be refused before they are counted.
  app.addHook('onRequest', async (request, reply) => {
    const { rateLimit: wanted } = request.routeOptions.config as { readonly rateLimit?: false }
    if (wanted !== false) await count.call(app, request, reply)
  })
}

const off = {
  'x-ratelimit-limit': false,
  'x-ratelimit-remaining': false,
  'x-ratelimit-reset': false,
  'retry-after': false,
} as const
