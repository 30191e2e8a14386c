import type { Registry } from 'prom-client'
import type { SemanticCache } from '../ask/cache/semantic/semantic-cache.ts'
import { AskError } from '../errors.ts'
import { cachedKeys, removeKeys } from './redis/cache-keys.ts'
import type { CollectionStore } from './postgres/store/collections.ts'
import type { Database } from './postgres/database.ts'
import type { RedisServer } from './redis/redis.ts'
import type { Config } from '../config/terms.ts'

type Sizes = Readonly<Record<'answer' | 'draft' | 'embedding', { readonly entries: number; readonly bytes: number }>>

export interface CacheAdminParts {
  readonly config: Config['cache']
  readonly database: Pick<Database, 'lease'>
  readonly store: Pick<CollectionStore, 'forgetAnswers'>
  readonly redis: RedisServer | undefined
  readonly caches: { sizes(): Sizes; clear(): void }
  /** Clears the caches of the other workers of this service, if there are any. */
  readonly clearOthers?: () => Promise<unknown>
  readonly registry: Pick<Registry, 'getSingleMetric'>
  /** Null when switched off. */
  readonly semanticCache: Pick<SemanticCache, 'threshold'> | null
  /** Name of the embedding model whose vectors the semantic cache compares. */
  readonly model: string
  readonly onWritten: () => Promise<void>
}

/** Longest time that a request may spend removing keys from Redis. */
const removeMs = 10_000

/** Implements `DELETE /cache` and `GET /cache`. */
export function createCacheAdmin({
  config,
  database,
  store,
  redis,
  caches,
  clearOthers,
  registry,
  semanticCache,
  model,
  onWritten,
}: CacheAdminParts) {
  /**
   * Once this resolves, no replica returns an answer that was cached before. With null for `collection` this covers all
   * collections, and completions and vectors are removed from Redis and from the workers of this service as well.
   */
  async function clear(collection: string | null, signal: AbortSignal): Promise<{ readonly redisKeys: number | null }> {
    const ids = await store.forgetAnswers(collection, signal)
    if (collection !== null && ids.length === 0)
      throw new AskError('unknown_collection', { detail: `There is no collection "${collection}".` })
    await onWritten()
    if (collection === null) {
      caches.clear()
      await clearOthers?.()
    }
    return {
      redisKeys: redis
        ? await removeKeys(redis, cachedKeys(collection === null ? null : (ids[0] ?? 0)), removeMs)
        : null,
    }
  }

  /** Counters cover this process since its start; the observations of the semantic cache are shared by all replicas. */
  async function figures(signal: AbortSignal) {
    const count = await countersOf(registry)
    const sizes = caches.sizes()
    const bounds = {
      answer: config.answerBytes,
      draft: Math.ceil(config.answerBytes / 8),
      embedding: config.embeddingBytes,
    }
    const ofType = (type: keyof Sizes) => ({
      ...sizes[type],
      maxBytes: bounds[type],
      hits: byTier(count, 'hits', type),
      misses: count('misses', { cache_type: type }),
      evictions: count('evictions', { cache_type: type }),
    })
    return {
      memory: { answer: ofType('answer'), draft: ofType('draft'), embedding: ofType('embedding') },
      answers: answersOf(count),
      redis: redis?.status() ?? 'off',
      near: {
        mode: config.semantic.mode,
        threshold: semanticCache?.threshold() ?? null,
        observations: await observations(signal),
      },
    }
  }

  /** Null when the database does not respond: the rest is still worth reporting. */
  async function observations(signal: AbortSignal): Promise<number | null> {
    try {
      const [row] = await database.lease(
        { signal, label: 'near' },
        sql => sql`select count(*) from near_observations where model = ${model}`,
      )
      return Number(row?.['count'])
    } catch {
      return null
    }
  }

  return { clear, figures }
}

type Count = (name: string, labels: Readonly<Record<string, string>>) => number

const names = [
  'hits',
  'near',
  'stale',
  'coalesced',
  'misses',
  'evictions',
  'refreshes',
  'saved_seconds',
  'saved_llm_calls',
  'saved_llm_tokens',
] as const

/** Reads the cache counters of the metrics registry, keyed by the middle of their names. */
async function countersOf(registry: CacheAdminParts['registry']): Promise<Count> {
  const found = await Promise.all(
    names.map(
      async name =>
        [name, (await registry.getSingleMetric(`askwell_cache_${name}_total`)?.get())?.values ?? []] as const,
    ),
  )
  const values = new Map<string, (typeof found)[number][1]>(found)
  return (name, labels) => {
    const matching = (values.get(name) ?? []).filter(each =>
      Object.entries(labels).every(([label, value]) => each.labels[label] === value),
    )
    return matching.reduce((sum, { value }) => sum + value, 0)
  }
}

function byTier(count: Count, name: string, type: string) {
  return {
    memory: count(name, { cache_type: type, tier: 'memory' }),
    worker: count(name, { cache_type: type, tier: 'worker' }),
    redis: count(name, { cache_type: type, tier: 'redis' }),
  }
}

function answersOf(count: Count) {
  return {
    near: byTier(count, 'near', 'answer'),
    stale: byTier(count, 'stale', 'answer'),
    coalesced: byTier(count, 'coalesced', 'answer'),
    refreshes: { ok: count('refreshes', { outcome: 'ok' }), failed: count('refreshes', { outcome: 'failed' }) },
    saved: {
      seconds: count('saved_seconds', {}),
      llmCalls: count('saved_llm_calls', {}),
      promptTokens: count('saved_llm_tokens', { kind: 'prompt' }),
      completionTokens: count('saved_llm_tokens', { kind: 'completion' }),
    },
  }
}
