import type { CacheType } from '../../events.ts'
import type { RuleFacts, Recommendation, Rule } from './recommendation.ts'
import { mb, percent } from './format.ts'

const minEvictions = 20
/** Above this share of its memory a cache evicts for lack of space; below it, because of one large value. */
const isFullAt = 0.7
const minQuestions = 100
const lowHitRatio = 0.1
const shortSeconds = 60
const minTimeouts = 20

function tooSmall(type: CacheType, setting: string, contents: string, bytesOf: (facts: RuleFacts) => number): Rule {
  return facts => {
    const { evictions, hits, misses } = facts.window.caches[type]
    const size = facts.caches?.[type]
    const maxBytes = bytesOf(facts)
    if (evictions < minEvictions || !size || size.bytes < isFullAt * maxBytes) return null
    return {
      id: `${type}-cache-small`,
      severity: 'warning',
      setting,
      title: `The cache of ${contents} is too small`,
      evidence: `${evictions} evictions in five minutes, with ${hits} hits and ${misses} misses; ${size.entries} entries take ${mb(size.bytes)} of ${mb(maxBytes)}`,
      action: `Raise ${setting} to ${Math.max(2, Math.ceil((2 * maxBytes) / 2 ** 20))}.`,
    }
  }
}

function hitRatioLow({ window, config: { cache } }: RuleFacts): Recommendation | null {
  const { hitRatio, hits, misses } = window.caches.answer
  if (hitRatio === null || hits + misses < minQuestions || hitRatio >= lowHitRatio) return null
  const change = moreHits(cache)
  return (
    change && {
      id: 'hit-ratio-low',
      severity: 'info',
      setting: change.setting,
      title: 'Few answers come from the cache',
      evidence: `${percent(hitRatio)} of ${hits + misses} questions in five minutes; ${change.because}`,
      action: change.action,
    }
  )
}

/** The setting that would raise the hit ratio. Null if none would. */
function moreHits({ semantic, keep }: RuleFacts['config']['cache']): {
  readonly setting: string
  readonly because: string
  readonly action: string
} | null {
  if (keep.seconds < shortSeconds)
    return {
      setting: 'ANSWER_CACHE_SECONDS',
      because: `answers are kept for ${keep.seconds} s`,
      action: 'Raise ANSWER_CACHE_SECONDS. An edit of the documents still invalidates their answers at once.',
    }
  if (semantic.mode === 'off')
    return {
      setting: 'SEMANTIC_CACHE',
      because: 'questions with the same meaning in other words share no answers',
      action: 'Set SEMANTIC_CACHE=learn.',
    }
  return null
}

function redisFailing({ redis, window: { redisFailures } }: RuleFacts): Recommendation | null {
  if (redis === 'off' || redis === 'ready') return null
  const failures = Object.values(redisFailures).reduce((sum, each) => sum + each, 0)
  return {
    id: 'redis-failing',
    severity: 'warning',
    setting: 'REDIS_URL',
    title: 'Redis is unavailable: each replica caches answers and counts rate limits separately',
    evidence: `its connection is "${redis}"; ${failures} commands failed in five minutes`,
    action: 'Check the Redis server, the network and REDIS_URL.',
  }
}

function redisSlow({ redis, config, window: { redisFailures } }: RuleFacts): Recommendation | null {
  const timeouts = redisFailures['timeout'] ?? 0
  if (redis !== 'ready' || timeouts < minTimeouts) return null
  return {
    id: 'redis-slow',
    severity: 'warning',
    setting: 'REDIS_TIMEOUT_MS',
    title: 'Redis responds too slowly',
    evidence: `${timeouts} commands took longer than REDIS_TIMEOUT_MS ${config.redis?.timeoutMs} in five minutes`,
    action: 'Find the cause (SLOWLOG, network distance). If Redis cannot be closer, raise REDIS_TIMEOUT_MS.',
  }
}

/** A process has its pool, one side connection and one that listens for notifications; one more may be opening. */
function redisOff({ redis, inspected, pool, config }: RuleFacts): Recommendation | null {
  const connections = inspected?.connections
  // Other workers of this service share answers without Redis. How many connections they have now is unknown here.
  const workers = (config.budgets.processes - 1) * (pool.size + pool.maxOverflow + 3)
  const others = connections ? connections.ours - pool.open - 3 - workers : 0
  if (redis !== 'off' || others < 2) return null
  return {
    id: 'redis-off',
    severity: 'info',
    setting: 'REDIS_URL',
    title: 'Several Askwell processes share a database, but no cache',
    evidence: `${connections?.ours} connections of the server are Askwell's, this process has ${pool.open + 2}; REDIS_URL is not set`,
    action: 'Set REDIS_URL: replicas then share answers and rate limits.',
  }
}

export const cacheRules: readonly Rule[] = [
  tooSmall('answer', 'ANSWER_CACHE_MB', 'answers', ({ config }) => config.cache.answerBytes),
  tooSmall('embedding', 'EMBEDDING_CACHE_MB', 'question vectors', ({ config }) => config.cache.embeddingBytes),
  hitRatioLow,
  redisFailing,
  redisSlow,
  redisOff,
]
