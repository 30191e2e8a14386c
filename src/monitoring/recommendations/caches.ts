import type { CacheType } from '../../metrics/metrics.ts'
import type { Facts, Recommendation, Rule } from './recommendation.ts'
import { mb, percent } from './format.ts'

const enoughEvicted = 20
/** Of its memory, when it evicts for want of room and not for one value that is too large. */
const isFullAt = 0.7
const enoughAsked = 100
const lowHitRatio = 0.1
const shortSeconds = 60
const enoughTimeouts = 20

function tooSmall(type: CacheType, setting: string, what: string, bytesOf: (facts: Facts) => number): Rule {
  return facts => {
    const { evictions, hits, misses } = facts.window.caches[type]
    const held = facts.caches?.[type]
    const bytes = bytesOf(facts)
    if (evictions < enoughEvicted || !held || held.bytes < isFullAt * bytes) return null
    return {
      id: `${type}-cache-small`,
      severity: 'warning',
      setting,
      title: `The cache of ${what} is too small`,
      evidence: `${evictions} were pushed out in five minutes, with ${hits} hits and ${misses} misses; ${held.entries} fill ${mb(held.bytes)} of ${mb(bytes)}`,
      action: `Raise ${setting} to ${Math.max(2, Math.ceil((2 * bytes) / 2 ** 20))}.`,
    }
  }
}

function hitRatioLow({ window, config: { cache } }: Facts): Recommendation | null {
  const { hitRatio, hits, misses } = window.caches.answer
  if (hitRatio === null || hits + misses < enoughAsked || hitRatio >= lowHitRatio) return null
  const wanted = wayToHits(cache)
  return (
    wanted && {
      id: 'hit-ratio-low',
      severity: 'info',
      setting: wanted.setting,
      title: 'Few answers come from the cache',
      evidence: `${percent(hitRatio)} of ${hits + misses} questions over five minutes; ${wanted.because}`,
      action: wanted.action,
    }
  )
}

function wayToHits({
  semantic,
  keep,
}: Facts['config']['cache']): { readonly setting: string; readonly because: string; readonly action: string } | null {
  if (keep.seconds < shortSeconds)
    return {
      setting: 'ANSWER_CACHE_SECONDS',
      because: `answers are kept for ${keep.seconds} s`,
      action: 'Raise ANSWER_CACHE_SECONDS: no answer outlives an edit of its documents, however long it is kept.',
    }
  if (semantic.mode === 'off')
    return {
      setting: 'SEMANTIC_CACHE',
      because: 'questions that say the same in other words share no answers',
      action: 'Set SEMANTIC_CACHE=learn.',
    }
  return null
}

function redisFailing({ redis, window: { redisFailures } }: Facts): Recommendation | null {
  if (redis === 'off' || redis === 'ready') return null
  const failures = Object.values(redisFailures).reduce((sum, each) => sum + each, 0)
  return {
    id: 'redis-failing',
    severity: 'warning',
    setting: 'REDIS_URL',
    title: 'Redis cannot be used: every replica caches and counts for itself',
    evidence: `its connection is "${redis}"; ${failures} commands came to nothing in five minutes`,
    action: 'Look at the Redis server and the way to it; REDIS_URL says where it should be.',
  }
}

function redisSlow({ redis, config, window: { redisFailures } }: Facts): Recommendation | null {
  const timeouts = redisFailures['timeout'] ?? 0
  if (redis !== 'ready' || timeouts < enoughTimeouts) return null
  return {
    id: 'redis-slow',
    severity: 'warning',
    setting: 'REDIS_TIMEOUT_MS',
    title: 'Redis answers too late',
    evidence: `${timeouts} commands took longer than REDIS_TIMEOUT_MS ${config.redis?.timeoutMs} in five minutes`,
    action: 'Look for what slows it down (SLOWLOG, a far network); where it cannot be nearer, raise REDIS_TIMEOUT_MS.',
  }
}

/** The pool's own, one aside and one that listens; one more may just be opening. */
function redisOff({ redis, inspected, pool }: Facts): Recommendation | null {
  const connections = inspected?.connections
  const others = connections ? connections.ours - pool.open - 3 : 0
  if (redis !== 'off' || others < 2) return null
  return {
    id: 'redis-off',
    severity: 'info',
    setting: 'REDIS_URL',
    title: 'Several Askwell processes share a database, but no cache',
    evidence: `${connections?.ours} connections of the server are Askwell's, this process has ${pool.open + 2}; REDIS_URL is not set`,
    action: 'Set REDIS_URL: replicas then share answers, and count rate limits together.',
  }
}

export const cacheRules: readonly Rule[] = [
  tooSmall('answer', 'ANSWER_CACHE_MB', 'answers', ({ config }) => config.cache.answerBytes),
  tooSmall('embedding', 'EMBEDDING_CACHE_MB', 'vectors of questions', ({ config }) => config.cache.embeddingBytes),
  hitRatioLow,
  redisFailing,
  redisSlow,
  redisOff,
]
