import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { ApiKey } from '../../config/api-keys.ts'
import type { Config } from '../../config/terms.ts'
import { AskError } from '../../errors.ts'
import type { Events } from '../../events.ts'
import { createWindowCounter, type WindowCount } from '../../resilience/window-counter.ts'
import type { Keyring } from './auth.ts'
import { backendSignOf } from './backend.ts'

interface RateLimitParts {
  readonly limits: Config['rateLimit']
  /** Redis, if several processes count together; undefined to count in this process. */
  readonly redis: SharedCounts | undefined
  /** Counts requests together with the other workers of this service, if there are any and no Redis. */
  readonly countWithWorkers?: CountShared | undefined
  readonly keyring: Pick<Keyring, 'mayHaveKeys' | 'mayLimit'>
  readonly addressOf: (request: FastifyRequest) => string
  readonly events: Pick<Events, 'requestLimited' | 'backendLimited'>
}

/** The part of a Redis server that this module uses. */
export interface SharedCounts {
  readonly keyPrefix: string
  /** Resolves with undefined if Redis is unavailable, fails or times out; never rejects. */
  attempt<T>(what: string, work: (client: RedisScripts) => Promise<T>): Promise<T | undefined>
}

/** Adds requests of a client to a count that processes share; undefined when it cannot be reached in time. */
export type CountShared = (client: string, windowMs: number, requests: number) => Promise<WindowCount | undefined>

interface RedisScripts {
  eval(script: string, keyCount: number, key: string, windowMs: number, count: number): Promise<unknown>
}

/**
/**
 * Limits requests per client, in windows that start with the client's first request. A client is a key that may ask, a
 * key with a limit of its own, or an address: a chat backend sends the questions of many users from one address, so its
 * key has a higher limit. Replicas count together in Redis, workers without Redis in their primary. While that fails,
 * each process counts alone: a failed limiter must neither cause an outage nor lift the limit. A request with an invalid
 * key counts as one without a key.
 */
export function registerRateLimit(app: FastifyInstance, parts: RateLimitParts): void {
  const { limits, redis, countWithWorkers, keyring } = parts
  const mayLimitKeys = limits.keyMax > 0 ? keyring.mayHaveKeys : keyring.mayLimit
  if (limits.max === 0 && !mayLimitKeys) return
  const [client, windowMs] = [clientOf(parts.addressOf), limits.seconds * 1000]
  const countShared = redis ? countingInRedis(redis) : countWithWorkers
  const count = countShared ? countingTogether(windowMs, countShared) : countingAlone(windowMs)
  const applyLimit = limiterOf(parts, client)
  // A hook of the app runs before those of the routes; otherwise guesses at a key would be rejected uncounted.
  app.addHook('onRequest', (request, reply, done) => {
    const { rateLimit: wanted } = request.routeOptions.config as { readonly rateLimit?: false }
    const limit = limitOf(request.apiKey, limits)
    if (wanted === false || limit === 0) return done()
    const counted = count(client(request))
    if (counted instanceof Promise) void whenCounted(counted, each => applyLimit(reply, limit, each), done)
    else done(applyLimit(reply, limit, counted))
  })
}

/** True if requests with the key are counted for the key, false if they are counted for their address. */
function isCountedByKey(key: ApiKey | undefined): key is ApiKey {
  return key !== undefined && (key.rateLimit !== undefined || key.scopes.includes('ask'))
}

/** 0 for no limit. */
function limitOf(key: ApiKey | undefined, { max, keyMax }: Config['rateLimit']): number {
  return isCountedByKey(key) ? (key.rateLimit ?? keyMax) : max
}

async function whenCounted(
  counted: Promise<WindowCount>,
  check: (count: WindowCount) => AskError | undefined,
  done: (error?: Error) => void,
): Promise<void> {
  let error: Error | undefined
  try {
    error = check(await counted)
  } catch (cause) {
    error = cause as Error
  }
  done(error)
}

type CountClient = (client: string) => WindowCount | Promise<WindowCount>

/** Counts in this process only, without promises. */
function countingAlone(windowMs: number): CountClient {
  const count = createWindowCounter({ maxClients })
  return client => count(client, windowMs)
}

/** Also counts locally while others count, so that the limit continues when they cannot be reached. */
function countingTogether(windowMs: number, countShared: CountShared): CountClient {
  const [countLocally, countInBatch] = [createWindowCounter({ maxClients }), inBatches(windowMs, countShared)]
  return async client => {
    const local = countLocally(client, windowMs)
    return (await countInBatch(client)) ?? local
  }
}

/**
 * Sets the headers of draft-ietf-httpapi-ratelimit-headers-10 on every counted reply, and returns the error once the
 * limit is exceeded. Setting and sending the headers takes 0.25 µs.
 */
function limiterOf(
  { limits: { seconds }, addressOf, events }: RateLimitParts,
  client: (request: FastifyRequest) => string,
): (reply: FastifyReply, max: number, count: WindowCount) => AskError | undefined {
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

  return (reply, max, { current, ttl }) => {
    reply
      .header('ratelimit-policy', `"default";q=${max};w=${seconds}`)
      .header('ratelimit', `"default";r=${Math.max(0, max - current)};t=${Math.ceil(ttl / 1000)}`)
    if (current <= max) return undefined
    const by = isCountedByKey(reply.request.apiKey) ? 'key' : 'address'
    events.requestLimited(by)
    if (by === 'address') reportBackend(reply.request)
    return new AskError('rate_limited', {
      detail: `At most ${max} requests are allowed per ${seconds} s ${by === 'key' ? 'with this key' : 'from this address'}; try again after Retry-After.`,
      retryAfter: ttl / 1000,
    })
  }
}

/** Addresses that are not reported again, the latest ones. */
const maxReported = 1000

/** Clients tracked at once. Beyond this, the least recently seen client is evicted and starts a new window. */
const maxClients = 10_000

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

interface Batch {
  size: number
  readonly counted: Promise<WindowCount | undefined>
}

/**
 * Counts all requests of a client in one turn of the event loop with one message; each request still gets its own
 * number. With 50 connections, one Redis command per request took 13 µs of CPU time, half the cost of an answer from
 * memory.
 */
function inBatches(windowMs: number, count: CountShared): (client: string) => Promise<WindowCount | undefined> {
  const batches = new Map<string, Batch>()

  function startBatch(client: string): Batch {
    const { promise: counted, resolve } = Promise.withResolvers<WindowCount | undefined>()
    const batch = { size: 0, counted }
    batches.set(client, batch)
    setImmediate(() => {
      batches.delete(client)
      void count(client, windowMs, batch.size).then(resolve)
    })
    return batch
  }

  return async client => {
    const batch = batches.get(client) ?? startBatch(client)
    const position = ++batch.size
    const last = await batch.counted
    return last && { ...last, current: last.current - batch.size + position }
  }
}

function countingInRedis(redis: SharedCounts): CountShared {
  return async (client, windowMs, requests) =>
    countOf(
      await redis.attempt('count a request', commands =>
        commands.eval(script, 1, `${redis.keyPrefix}rate:${client}`, windowMs, requests),
      ),
    )
}

/** Parses the reply of the script; undefined for any other reply, so that this process counts alone. */
function countOf(reply: unknown): WindowCount | undefined {
  const [current, ttl] = Array.isArray(reply) ? (reply as unknown[]) : []
  return Number.isSafeInteger(current) && Number.isSafeInteger(ttl)
    ? { current: current as number, ttl: ttl as number }
    : undefined
}

/** Counts and sets the expiry in one step: a counter without an expiry would reject its client forever. */
const script = `
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}`
