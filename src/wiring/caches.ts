import { createMemoryCache } from '../adapters/memory-cache.ts'
import type { RedisServer } from '../adapters/redis/redis.ts'
import { createSharedAnswers } from '../adapters/redis/shared-answers.ts'
import { createSharedValues, type SharedValuesOptions } from '../adapters/redis/shared-values.ts'
import { decodeCompletion, encodeCompletion } from '../adapters/redis/completion-codec.ts'
import { decodeVector, encodeVector } from '../adapters/redis/vector-codec.ts'
import { keyPrefixOfCollection } from '../ask/cache/cache-key.ts'
import type { VectorCache } from '../ask/retrieval/embed.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import type { CachedAnswer } from '../ask/cache/freshness.ts'
import { createAnswerCache, type AnswerCache } from '../ask/cache/answer-cache.ts'
import type { CachedCompletion } from '../ask/cache/completion-cache.ts'
import type { SharedAnswers } from '../ask/cache/shared-cache.ts'
import { createTieredCache, type TieredCache } from '../ask/cache/tiered-cache.ts'
import type { CacheType, Events } from '../events.ts'
import type { Channel } from '../cluster/channel.ts'
import { createWorkerAnswers } from '../cluster/shared-answers.ts'
import type { Config } from '../config/terms.ts'

/** All caches, each with a memory tier in front of Redis. */
export interface Caches {
  readonly answers: AnswerCache
  /** Null without Redis and without other workers. */
  readonly shared: SharedAnswers | null
  /** Reads `shared` outside a run; undefined while Redis is not usable. */
  readonly getShared: (key: string) => Promise<CachedAnswer | undefined> | undefined
  readonly completions: TieredCache<CachedCompletion>
  /** Separate per model: vectors of two models cannot be compared. */
  vectors(embedder: Pick<Embedder, 'model' | 'dimensions'>): VectorCache
  /**
   * Names the stored model that questions are compared with, by its id. A model that changed under its name has another
   * one from then on, and vectors that were cached before are not used with it.
   */
  useModel(id: number): void
  /** Entries and bytes in this process. */
  sizes(): Readonly<Record<CacheType, { readonly entries: number; readonly bytes: number }>>
  /** Drops a collection's answers in this process, by its id. */
  dropAnswers(collectionId: number): void
  /** Clears all caches of this process. */
  clear(): void
}

export interface CacheParts {
  readonly config: Config['cache']
  readonly redis: RedisServer | undefined
  /** Absent when this process has no other workers next to it. */
  readonly channel?: Channel | undefined
  readonly events: Events
}

export function openCaches({ config, redis, channel, events }: CacheParts): Caches {
  const memory = {
    answer: createMemoryCache<CachedAnswer>({
      maxBytes: config.answerBytes,
      ttlSeconds: longestSeconds,
      bytesOf: bytesOfAnswer,
      onEvict: () => events.cacheEvicted('answer'),
    }),
    // Completions are short next to the answers built from them.
    draft: createMemoryCache<CachedCompletion>({
      maxBytes: Math.ceil(config.answerBytes / 8),
      ttlSeconds: longestSeconds,
      bytesOf: ({ text }) => text.length * 2 + 200,
      onEvict: () => events.cacheEvicted('draft'),
    }),
    embedding: createMemoryCache<Float16Array>({
      maxBytes: config.embeddingBytes,
      ttlSeconds: config.embeddingSeconds,
      bytesOf: vector => vector.byteLength + 100,
      onEvict: () => events.cacheEvicted('embedding'),
    }),
  }
  const onCorrupt = () => events.redisFailed('corrupt')
  const shared = sharedAnswersOf()
  const sharedValues = <Value>(options: Omit<SharedValuesOptions<Value>, 'onCorrupt'>) =>
    redis ? createSharedValues(redis, { ...options, onCorrupt }) : null
  const completions = createTieredCache<CachedCompletion>({
    memory: memory.draft,
    shared: sharedValues({ kind: 'draft', encode: encodeCompletion, decode: decodeCompletion }),
    counts: { given: events.completionReused, missed: () => events.cacheMissed('draft') },
  })
  const vectors = createTieredCache({
    memory: memory.embedding,
    shared: sharedValues({ kind: 'vector', encode: encodeVector, decode: decodeVector }),
    counts: { given: events.vectorReused, missed: () => events.cacheMissed('embedding') },
  })
  let modelId = 0

  /** With Redis, workers share like replicas. */
  function sharedAnswersOf(): SharedAnswers | null {
    if (redis) return createSharedAnswers(redis, onCorrupt)
    return channel ? createWorkerAnswers(channel, memory.answer.get) : null
  }

  return {
    answers: createAnswerCache({
      own: memory.answer,
      shared,
      sharedTier: redis ? 'redis' : 'worker',
      keep: config.keep,
      events,
      now: Date.now,
    }),
    shared,
    getShared: key => (redis?.isUsable() ? timed(() => shared?.get(key), events) : undefined),
    completions,
    vectors: embedder => vectorsOf(embedder, vectors, { ms: config.embeddingSeconds * 1000, modelId: () => modelId }),
    useModel: id => void (modelId = id),
    sizes: () => ({ answer: memory.answer.size(), draft: memory.draft.size(), embedding: memory.embedding.size() }),
    dropAnswers: collectionId => memory.answer.deleteAll(keyPrefixOfCollection(collectionId)),
    clear: () => Object.values(memory).forEach(cache => cache.clear()),
  }
}

/** Counts a hit as the stage that would have found it. */
async function timed<T>(
  read: () => Promise<T | undefined> | undefined,
  events: Pick<Events, 'stageEnded'>,
): Promise<T | undefined> {
  const startedAt = performance.now()
  const found = await read()
  if (found !== undefined) events.stageEnded('remember', 'ok', (performance.now() - startedAt) / 1000)
  return found
}

/** Every entry has its own lifetime; this only limits entries without one. */
const longestSeconds = 86_400

/** Vectors are cached in half precision, as the database stores them. */
function vectorsOf(
  embedder: Pick<Embedder, 'model' | 'dimensions'>,
  cache: TieredCache<Float16Array>,
  { ms, modelId }: { readonly ms: number; readonly modelId: () => number },
): VectorCache {
  const keyOf = (text: string) => `${embedder.model}\n${modelId()}\n${text}`
  // Another length was configured before. While the length is unknown, no vector can be checked.
  const isWanted = (vector: Float16Array) => vector.length === embedder.dimensions()
  return {
    async get(text) {
      const found = await cache.get(keyOf(text), isWanted)
      return found && new Float32Array(found.value)
    },
    set: (text, vector) => cache.set(keyOf(text), new Float16Array(vector), ms),
  }
}

/**
 * Estimated heap size: one or two bytes per character, and some hundred bytes for the names and numbers of a passage or
 * citation.
 */
function bytesOfAnswer({ answer }: CachedAnswer): number {
  const passages = answer.passages.reduce(
    (sum, { text, blanksBefore, metadata, windows }) =>
      sum +
      1200 +
      2 * text.length +
      2 * (blanksBefore?.length ?? 0) +
      2 * JSON.stringify(metadata).length +
      80 * windows.length,
    0,
  )
  const citations = answer.citations.reduce(
    (sum, { quote, metadata }) => sum + 800 + 2 * quote.length + 2 * JSON.stringify(metadata).length,
    0,
  )
  // The answer's JSON is cached once it was served (http/replies/wire.ts): about its text and citations once more.
  return 1000 + 4 * answer.text.length + passages + 2 * citations
}
