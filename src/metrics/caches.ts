import type { CacheTier } from '../ask/terms/caching.ts'
import type { CacheType, RunCost, Store, Subscriber } from '../events.ts'
import { redisFaults } from '../faults.ts'
import type { Kit } from './kit.ts'

const types: readonly CacheType[] = ['answer', 'draft', 'embedding']
const tiers: readonly CacheTier[] = ['memory', 'worker', 'redis']
/** Failed writes to Redis count in `redis_failures_total`. */
const storesCountingFailures: readonly Store[] = ['postgres']

export function cacheMetrics(kit: Kit) {
  const hitCounters = {
    hit: kit.counter('cache_hits_total', 'Cache hits.', { cache_type: types, tier: tiers }),
    near: kit.counter('semantic_cache_total', 'Answers reused from a cached question with the same meaning.', {
      cache_type: ['answer'],
      tier: tiers,
    }),
    stale: kit.counter('cache_stale_total', 'Stale cached answers served: expired, or not verifiable at the time.', {
      cache_type: ['answer'],
      tier: tiers,
    }),
    coalesced: kit.counter(
      'cache_coalesced_total',
      'Answers taken from a run already in progress for the same question (tier redis: on another replica; worker: of this service).',
      { cache_type: ['answer'], tier: tiers },
    ),
  }
  const nearTotal = kit.counter('cache_near_total', 'Deprecated: alias of askwell_semantic_cache_total.', {
    cache_type: ['answer'],
    tier: tiers,
  })
  const misses = kit.counter('cache_misses_total', 'Cache misses.', { cache_type: types })
  const evictions = kit.counter('cache_evictions_total', 'Entries evicted from memory to make room.', {
    cache_type: types,
  })
  const refreshes = kit.counter(
    'cache_refreshes_total',
    'Cached answers refreshed in the background before they expired.',
    { outcome: ['ok', 'failed'] },
  )
  const countSavings = savingMetrics(kit)
  const redisFailures = kit.counter('redis_failures_total', 'Failed Redis commands, by reason.', {
    reason: redisFaults,
  })

  const subscriber: Subscriber = {
    answerReused(status, tier, { tookMs, answer }) {
      hitCounters[status]('answer', tier).add()
      if (status === 'near') nearTotal('answer', tier).add()
      countSavings({ tookMs, usage: answer.usage })
    },
    answerRefreshed: outcome => refreshes(outcome).add(),
    completionReused(tier, saved) {
      hitCounters.hit('draft', tier).add()
      countSavings(saved)
    },
    vectorReused: tier => hitCounters.hit('embedding', tier).add(),
    cacheMissed: type => misses(type).add(),
    cacheEvicted: type => evictions(type).add(),
    redisFailed: reason => redisFailures(reason).add(),
    ...saveMetrics(kit),
  }

  function watchCaches(
    sizes: () => Readonly<Record<CacheType, { readonly entries: number; readonly bytes: number }>>,
  ): void {
    for (const [unit, help] of [
      ['bytes', 'Estimated memory used by a cache.'],
      ['entries', 'Entries of a cache in memory.'],
    ] as const) {
      kit.gauges(`cache_${unit}`, help, ['cache_type'], set => types.forEach(type => set(sizes()[type][unit], type)))
    }
  }

  return { subscriber, watchCaches }
}

/** What cached entries save: the cost of their runs. */
function savingMetrics(kit: Kit): (cost: RunCost) => void {
  const seconds = kit.counter(
    'cache_saved_seconds_total',
    'Time saved by cached answers: what the fresh runs would have taken.',
  )()
  const calls = kit.counter('cache_saved_llm_calls_total', 'Chat model calls saved by cached answers.')()
  const tokens = kit.counter('cache_saved_llm_tokens_total', 'Tokens saved by cached answers.', {
    kind: ['prompt', 'completion'],
  })
  const [promptTokens, completionTokens] = [tokens('prompt'), tokens('completion')]
  return ({ tookMs, usage }) => {
    seconds.add(tookMs / 1000)
    if (usage.llmCalls > 0) calls.add(usage.llmCalls)
    if (usage.promptTokens > 0) promptTokens.add(usage.promptTokens)
    if (usage.completionTokens > 0) completionTokens.add(usage.completionTokens)
  }
}

function saveMetrics(kit: Kit): Subscriber {
  const seconds = kit.histogram(
    'db_save_latency_seconds',
    'Duration of writes made after the reply: cached answers, completions and vectors in Redis, similar questions in Postgres.',
    { labels: ['store'] },
  )
  const failed = kit.counter('db_save_failures_total', 'Failed writes made after the reply.', {
    store: storesCountingFailures,
  })
  return {
    valueSaved: (store, took) => seconds(store).observe(took),
    valueNotSaved: store => failed(store).add(),
  }
}
