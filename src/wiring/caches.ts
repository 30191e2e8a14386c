import { createMemoryCache, type MemoryCache } from '../adapters/memory-cache.ts'
import type { RedisServer } from '../adapters/redis/redis.ts'
import { createSharedAnswers } from '../adapters/redis/shared-answers.ts'
import { createSharedValues, type SharedValues } from '../adapters/redis/shared-values.ts'
import { decodeCompletion, encodeCompletion } from '../adapters/redis/completion-codec.ts'
import { decodeVector, encodeVector } from '../adapters/redis/vector-codec.ts'
import { keyPrefixOfCollection } from '../ask/cache/cache-key.ts'
import type { VectorCache } from '../ask/retrieval/embed.ts'
import type { CachedAnswer } from '../ask/cache/freshness.ts'
import { createAnswerCache, type AnswerCache } from '../ask/cache/answer-cache.ts'
import type { CompletionStore, CachedCompletion } from '../ask/cache/completion-cache.ts'
import type { SharedAnswers } from '../ask/cache/shared-cache.ts'
import type { CacheTier } from '../ask/terms.ts'
import type { CacheType, Events } from '../events.ts'
import type { Config } from '../config/terms.ts'

/** All caches, each with a memory tier in front of Redis. */
export interface Caches {
  readonly answers: AnswerCache
  /** Null without Redis. */
  readonly shared: SharedAnswers | null
  /** Reads `shared` outside a run; undefined while Redis is not usable. */
  readonly getShared: (key: string) => Promise<CachedAnswer | undefined> | undefined
  readonly completions: CompletionStore
  /** Separate per model: vectors of two models cannot be compared. */
  vectors(model: { readonly model: string; readonly dimensions: number }): VectorCache
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
  readonly events: Events
}

export function openCaches({ config, redis, events }: CacheParts): Caches {
  const answers = createMemoryCache<CachedAnswer>({
    maxBytes: config.answerBytes,
    ttlSeconds: longestSeconds,
    bytesOf: bytesOfAnswer,
    onEvict: () => events.cacheEvicted('answer'),
  })
  // Completions are short next to the answers built from them.
  const completions = createMemoryCache<CachedCompletion>({
    maxBytes: Math.ceil(config.answerBytes / 8),
    ttlSeconds: longestSeconds,
    bytesOf: ({ text }) => text.length * 2 + 200,
    onEvict: () => events.cacheEvicted('draft'),
  })
  const vectors = createMemoryCache<Float16Array>({
    maxBytes: config.embeddingBytes,
    ttlSeconds: config.embeddingSeconds,
    bytesOf: vector => vector.byteLength + 100,
    onEvict: () => events.cacheEvicted('embedding'),
  })
  const onCorrupt = () => events.redisFailed('corrupt')
  const shared = redis ? createSharedAnswers(redis, onCorrupt) : null
  const answerCache = createAnswerCache({
    own: answers,
    shared,
    keep: config.keep,
    events,
    now: Date.now,
  })
  return {
    answers: answerCache,
    shared,
    getShared: key => (redis?.isUsable() ? timed(() => shared?.get(key), events) : undefined),
    completions: completionsIn(
      completions,
      redis
        ? createSharedValues(redis, { kind: 'draft', encode: encodeCompletion, decode: decodeCompletion, onCorrupt })
        : null,
      () => events.cacheMissed('draft'),
    ),
    vectors: model =>
      vectorsIn({
        memory: vectors,
        shared: sharedVectors(redis, model, onCorrupt),
        model: model.model,
        seconds: config.embeddingSeconds,
        events,
      }),
    sizes: () => ({ answer: answers.size(), draft: completions.size(), embedding: vectors.size() }),
    dropAnswers: collectionId => answers.deleteAll(keyPrefixOfCollection(collectionId)),
    clear: () => [answers, completions, vectors].forEach(cache => cache.clear()),
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

function completionsIn(
  memory: MemoryCache<CachedCompletion>,
  shared: SharedValues<CachedCompletion> | null,
  onMissed: () => void,
): CompletionStore {
  const found = (value: CachedCompletion | undefined, tier: CacheTier) => (value ? { value, tier } : undefined)
  return {
    get: async key => found(memory.get(key), 'memory') ?? found(await shared?.get(key), 'redis') ?? void onMissed(),
    set(key, value, ms) {
      memory.set(key, value, ms)
      shared?.set(key, value, ms)
    },
  }
}

function sharedVectors(
  redis: RedisServer | undefined,
  model: { readonly dimensions: number },
  onCorrupt: () => void,
): SharedValues<Float32Array> | null {
  const decode = (bytes: Buffer) => decodeVector(bytes, model.dimensions)
  return redis ? createSharedValues(redis, { kind: 'vector', encode: encodeVector, decode, onCorrupt }) : null
}

interface VectorTiers {
  readonly memory: MemoryCache<Float16Array>
  readonly shared: SharedValues<Float32Array> | null
  readonly model: string
  readonly seconds: number
  readonly events: Pick<Events, 'vectorReused' | 'cacheMissed'>
}

function vectorsIn({ memory, shared, model, seconds, events }: VectorTiers): VectorCache {
  const keyOf = (text: string) => `${model}\n${text}`
  return {
    async get(text) {
      const own = memory.get(keyOf(text))
      if (own) events.vectorReused('memory')
      if (own) return new Float32Array(own)
      const found = await shared?.get(keyOf(text))
      if (!found) return events.cacheMissed('embedding') as undefined
      events.vectorReused('redis')
      memory.set(keyOf(text), new Float16Array(found))
      return found
    },
    set(text, vector) {
      memory.set(keyOf(text), new Float16Array(vector))
      shared?.set(keyOf(text), vector, seconds * 1000)
    },
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
  const citations = answer.citations.reduce((sum, { quote }) => sum + 700 + 2 * quote.length, 0)
  // The answer's JSON is cached once it was served (http/replies/wire.ts): about its text and citations once more.
  return 1000 + 4 * answer.text.length + passages + 2 * citations
}
