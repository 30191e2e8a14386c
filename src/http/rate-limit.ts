import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { AskError } from '../errors.ts'

export interface RateLimitOptions {
  /** 0: no limit. */
  readonly max: number
  readonly seconds: number
  /** Where several processes count together; undefined counts in this one. */
  readonly redis: SharedCounts | undefined
}

/** What is used of openRedis's server. */
export interface SharedCounts {
  /** Undefined when it is not usable, fails or is too late; never rejects. */
  attempt<T>(what: string, work: (client: Scripted) => Promise<T>): Promise<T | undefined>
}

interface Scripted {
  eval(script: string, keyCount: number, key: string, windowMs: number): Promise<unknown>
}

/**
 * By client address, in windows that begin with a client's first request. While Redis is away or full each process
 * counts alone: a limiter that is down must not be an outage of its own, nor lift the limit. A key with a limit of its own
 * is counted by that instead, wherever it comes from; what comes with a wrong key counts as without one.
 */
export async function registerRateLimit(app: FastifyInstance, { max, seconds, redis }: RateLimitOptions, areKeysLimited = false): Promise<void> {
  if (max === 0 && !areKeysLimited) return
  const limits: Limits = { max, windowMs: seconds * 1000, areKeysLimited }
  const count = redis === undefined ? countingAlone(limits) : await countingTogether(app, limits, redis)
  const tell = tellerOf(seconds)
  // A hook of the app, before those of the routes: else guesses at a key would be refused before they are counted.
  app.addHook('onRequest', (request, reply, done) => {
    const { rateLimit: wanted } = request.routeOptions.config as { readonly rateLimit?: false }
    if (wanted === false || (max === 0 && request.apiKey?.rateLimit === undefined)) return done()
    const counted = count(request)
    if (counted instanceof Promise) counted.then(each => done(tell(reply, each)), done)
    else done(tell(reply, counted))
  })
}

interface Limits {
  /** Of who has none of its own. */
  readonly max: number
  readonly windowMs: number
  readonly areKeysLimited: boolean
}

type CountRequest = (request: FastifyRequest) => Counted | Promise<Counted>

/** Where nobody counts with us: without the plugin, whose promises cost 3 µs, a tenth of a cached answer. */
function countingAlone({ max, windowMs }: Limits): CountRequest {
  const [count, client] = [createCounter(), clientOf()]
  return request => {
    const { current, ttl } = count(client(request), windowMs)
    const limit = request.apiKey?.rateLimit ?? max
    return { max: limit, isExceeded: current > limit, remaining: Math.max(0, limit - current), ttl }
  }
}

async function countingTogether(app: FastifyInstance, { max, windowMs, areKeysLimited }: Limits, redis: SharedCounts): Promise<CountRequest> {
  await app.register(rateLimit, {
    global: false,
    // A number where it will do: a function costs a turn of the event loop's queue.
    max: areKeysLimited ? ({ apiKey }: FastifyRequest) => apiKey?.rateLimit ?? max : max,
    timeWindow: windowMs,
    store: storeOver(redis),
    keyGenerator: clientOf(),
  })
  const count = app.createRateLimit()
  return request => count(request) as Promise<Counted>
}

interface Counted {
  readonly max: number
  readonly isExceeded: boolean
  readonly remaining: number
  readonly ttl: number
}

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-10 (the plugin's are those of an older one), and the refusal.
 * On every reply that was counted: making and sending them takes .25 µs.
 */
function tellerOf(seconds: number): (reply: FastifyReply, counted: Counted) => AskError | undefined {
  return (reply, { max, isExceeded, remaining, ttl }) => {
    reply.header('ratelimit-policy', `"default";q=${max};w=${seconds}`).header('ratelimit', `"default";r=${remaining};t=${Math.ceil(ttl / 1000)}`)
    if (!isExceeded) return undefined
    return new AskError('rate_limited', { detail: `at most ${max} requests in ${seconds} s; try again later`, retryAfter: ttl / 1000 })
  }
}

/** Clients remembered; past this the one not seen for longest starts anew. */
const maxClients = 10_000

/** An IPv6 client is its /64. Kept, for working that out takes 7 µs, and all the rest of this hook less than 1. */
function clientOf(): (request: FastifyRequest) => string {
  const clients = new LRUCache<string, string>({ max: maxClients })
  return ({ ip, apiKey }) => {
    if (apiKey?.rateLimit !== undefined) return `key:${apiKey.name}`
    const known = clients.get(ip)
    if (known !== undefined) return known
    const client = normalizeIP(ip)
    clients.set(ip, client)
    return client
  }
}

interface Count {
  readonly current: number
  /** Milliseconds until it starts anew. */
  readonly ttl: number
}

/** In the plugin's shape. Own counts go on while Redis counts, so that there is one to go on with when it is away. */
function storeOver(redis: SharedCounts) {
  const countHere = createCounter()
  return class Store {
    incr(client: string, done: (error: null, count: Count) => void, windowMs: number): void {
      const own = countHere(client, windowMs)
      void countThere(redis, client, windowMs).then(shared => done(null, shared ?? own))
    }

    child(): Store {
      return this
    }
  }
}

function createCounter(): (client: string, windowMs: number) => Count {
  const windows = new LRUCache<string, { current: number; readonly end: number }>({ max: maxClients })
  return (client, windowMs) => {
    const now = performance.now()
    const known = windows.get(client)
    if (known === undefined || known.end <= now) {
      windows.set(client, { current: 1, end: now + windowMs })
      return { current: 1, ttl: windowMs }
    }
    known.current++
    return { current: known.current, ttl: known.end - now }
  }
}

async function countThere(redis: SharedCounts, client: string, windowMs: number): Promise<Count | undefined> {
  const counted = await redis.attempt('count a request', commands => commands.eval(script, 1, `askwell:rate:${client}`, windowMs))
  if (counted === undefined) return undefined
  const [current, ttl] = counted as [number, number]
  return { current, ttl }
}

/** Count and end of the window in one step: a count without an end would refuse its client for ever. */
const script = `
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}`
