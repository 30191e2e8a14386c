import type { FastifyInstance } from 'fastify'
import { AskError } from '../../errors.ts'
import { disconnectSignal } from '../edge/hangup.ts'
import { collectionPattern, patternWords } from '../replies/schemas.ts'

/** The cache functions that the edge needs; wiring/service.ts provides them. */
export interface CacheApi {
  /**
   * Clears the answers of a collection, or every cache when it is null. `redisKeys` is null if there is no Redis or it
   * could not be cleared.
   */
  clear(collection: string | null, signal: AbortSignal): Promise<{ readonly redisKeys: number | null }>
  figures(signal: AbortSignal): Promise<CacheFigures>
}

interface ByTier {
  readonly memory: number
  readonly worker: number
  readonly redis: number
}

export interface MemoryFigures {
  readonly entries: number
  readonly bytes: number
  readonly maxBytes: number
  readonly hits: ByTier
  readonly misses: number
  readonly evictions: number
}

export interface CacheFigures {
  readonly memory: Readonly<Record<'answer' | 'draft' | 'embedding', MemoryFigures>>
  readonly answers: {
    readonly near: ByTier
    readonly stale: ByTier
    readonly coalesced: ByTier
    readonly refreshes: { readonly ok: number; readonly failed: number }
    readonly saved: {
      readonly seconds: number
      readonly llmCalls: number
      readonly promptTokens: number
      readonly completionTokens: number
    }
  }
  readonly redis: string
  readonly near: {
    readonly mode: 'off' | 'learn' | number
    readonly threshold: number | null
    readonly observations: number | null
  }
}

/** GET and DELETE /cache; both need a key with the scope `admin`. */
export function registerCache(app: FastifyInstance, { cache }: { readonly cache: CacheApi }): void {
  const config = { needs: 'admin' } as const

  app.get('/cache', { config }, async (request, reply) => {
    rejectUnknown(request.query, [])
    return figuresJson(await cache.figures(disconnectSignal(request, reply)))
  })

  app.delete('/cache', { config }, async (request, reply) => {
    const collection = collectionOf(request.query)
    const { redisKeys } = await cache.clear(collection, disconnectSignal(request, reply))
    return { collection, redis_keys: redisKeys }
  })
}

/** Rejects unknown parameters: a misspelt `collection` would clear every collection. */
function rejectUnknown(query: unknown, known: readonly string[]): void {
  const unknown = Object.keys(query as object).filter(name => !known.includes(name))
  if (unknown.length > 0)
    throw invalidUrl(
      unknown
        .slice(0, 5)
        .map(name => `${JSON.stringify(name.slice(0, 100))} is not a known parameter`)
        .join(' and '),
    )
}

/** Null when the query names no collection. */
function collectionOf(query: unknown): string | null {
  rejectUnknown(query, ['collection'])
  const { collection } = query as { readonly collection?: string | readonly string[] }
  if (collection === undefined) return null
  if (typeof collection === 'string' && new RegExp(collectionPattern).test(collection)) return collection
  throw invalidUrl(`collection ${patternWords[collectionPattern]}`)
}

function invalidUrl(fault: string): AskError {
  return new AskError('invalid_request', { detail: `In the URL, ${fault}.` })
}

function figuresJson({ memory, answers, redis, near }: CacheFigures) {
  const { saved, ...counts } = answers
  return {
    memory: {
      answer: memoryJson(memory.answer),
      draft: memoryJson(memory.draft),
      embedding: memoryJson(memory.embedding),
    },
    answers: {
      ...counts,
      saved: {
        seconds: Math.round(saved.seconds * 1000) / 1000,
        llm_calls: saved.llmCalls,
        prompt_tokens: saved.promptTokens,
        completion_tokens: saved.completionTokens,
      },
    },
    redis,
    near: {
      mode: typeof near.mode === 'number' ? 'fixed' : near.mode,
      threshold: near.threshold,
      observations: near.observations,
    },
  }
}

function memoryJson({ entries, bytes, maxBytes, hits, misses, evictions }: MemoryFigures) {
  return { entries, bytes, max_bytes: maxBytes, hits, misses, evictions }
}
