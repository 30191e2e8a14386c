import { keyPrefixOf } from '../adapters/redis/cache-keys.ts'
import { openRedis, type RedisServer } from '../adapters/redis/redis.ts'
import type { RunLog } from '../ask/terms.ts'
import type { Config } from '../config/terms.ts'

/** How Redis took part; `away`: it could not be reached, or not be gone through to the end. */
export type RedisState = 'off' | 'away' | 'done'

/** For going through all keys. */
export const redisMs = 60_000
const connectMs = 3000

/** Redis with the keys of the database of this name, while `work` runs, which gives null when it was not done to the end. */
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
