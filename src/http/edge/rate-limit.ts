import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiKey } from '../../config/api-keys.ts'
import type { Config } from '../../config/terms.ts'
import { AskError } from '../../errors.ts'
import type { Events } from '../../events.ts'
import type { WindowCount } from '../../resilience/window-counter.ts'
import type { Keyring } from './auth.ts'
import { backendSignOf } from './backend.ts'
import { disconnectSignal } from './hangup.ts'
import { countClients, countingInRedis, maxClients, type CountShared, type SharedCounts } from './request-counts.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True for a route whose requests may wait for the next window of KEY_RATE_LIMIT. Its body may have `timeout_ms`. */
    readonly waitsForLimit?: true
  }
  interface FastifyRequest {
    /** Set while the request is over the limit and may wait. */
    overLimit: OverLimit | undefined
  }
}

interface OverLimit {
  readonly limit: number
  readonly count: WindowCount
}

interface RateLimitParts {
  readonly limits: Config['rateLimit']
  /** Longest wait for the next window of KEY_RATE_LIMIT, and the most requests that may wait at a time. */
  readonly patience: { readonly maxWaitMs: number; readonly maxWaiting: number }
  /** Redis, if several processes count together; undefined to count in this process. */
  readonly redis: SharedCounts | undefined
  /** Counts requests together with the other workers of this service, if there are any and no Redis. */
  readonly countWithWorkers?: CountShared | undefined
  readonly keyring: Pick<Keyring, 'mayHaveKeys' | 'mayLimit'>
  readonly addressOf: (request: FastifyRequest) => string
  readonly events: Pick<Events, 'requestLimited' | 'requestDelayed' | 'backendLimited'>
}

/**
 * Limits requests per client, in windows that start with the client's first request. A client is a key that may ask, a
 * key with a limit of its own, or an address: a chat backend sends the questions of many users from one address, so its
 * key has a higher limit. Replicas count together in Redis, workers without Redis in their primary. While that fails,
 * each process counts alone: a failed limiter must neither cause an outage nor lift the limit. A request with an invalid
 * key counts as one without a key.
 *
 * KEY_RATE_LIMIT is the same for all keys, whatever is behind them, so questions over it wait for the next window if
 * that begins soon. The `rate_limit` of a key, and the limit of an address, reject at once.
 */
export function registerRateLimit(app: FastifyInstance, parts: RateLimitParts): void {
  const { limits, redis, countWithWorkers, keyring } = parts
  const mayLimitKeys = limits.keyMax > 0 ? keyring.mayHaveKeys : keyring.mayLimit
  if (limits.max === 0 && !mayLimitKeys) return
  const [client, windowMs] = [clientOf(parts.addressOf), limits.seconds * 1000]
  const count = countClients(windowMs, redis ? countingInRedis(redis) : countWithWorkers)
  const { show, refuse } = limiterOf(parts, client)
  const waitForWindow = windowWaiter(parts, request => count(client(request)), { show, refuse })
  app.decorateRequest('overLimit', undefined)
  // A hook of the app runs before those of the routes; otherwise guesses at a key would be rejected uncounted.
  app.addHook('onRequest', (request, reply, done) => {
    const { rateLimit: wanted } = request.routeOptions.config as { readonly rateLimit?: false }
    const limit = limitOf(request.apiKey, limits)
    if (wanted === false || limit === 0) return done()
    const check = (each: WindowCount): AskError | undefined => {
      show(reply, limit, each)
      if (each.current <= limit) return undefined
      if (!waitForWindow.may(request, each)) return refuse(reply, limit, each)
      request.overLimit = { limit, count: each }
      return undefined
    }
    const counted = count(client(request))
    if (counted instanceof Promise) void passOn(counted.then(check), done)
    else done(check(counted))
  })
  // The body says how long the caller would wait.
  app.addHook('preHandler', (request, reply, done) => {
    if (request.overLimit) void passOn(waitForWindow.wait(request, reply, request.overLimit), done)
    else done()
  })
}

/** Lets requests over the default limit of a key wait for the key's next window. */
function windowWaiter(
  { patience: { maxWaitMs, maxWaiting }, events }: RateLimitParts,
  count: (request: FastifyRequest) => WindowCount | Promise<WindowCount>,
  { show, refuse }: ReturnType<typeof limiterOf>,
) {
  let waiting = 0
  /** By the name of the key: the burst of one leaves places for others. */
  const waitingOf = new Map<string, number>()

  function hasPlace(key: ApiKey): boolean {
    return waiting < maxWaiting && (waitingOf.get(key.name) ?? 0) < Math.ceil(maxWaiting / 2)
  }

  function take({ name }: ApiKey, change: 1 | -1): void {
    waiting += change
    const left = (waitingOf.get(name) ?? 0) + change
    if (left === 0) waitingOf.delete(name)
    else waitingOf.set(name, left)
  }

  function may({ apiKey, routeOptions }: FastifyRequest, { ttl }: WindowCount): boolean {
    if (!isCountedByKey(apiKey) || apiKey.rateLimit !== undefined) return false
    return routeOptions.config.waitsForLimit === true && ttl <= maxWaitMs && hasPlace(apiKey)
  }

  /** Resolves with the error if the request would wait too long, or its client has left. */
  async function wait(
    request: FastifyRequest,
    reply: FastifyReply,
    { limit, count: first }: OverLimit,
  ): Promise<AskError | undefined> {
    const key = request.apiKey as ApiKey
    // Others may have begun to wait while the body was read.
    if (!hasPlace(key)) return refuse(reply, limit, first)
    const { timeout_ms: timeoutMs = Infinity } = request.body as { readonly timeout_ms?: number }
    const signal = disconnectSignal(request, reply)
    const endsAt = performance.now() + Math.min(maxWaitMs, timeoutMs)
    let last = first
    take(key, 1)
    try {
      while (last.current > limit) {
        if (performance.now() + last.ttl > endsAt) return refuse(reply, limit, last)
        if (last === first) events.requestDelayed()
        await sleep(last.ttl, undefined, { signal })
        last = await count(request)
        show(reply, limit, last)
      }
      return undefined
    } catch (error) {
      if (signal.aborted) return new AskError('cancelled')
      throw error
    } finally {
      take(key, -1)
    }
  }

  return { may, wait }
}

/** True if requests with the key are counted for the key, false if they are counted for their address. */
function isCountedByKey(key: ApiKey | undefined): key is ApiKey {
  return key !== undefined && (key.rateLimit !== undefined || key.scopes.includes('ask'))
}

/** 0 for no limit. */
function limitOf(key: ApiKey | undefined, { max, keyMax }: Config['rateLimit']): number {
  return isCountedByKey(key) ? (key.rateLimit ?? keyMax) : max
}

async function passOn(checked: Promise<AskError | undefined>, done: (error?: Error) => void): Promise<void> {
  let error: Error | undefined
  try {
    error = await checked
  } catch (cause) {
    error = cause as Error
  }
  done(error)
}

/**
 * `show` sets the headers of draft-ietf-httpapi-ratelimit-headers-10 on a counted reply; setting and sending them takes
 * 0.25 µs. `refuse` reports a request that exceeds its limit, and returns its error.
 */
function limiterOf(
  { limits: { seconds }, addressOf, events }: RateLimitParts,
  client: (request: FastifyRequest) => string,
) {
  const reported = new LRUCache<string, true>({ max: maxReported })

  /** Users of a backend without a key share one limit, which its operator can learn from us only. */
  function reportBackend(request: FastifyRequest): void {
    const address = client(request)
    if (reported.get(address)) return
    const sign = backendSignOf(request, addressOf)
    if (sign === null) return
    reported.set(address, true)
    events.backendLimited(address, sign)
  }

  function show(reply: FastifyReply, max: number, { current, ttl }: WindowCount): void {
    reply
      .header('ratelimit-policy', `"default";q=${max};w=${seconds}`)
      .header('ratelimit', `"default";r=${Math.max(0, max - current)};t=${Math.ceil(ttl / 1000)}`)
  }

  function refuse(reply: FastifyReply, max: number, { ttl }: WindowCount): AskError {
    const by = isCountedByKey(reply.request.apiKey) ? 'key' : 'address'
    events.requestLimited(by)
    if (by === 'address') reportBackend(reply.request)
    return new AskError('rate_limited', {
      detail: `At most ${max} requests are allowed per ${seconds} s ${by === 'key' ? 'with this key' : 'from this address'}; try again after Retry-After.`,
      retryAfter: ttl / 1000,
    })
  }

  return { show, refuse }
}

/** Addresses that are not reported again, the latest ones. */
const maxReported = 1000

/**
 * Identifies a client by key or address; IPv6 clients by their /64. Cached, because normalizing an address takes 7 µs
 * and the rest of this hook less than 1 µs. client-address.ts returns only valid addresses, so none starts with `key:`.
 */
function clientOf(addressOf: (request: FastifyRequest) => string): (request: FastifyRequest) => string {
  const clients = new LRUCache<string, string>({ max: maxClients })
  return request => {
    if (isCountedByKey(request.apiKey)) return `key:${request.apiKey.name}`
    const ip = addressOf(request)
    const known = clients.get(ip)
    if (known !== undefined) return known
    const client = normalizeIP(ip)
    clients.set(ip, client)
    return client
  }
}
