import { Redis } from 'ioredis'
import type { RunLog } from '../ask/terms.ts'

export interface RedisServer {
  /** For @fastify/rate-limit, which speaks to ioredis itself. */
  readonly client: Redis
  /** 'ready', 'connecting', 'reconnecting', 'end', … */
  status(): string
  close(): Promise<void>
}

/** No command waits longer than this: a slow Redis must not make answers slow. */
const commandTimeoutMs = 50
const pulseMs = 500
/** One late reply may be our own busy moment; so many in a row are not. */
const missesAllowed = 2

/**
 * Connects in the background: Redis may be absent at start and come later. Commands are bounded, and none is
 * queued while there is no connection. A change of state is logged once. A Redis that keeps its connections but
 * answers nothing (frozen, cut off by a firewall) is found by its pulse: without that every request would wait
 * for the time-out, and the state would say 'ready'.
 */
export function openRedis(url: string, log: RunLog): RedisServer {
  const client = new Redis(url, {
    commandTimeout: commandTimeoutMs,
    connectTimeout: 2000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: attempt => Math.min(100 * 2 ** attempt, 2000),
  })
  let wasReady: boolean | undefined
  const note = (isReady: boolean, message: string, fields: object = {}) => {
    if (wasReady === isReady) return
    wasReady = isReady
    if (isReady) log.info(fields, message)
    else log.warn(fields, message)
  }
  client.on('ready', () => note(true, 'redis is connected'))
  client.on('error', (error: Error) => note(false, 'redis cannot be used: going on without', { err: error }))
  client.on('close', () => note(false, 'redis is gone: going on without'))
  const stopPulse = watchPulse(client)
  return {
    client,
    status: () => client.status,
    async close() {
      stopPulse()
      client.disconnect()
    },
  }
}

/** Drops a connection that is deaf; the client then tries for a new one by itself. */
function watchPulse(client: Redis): () => void {
  let misses = 0
  const beat = async () => {
    if (client.status !== 'ready') return
    misses = await client.ping().then(() => 0, () => misses + 1)
    if (misses <= missesAllowed) return
    misses = 0
    client.disconnect(true)
  }
  const timer = setInterval(() => void beat(), pulseMs).unref()
  return () => clearInterval(timer)
}
