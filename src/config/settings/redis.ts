import { hidden, integer, redisPrefix, redisUrl, setting } from '../kinds.ts'

export const redisSettings = {
  redisUrl: hidden(
    setting(
      'REDIS_URL',
      undefined,
      'Redis, where replicas share cached answers and rate limit counters: `redis://` or `rediss://`; `redis+sentinel://` for Sentinel, `redis+cluster://` for Cluster. Unset: each process has its own.',
      redisUrl,
    ),
  ),
  redisPrefix: setting(
    'REDIS_PREFIX',
    'askwell',
    "Prefix of every Redis key; the database's name follows it. Set it to separate deployments that share a Redis, including their rate limit counters.",
    redisPrefix,
  ),
  redisTimeoutMs: setting(
    'REDIS_TIMEOUT_MS',
    '50',
    'Redis timeout; on expiry the request continues without Redis.',
    integer(1, 10_000),
  ),
} as const
