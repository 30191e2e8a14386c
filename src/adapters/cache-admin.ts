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
  readonly registry: Pick<Registry, 'getSingleMetric'>
  /** Absent, or null: near questions share no answers. */
  readonly near?: Pick<SemanticCache, 'threshold'> | null
  /** Whose vectors near questions are compared by. */
  readonly model: string
  readonly onWritten: () => Promise<void>
}

export type CacheAdmin = ReturnType<typeof createCacheAdmin>

/** Longest time a request may spend on removing keys. */
const removeMs = 10_000

/** What `DELETE /cache` and `GET /cache` do. */
export function createCacheAdmin({
  config,
  database,
  store,
  redis,
  caches,
  registry,
  near,
  model,
  onWritten,
}: CacheAdminParts) {
  /**
   * When this resolves, no replica gives an answer that was kept before; null: of any collection, and then what models
   * wrote and vectors are removed as well, from Redis and from this process.
   */
  async function clear(collection: string | null, signal: AbortSignal): Promise<{ readonly redisKeys: number | null }> {
    const ids = await store.forgetAnswers(collection, signal)
    if (collection !== null && ids.length === 0)
      throw new AskError('unknown_collection', { detail: `there is no collection "${collection}"` })
    await onWritten()
    if (collection === null) caches.clear()
    return {
      redisKeys: redis
        ? await removeKeys(redis, cachedKeys(collection === null ? null : (ids[0] ?? 0)), removeMs)
        : null,
    }
  }

  /** Of this process, since it started; what near questions taught is every replica's. */
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
        threshold: near?.threshold() ?? null,
        observations: await observations(signal),
      },
    }
  }

  /** Null: the database cannot be asked; the rest is worth showing all the same. */
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

/** The counters of metrics.ts, by the middle of their names. */
async function countersOf(registry: CacheAdminParts['registry']): Promise<Count> {
  const found = await Promise.all(
    names.map(
      async name =>
        [name, (await registry.getSingleMetric(`askwell_cache_${name}_total`)?.get())?.values ?? []] as const,
    ),
  )
  const values = new Map<string, (typeof found)[number][1]>(found)
  return (name, labels) => {
    const fitting = (values.get(name) ?? []).filter(each =>
      Object.entries(labels).every(([label, value]) => each.labels[label] === value),
    )
    return fitting.reduce((sum, { value }) => sum + value, 0)
  }
}

function byTier(count: Count, name: string, type: string) {
  return {
    memory: count(name, { cache_type: type, tier: 'memory' }),
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
