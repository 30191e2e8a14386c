import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { AskError } from '../../errors.ts'

export interface RateLimitOptions {
  /** 0: no limit. */
  readonly max: number
  readonly seconds: number
  /** Where several processes count together; undefined counts in this one. */
  readonly redis: SharedCounts | undefined
  /** Told of each refusal. */
  readonly onRefused?: () => void
}

/** What is used of openRedis's server. */
export interface SharedCounts {
  readonly keyPrefix: string
  /** Undefined when it is not usable, fails or is too late; never rejects. */
  attempt<T>(what: string, work: (client: Scripted) => Promise<T>): Promise<T | undefined>
}

interface Scripted {
  eval(script: string, keyCount: number, key: string, windowMs: number, count: number): Promise<unknown>
}

/**
 * By client address, in windows that begin with a client's first request. While Redis is away or full each process
 * counts alone: a limiter that is down must not be an outage of its own, nor lift the limit. A key with a limit of its own
 * is counted by that instead, wherever it comes from; what comes with a wrong key counts as without one.
 */
export function registerRateLimit(
  app: FastifyInstance,
  { max, seconds, redis, onRefused }: RateLimitOptions,
  addressOf: (request: FastifyRequest) => string,
  areKeysLimited = false,
): void {
  if (max === 0 && !areKeysLimited) return
  const [client, windowMs] = [clientOf(addressOf), seconds * 1000]
  const count = redis === undefined ? countingAlone(windowMs) : countingTogether(windowMs, redis)
  const tell = tellerOf(seconds, onRefused)
  // A hook of the app, before those of the routes: else guesses at a key would be refused before they are counted.
  app.addHook('onRequest', (request, reply, done) => {
    const { rateLimit: wanted } = request.routeOptions.config as { readonly rateLimit?: false }
    if (wanted === false || (max === 0 && request.apiKey?.rateLimit === undefined)) return done()
    const limit = request.apiKey?.rateLimit ?? max
    const counted = count(client(request))
    if (counted instanceof Promise) counted.then(each => done(tell(reply, limit, each)), done)
    else done(tell(reply, limit, counted))
  })
}

type CountClient = (client: string) => Count | Promise<Count>

/** Where nobody counts with us: without promises. */
function countingAlone(windowMs: number): CountClient {
  const count = createCounter()
  return client => count(client, windowMs)
}

/** Own counts go on while Redis counts, so that there is one to go on with when it is away. */
function countingTogether(windowMs: number, redis: SharedCounts): CountClient {
  const [countHere, countThere] = [createCounter(), countingThere(redis, windowMs)]
  return async client => {
    const own = countHere(client, windowMs)
    return (await countThere(client)) ?? own
  }
}

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-10, and the refusal.
 * On every reply that was counted: making and sending them takes .25 µs.
 */
function tellerOf(
  seconds: number,
  onRefused: () => void = () => {},
): (reply: FastifyReply, max: number, count: Count) => AskError | undefined {
  return (reply, max, { current, ttl }) => {
    reply
      .header('ratelimit-policy', `"default";q=${max};w=${seconds}`)
      .header('ratelimit', `"default";r=${Math.max(0, max - current)};t=${Math.ceil(ttl / 1000)}`)
    if (current <= max) return undefined
    onRefused()
    return new AskError('rate_limited', {
      detail: `at most ${max} requests in ${seconds} s; try again later`,
      retryAfter: ttl / 1000,
    })
  }
}

/** Clients remembered; past this the one not seen for longest starts anew. */
const maxClients = 10_000

/**
 * An IPv6 client is its /64. Kept, for working that out takes 7 µs, and all the rest of this hook less than 1. An address
 * is one (client.ts), whatever a header says, and none begins with `key:`.
 */
function clientOf(addressOf: (request: FastifyRequest) => string): (request: FastifyRequest) => string {
  const clients = new LRUCache<string, string>({ max: maxClients })
  return request => {
    if (request.apiKey?.rateLimit !== undefined) return `key:${request.apiKey.name}`
    const ip = addressOf(request)
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

interface Batch {
  size: number
  readonly counted: Promise<Count | undefined>
}

/**
 * What a client sends in one turn of the event loop is counted by one command, and each request gets the number that it
 * would have had alone: with 50 connections a command each took 13 µs of processor time, half of an answer from memory.
 */
function countingThere(redis: SharedCounts, windowMs: number): (client: string) => Promise<Count | undefined> {
  const batches = new Map<string, Batch>()

  function begin(client: string): Batch {
    const { promise: counted, resolve } = Promise.withResolvers<Count | undefined>()
    const batch = { size: 0, counted }
    batches.set(client, batch)
    setImmediate(() => {
      batches.delete(client)
      void redis
        .attempt('count a request', commands =>
          commands.eval(script, 1, `${redis.keyPrefix}rate:${client}`, windowMs, batch.size),
        )
        .then(counts => {
          resolve(countOf(counts))
        })
    })
    return batch
  }

  return async client => {
    const batch = batches.get(client) ?? begin(client)
    const place = ++batch.size
    const last = await batch.counted
    return last && { ...last, current: last.current - batch.size + place }
  }
}

/** What the script replies; nothing when something else came, so that this process counts alone. */
function countOf(reply: unknown): Count | undefined {
  const [current, ttl] = Array.isArray(reply) ? (reply as unknown[]) : []
  return Number.isSafeInteger(current) && Number.isSafeInteger(ttl)
    ? { current: current as number, ttl: ttl as number }
    : undefined
}

/** Count and end of the window in one step: a count without an end would refuse its client for ever. */
const script = `
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}`
