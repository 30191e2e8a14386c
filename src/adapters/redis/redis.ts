import type { Cluster, Redis } from 'ioredis'
import type { RunLog } from '../../ask/terms.ts'
import { createRedisBreaker } from './breaker.ts'
import { createRedisClient, DeafNode } from './client.ts'
import { markRedisFailed, redisServerOf, startRedisSpan } from './span.ts'
import { withTimeout, LateReply } from '../../resilience/with-timeout.ts'
import { readRedisUrl } from './url.ts'

export interface RedisServer {
  /** The driver's own; its commands have no time-out. Ask through {@link RedisServer.attempt}. */
  readonly client: Redis | Cluster
  /** What every key of ours begins with, up to its kind: see {@link keyPrefixOf}. */
  readonly keyPrefix: string
  /** False while it is not connected or does not answer: nobody asks it then. */
  isUsable(): boolean
  /**
   * Runs a command; undefined when it is not usable, fails, or is too late. Never rejects, never waits longer than
   * the time-out. `what` names it in the log. `onWrongType`: the key holds something of another kind.
   */
  attempt<T>(
    what: string,
    work: (client: Redis | Cluster) => Promise<T>,
    onWrongType?: () => void,
  ): Promise<T | undefined>
  /** 'ready', 'deaf' (connected, but nothing answers), or what the driver is at: 'connecting', 'reconnecting', … */
  status(): string
  /**
   * Why it is not usable; null: it is, or nothing is known yet. `gone`: nobody listens there; `silent`: connections are
   * taken and nothing is said, as by a frozen server, though the driver goes on opening them; `refuses`: it does not let us in.
   */
  outage(): 'gone' | 'silent' | 'refuses' | null
  /** At once, also when the server is frozen or was never there; what is under way then fails. */
  close(): Promise<void>
}

/** Why an attempt came to nothing. `down` also counts those that were not sent, because it was not usable. */
export type RedisFailure = 'timeout' | 'down' | 'full' | 'wrong_type' | 'other'

export interface RedisEvents {
  onFailure?(reason: RedisFailure): void
  /** A value was written; seconds. */
  onSaved?(seconds: number): void
  /** A connection that was there is gone, and not by us. */
  onLost?(): void
}

export interface RedisOptions extends RedisEvents {
  readonly keyPrefix: string
  /** Longest wait for a reply: a slow Redis must not make answers slow. */
  readonly timeoutMs: number
  readonly log: RunLog
}

/** A Cluster's own says only that no node would do. */
type ClientError = Error & { readonly lastNodeError?: Error }

interface Sent {
  readonly what: string
  node: string
  readonly sentAt: number
}

/**
 * Connects in the background: Redis may be absent at start and come later. Nothing is queued while there is no
 * connection, and nothing is sent to a server that is deaf. A change of state is logged once. Throws when `url` is
 * none (see {@link readRedisUrl}).
 */
export function openRedis(
  url: string,
  { keyPrefix, timeoutMs, log, onFailure, onSaved, onLost }: RedisOptions,
): RedisServer {
  const target = readRedisUrl(url)
  if (target === undefined)
    throw new Error('REDIS_URL is no address of a Redis, of Sentinels with the name of their master, or of a Cluster')
  const redis = createRedisClient(target, timeoutMs)
  const { client } = redis
  let isClosed = false
  /** Of what happened last to the connection. */
  let outage: ReturnType<RedisServer['outage']> = null
  const server = redisServerOf(target)
  const state = createStateLog(log)
  const faults = createFaultLog(log)
  const isUsable = () => client.status === 'ready' && !breaker.isOpen()
  const breaker = createRedisBreaker(redis, {
    timeoutMs,
    onChange(node, isDeaf) {
      if (node !== '') state.nodeTurned(node, isDeaf)
      if (isDeaf && !isUsable() && client.status === 'ready') state.unusable('redis does not answer: going on without')
    },
    onBeat: () => isUsable() && state.usable(),
  })
  let wasReady = false
  client.on('ready', () => {
    wasReady = true
    outage = null
    void breaker.beat()
  })
  client.on('error', (error: ClientError) => {
    const cause = error.lastNodeError ?? error
    outage = outageOf(cause)
    state.unusable('redis cannot be used: going on without', { err: cause })
  })
  client.on('close', () => {
    if (wasReady && !isClosed) onLost?.()
    if (wasReady) outage = breaker.isOpen() ? 'silent' : 'gone'
    wasReady = false
    state.unusable('redis is gone: going on without')
  })

  function reasonOf(error: unknown, node: string): RedisFailure {
    if (error instanceof LateReply) return 'timeout'
    if (isWrongType(error)) return 'wrong_type'
    if (isFull(error)) return 'full'
    if (isReply(error)) return notNow.test(error.message) ? 'down' : 'other'
    const isConnected = client.status === 'ready' && (redis.nodes().get(node) ?? client).status === 'ready'
    return isConnected && !(error instanceof DeafNode) ? 'other' : 'down'
  }

  /** Only silence is a reason to stop asking: a server that refuses is alive, and quick. */
  function note({ what, node, sentAt }: Sent, error: unknown): RedisFailure {
    const reason = reasonOf(error, node)
    if (reason === 'timeout' || (reason === 'down' && !isReply(error))) breaker.failed(node, sentAt)
    else if (isReply(error)) breaker.answered(node)
    if (reason === 'full') faults.full(what, error)
    if (reason === 'wrong_type' || reason === 'other') faults.odd(what, error)
    onFailure?.(reason)
    return reason
  }

  return {
    client,
    keyPrefix,
    isUsable,
    async attempt(what, work, onWrongType) {
      if (!isUsable()) return void onFailure?.('down')
      const sent: Sent = { what, node: '', sentAt: performance.now() }
      const span = startRedisSpan(what, server)
      try {
        const reply = work(client)
        sent.node = redis.lastAsked()
        const value = await withTimeout(timeoutMs, reply)
        breaker.answered(sent.node)
        faults.worked(what)
        if (what === 'keep' || what === 'set') onSaved?.((performance.now() - sent.sentAt) / 1000)
        return value
      } catch (error) {
        const reason = note(sent, error)
        markRedisFailed(span, reason)
        if (reason === 'wrong_type') onWrongType?.()
        return undefined
      } finally {
        span?.end()
      }
    },
    status: () => (client.status === 'ready' && breaker.isOpen() ? 'deaf' : client.status),
    outage: () => (isUsable() ? null : client.status === 'ready' ? 'silent' : outage),
    async close() {
      isClosed = true
      breaker.stop()
      state.stop()
      client.disconnect()
    },
  }
}

const absent = /^E(CONNREFUSED|CONNRESET|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH|PIPE)/

/** What is left of errors is one form or another of waiting for too long. */
function outageOf(error: Error & { readonly code?: unknown }): 'gone' | 'silent' | 'refuses' {
  if (absent.test(String(error.code ?? ''))) return 'gone'
  if (isReply(error)) return notNow.test(error.message) ? 'gone' : 'refuses'
  return 'silent'
}

/** The key holds a value of another kind. */
export function isWrongType(error: unknown): boolean {
  return isReply(error) && error.message.startsWith('WRONGTYPE')
}

/** Its memory is full and it may not forget anything. A script's error has more words before these. */
export function isFull(error: unknown): boolean {
  return isReply(error) && error.message.includes('OOM command not allowed')
}

/** Something the server said. */
function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** It answers, but has no data to answer from: it still reads them, or lost their holder. */
const notNow = /^(LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN) /

function createStateLog(log: RunLog) {
  let wasUsable: boolean | undefined
  let isStopped = false
  return {
    usable() {
      if (wasUsable || isStopped) return
      log.info({}, wasUsable === undefined ? 'redis is connected' : 'redis is used again')
      wasUsable = true
    },
    unusable(message: string, fields: object = {}) {
      if (wasUsable === false || isStopped) return
      log.warn(fields, message)
      wasUsable = false
    },
    nodeTurned(node: string, isDeaf: boolean) {
      if (isDeaf) log.warn({ node }, 'a redis node does not answer: going on without what it holds')
      else log.info({ node }, 'a redis node is used')
    },
    stop: () => void (isStopped = true),
  }
}

/** Each fault once: a request a line would be a second fault. */
function createFaultLog(log: RunLog) {
  const told = new Set<string>()
  let refused: string | undefined
  return {
    full(what: string, error: unknown) {
      if (refused === undefined) log.warn({ what, err: error }, 'redis is full: going on without what it does not take')
      refused ??= what
    },
    odd(what: string, error: unknown) {
      const fault = `${what}: ${error instanceof Error ? `${error.name} ${error.message.split(' ', 1)[0]}` : ''}`
      if (!told.has(fault)) log.warn({ what, err: error }, 'redis did not do what was asked; told once')
      told.add(fault)
    },
    /** Reads work while it is full, so only what was refused shows that there is room again. */
    worked(what: string) {
      if (what !== refused) return
      refused = undefined
      log.info({ what }, 'redis takes what it refused')
    },
  }
}
