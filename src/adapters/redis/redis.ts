import type { Cluster, Redis } from 'ioredis'
import type { RunLog } from '../../ask/terms/run.ts'
import type { FollowSecret } from '../../config/terms.ts'
import { silent, type Events } from '../../events.ts'
import type { RedisFault } from '../../faults.ts'
import { createRedisBreaker, type RedisBreaker } from './breaker.ts'
import { createRedisClient, UnresponsiveNode, type RedisClient } from './client.ts'
import { markRedisFailed, redisServerOf, startRedisSpan } from './span.ts'
import { withTimeout, LateReply } from '../../resilience/with-timeout.ts'
import { readRedisUrl, redisUrlFault } from '../../config/redis-url.ts'

export interface RedisServer {
  /** The driver's client. Its commands have no timeout; use {@link RedisServer.attempt}. */
  readonly client: Redis | Cluster
  /** Prefix of every key of ours, up to its kind: see {@link keyPrefixOf}. */
  readonly keyPrefix: string
  /** False while Redis is disconnected or does not respond; no commands are sent then. */
  isUsable(): boolean
  /**
   * Runs a command. Resolves to undefined if Redis is not usable, or the command fails or times out. Never rejects and
   * never waits longer than the timeout. `what` names the command in the log. `onWrongType` is called if the key has a
   * value of another type.
   */
  attempt<T>(
    what: string,
    work: (client: Redis | Cluster) => Promise<T>,
    onWrongType?: () => void,
  ): Promise<T | undefined>
  /** 'ready', 'deaf' (connected, but no server responds), or the driver's state: 'connecting', 'reconnecting', … */
  status(): string
  /**
   * Why Redis is not usable; null when it is, or nothing is known yet.
   * - `gone`: nothing listens there.
   * - `silent`: connections are accepted but nothing is sent, as by a frozen server, even while the driver keeps
   *   opening them.
   * - `refuses`: it rejects our connection.
   */
  outage(): 'gone' | 'silent' | 'refuses' | null
  /** Closes immediately, even if the server is frozen or was never reached. Commands in flight fail. */
  close(): Promise<void>
}

export interface RedisOptions {
  readonly keyPrefix: string
  /** Longest wait for a reply. A slow Redis must not slow down answers. */
  readonly timeoutMs: number
  readonly log: RunLog
  readonly events?: Pick<Events, 'redisFailed' | 'redisLost' | 'valueSaved'>
  /** Follows the password of the URL, for new connections. */
  readonly follow?: FollowSecret
}

/** The error of a Cluster itself says only that no node could be used. */
type ClientError = Error & { readonly lastNodeError?: Error }

interface SentCommand {
  readonly what: string
  node: string
  readonly sentAt: number
}

/**
 * Connects in the background: Redis may be down at startup and come up later. Commands are neither queued while there
 * is no connection nor sent to an unresponsive server. Each change of state is logged once. Throws if `url` is invalid
 * (see {@link readRedisUrl}).
 */
export function openRedis(
  url: string,
  { keyPrefix, timeoutMs, log, events = silent, follow }: RedisOptions,
): RedisServer {
  const target = readRedisUrl(url)
  if (target === undefined) throw new Error(`REDIS_URL is invalid: it ${redisUrlFault(url)}`)
  const redis = createRedisClient(target, timeoutMs)
  const { client } = redis
  follow?.('REDIS_URL', text => redis.useLogin(readRedisUrl(text) ?? target))
  let isClosed = false
  const server = redisServerOf(target)
  const state = createStateLog(log)
  const faults = createFaultLog(log)
  const isUsable = () => client.status === 'ready' && !redis.isRefused() && !breaker.isOpen()
  const breaker = createRedisBreaker(redis, {
    timeoutMs,
    onChange(node, isUnresponsive) {
      if (node !== '') state.nodeChanged(node, isUnresponsive)
      if (isUnresponsive && !isUsable() && client.status === 'ready')
        state.unusable('Redis does not respond: continuing without it')
    },
    onPinged: () => isUsable() && state.usable(),
  })
  const connection = watchConnection(redis, breaker, state, () => {
    if (!isClosed) events.redisLost()
  })

  /** Only missing replies count against a server: one that rejects commands is up, and fast. */
  function recordFailure({ what, node, sentAt }: SentCommand, error: unknown): RedisFault {
    const reason = failureOf(error, redis, node)
    if (reason === 'timeout' || (reason === 'down' && !isReply(error))) breaker.failed(node, sentAt)
    else if (isReply(error)) breaker.answered(node)
    if (reason === 'full') faults.full(what, error)
    if (reason === 'wrong_type' || reason === 'other') faults.unexpected(what, error)
    events.redisFailed(reason)
    return reason
  }

  return {
    client,
    keyPrefix,
    isUsable,
    async attempt(what, work, onWrongType) {
      if (!isUsable()) {
        events.redisFailed('down')
        return undefined
      }
      const command: SentCommand = { what, node: '', sentAt: performance.now() }
      const span = startRedisSpan(what, server)
      try {
        const reply = work(client)
        command.node = redis.lastNode()
        const value = await withTimeout(timeoutMs, reply)
        breaker.answered(command.node)
        faults.succeeded(what)
        if (what === 'keep' || what === 'set') events.valueSaved('redis', (performance.now() - command.sentAt) / 1000)
        return value
      } catch (error) {
        const reason = recordFailure(command, error)
        markRedisFailed(span, reason)
        if (reason === 'wrong_type') onWrongType?.()
        return undefined
      } finally {
        span?.end()
      }
    },
    status: () => (client.status === 'ready' && breaker.isOpen() ? 'deaf' : client.status),
    outage: () => (isUsable() ? null : client.status === 'ready' ? 'silent' : connection.outage()),
    async close() {
      isClosed = true
      breaker.stop()
      state.stop()
      client.disconnect()
    },
  }
}

function failureOf(error: unknown, { client, nodes }: RedisClient, node: string): RedisFault {
  if (error instanceof LateReply) return 'timeout'
  if (isWrongType(error)) return 'wrong_type'
  if (isFull(error)) return 'full'
  if (isReply(error)) return notNow.test(error.message) ? 'down' : 'other'
  const isConnected = client.status === 'ready' && (nodes().get(node) ?? client).status === 'ready'
  return isConnected && !(error instanceof UnresponsiveNode) ? 'other' : 'down'
}

/**
 * Tracks why the connection is down, from its last event. `onLost` is called when an established connection is lost.
 */
function watchConnection(
  { client, isRefused }: RedisClient,
  { isOpen, pingAll }: Pick<RedisBreaker, 'isOpen' | 'pingAll'>,
  state: StateLog,
  onLost: () => void,
) {
  let outage: ReturnType<RedisServer['outage']> = null
  let wasReady = false
  client.on('ready', () => {
    if (isRefused()) return
    wasReady = true
    outage = null
    void pingAll()
  })
  client.on('error', (error: ClientError) => {
    const cause = error.lastNodeError ?? error
    // What we were refused counts, not what follows from our closing the connection.
    if (isRefused() && !isReply(cause)) return
    outage = outageOf(cause)
    state.unusable('Redis cannot be used: continuing without it', { err: cause })
  })
  client.on('close', () => {
    if (wasReady) onLost()
    if (wasReady) outage = isOpen() ? 'silent' : 'gone'
    wasReady = false
    state.unusable('Redis connection lost: continuing without it')
  })
  return { outage: () => outage }
}

const unreachable = /^E(CONNREFUSED|CONNRESET|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH|PIPE)/

/** All other errors are timeouts of some kind. */
function outageOf(error: Error & { readonly code?: unknown }): 'gone' | 'silent' | 'refuses' {
  if (typeof error.code === 'string' && unreachable.test(error.code)) return 'gone'
  if (isReply(error)) return notNow.test(error.message) ? 'gone' : 'refuses'
  return 'silent'
}

/** The key has a value of another type. */
function isWrongType(error: unknown): boolean {
  return isReply(error) && error.message.startsWith('WRONGTYPE')
}

/** Redis is out of memory and may not evict anything. The error of a script has other words before these. */
export function isFull(error: unknown): boolean {
  return isReply(error) && error.message.includes('OOM command not allowed')
}

/** An error sent by the server. */
function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** The server responds but cannot serve data: it is still loading, or lost the node that has the data. */
const notNow = /^(LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN) /

function createStateLog(log: RunLog) {
  let wasUsable: boolean | undefined
  let isStopped = false
  return {
    usable() {
      if (wasUsable || isStopped) return
      log.info({}, wasUsable === undefined ? 'Redis connected' : 'Redis is available again')
      wasUsable = true
    },
    unusable(message: string, fields: object = {}) {
      if (wasUsable === false || isStopped) return
      log.warn(fields, message)
      wasUsable = false
    },
    nodeChanged(node: string, isUnresponsive: boolean) {
      if (isUnresponsive) log.warn({ node }, 'a Redis node does not respond: continuing without its keys')
      else log.info({ node }, 'a Redis node is available')
    },
    stop: () => void (isStopped = true),
  }
}

type StateLog = ReturnType<typeof createStateLog>

/** Logs each fault once. One line per request would be a second fault. */
function createFaultLog(log: RunLog) {
  const logged = new Set<string>()
  let rejectedCommand: string | undefined
  return {
    full(what: string, error: unknown) {
      if (rejectedCommand === undefined)
        log.warn({ what, err: error }, 'Redis is out of memory: continuing without the writes it rejects')
      rejectedCommand ??= what
    },
    unexpected(what: string, error: unknown) {
      const fault = `${what}: ${error instanceof Error ? `${error.name} ${error.message.split(' ', 1)[0]}` : ''}`
      if (!logged.has(fault))
        log.warn({ what, err: error }, 'a Redis command failed; further failures of this kind are not logged')
      logged.add(fault)
    },
    /** Reads work while Redis is full, so only the rejected command shows that there is room again. */
    succeeded(what: string) {
      if (what !== rejectedCommand) return
      rejectedCommand = undefined
      log.info({ what }, 'Redis accepts writes again')
    },
  }
}
