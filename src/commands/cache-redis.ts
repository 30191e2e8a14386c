import { keyPrefixOf } from '../adapters/redis/cache-keys.ts'
import { openRedis, type RedisServer } from '../adapters/redis/redis.ts'
import type { RunLog } from '../ask/terms/run.ts'
import type { Config } from '../config/terms.ts'

/** Whether Redis took part. `away` means that it was unreachable or that the work on its keys did not finish. */
export type RedisState = 'off' | 'away' | 'done'

/** Time limit for scanning all keys. */
export const redisMs = 60_000
const connectMs = 3000

/**
 * Runs `work` with a Redis connection for the keys of the named database.
 * `work` returns null when it did not finish.
 */
export async function withRedis<T>(
  { redis: settings }: Config,
  database: string,
  work: (redis: RedisServer) => Promise<T | null>,
): Promise<{ readonly state: RedisState; readonly value: T | null }> {
  if (!settings) return { state: 'off', value: null }
  const redis = openRedis(settings.url, {
    keyPrefix: keyPrefixOf(settings.prefix, database),
    timeoutMs: Math.max(1000, settings.timeoutMs),
    log: silent,
  })
  try {
    const value = (await isReachable(redis)) ? await work(redis) : null
    return { state: value === null ? 'away' : 'done', value }
  } finally {
    await redis.close()
  }
}

const silent: RunLog = { debug() {}, info() {}, warn() {}, error() {} }

async function isReachable(redis: RedisServer): Promise<boolean> {
  const end = performance.now() + connectMs
  while (!redis.isUsable()) {
    if (performance.now() > end) return false
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return true
}
