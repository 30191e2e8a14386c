import type { ChatModel } from '../../ask/generation/chat.ts'
import type { Embedder } from '../../ask/retrieval/embedder.ts'
import type { Reranker } from '../../ask/retrieval/rerank.ts'
import { AskError, isAskError } from '../../errors.ts'
import type { BreakerState } from '../../resilience/breaker.ts'
import { createGuard, type Guard, type GuardOptions, type Reading } from '../../resilience/guard.ts'
import { createHedge } from '../../resilience/hedge.ts'
import { withIdleTimeout } from '../../resilience/idle-timeout.ts'
import { modelFault, type ModelFault } from './faults.ts'
import type { Pool } from '../postgres/pool.ts'
import { isPassing } from '../postgres/errors.ts'

/** What others run and Askwell leans on; labels of metrics. */
export type Dependency = 'database' | 'chat' | 'embeddings' | 'rerank'

export interface GuardEvents {
  changed(dependency: Dependency, state: BreakerState): void
  retried(dependency: Dependency): void
  /** A second try was not made: the budget for them is spent. */
  noRetryLeft(dependency: Dependency): void
  /** How a call of a model went; null: well. Of those that were cut short too early to say, nothing is told. */
  ended?(dependency: Dependency, fault: ModelFault | null): void
}

type Settings = Pick<GuardOptions, 'slowMs' | 'read' | 'refusal' | 'onEnd'>

function guard(dependency: Dependency, settings: Settings, events: GuardEvents): Guard {
  return createGuard({
    ...settings,
    onChange: state => events.changed(dependency, state),
    onRetry: () => events.retried(dependency),
    onNoRetryLeft: () => events.noRetryLeft(dependency),
  })
}

/** A longer embedding or search is a fault of the server, a first token that takes longer is bounded by `silenceMs`. */
const slowEmbeddingMs = 2000
const slowRerankMs = 3000
const slowSearchMs = 5000

const names = { chat: 'The language model', embeddings: 'The embedding model', rerank: 'The reranker' } as const

export function guardModel(dependency: 'chat' | 'embeddings' | 'rerank', slowMs: number, events: GuardEvents): Guard {
  const refusal = (ms: number) => {
    events.ended?.(dependency, 'paused')
    return new AskError('model_paused', {
      detail: `${names[dependency]} failed too often, or is busy, and is not asked for a moment.`,
      retryAfter: ms / 1000,
    })
  }
  const onEnd: GuardOptions['onEnd'] = ended => {
    const fault = modelFault(ended)
    if (fault !== undefined) events.ended?.(dependency, fault)
  }
  return guard(dependency, { slowMs, read: readModelError, refusal, onEnd }, events)
}

/** Without `Retry-After` a busy model is tried again at once; with one, when that is over. */
function readModelError(error: unknown): Reading {
  if (!isAskError(error)) return { verdict: 'nothing', isRetryable: false }
  const isBroken = error.code === 'model_failed' || error.code === 'model_unreachable'
  if (isBroken) return { verdict: 'fault', isRetryable: true }
  if (error.code !== 'model_busy') return { verdict: 'alive', isRetryable: false }
  return {
    verdict: 'alive',
    isRetryable: true,
    ...(error.retryAfter !== undefined && { pauseMs: error.retryAfter * 1000 }),
  }
}

export function guardChat(
  chat: ChatModel,
  silenceMs: number,
  events: GuardEvents,
): ChatModel & { readonly guard: Guard } {
  const own = guardModel('chat', silenceMs, events)
  return {
    ...chat,
    guard: own,
    stream: (request, signal) =>
      own.stream(signal, () => withIdleTimeout('The model', silenceMs, signal, heard => chat.stream(request, heard))),
  }
}

export interface GuardEmbedderOptions {
  /** 0: a slow call is waited for. */
  readonly hedgeMs: number
  readonly onHedge: () => void
}

export function guardEmbedder(
  embedder: Embedder,
  { hedgeMs, onHedge }: GuardEmbedderOptions,
  events: GuardEvents,
): Embedder & { readonly guard: Guard } {
  const own = guardModel('embeddings', slowEmbeddingMs, events)
  const hedge = hedgeMs === 0 ? null : createHedge({ afterMs: hedgeMs, onHedge })
  const guarded: Pick<Embedder, 'embed'> & { readonly guard: Guard } = {
    guard: own,
    embed(texts, signal, kind) {
      const call = (either: AbortSignal) => embedder.embed(texts, either, kind)
      // Documents come in large calls, which may take long: an upload must not make questions go without vectors.
      if (kind !== 'query') return call(signal)
      return own.run(signal, () => (hedge ? hedge(signal, call) : call(signal)))
    },
  }
  // Not copied: the length of its vectors may be learned later.
  return Object.assign(Object.create(embedder) as Embedder, guarded)
}

export function guardReranker(reranker: Reranker, events: GuardEvents): Reranker & { readonly guard: Guard } {
  const own = guardModel('rerank', slowRerankMs, events)
  return {
    ...reranker,
    guard: own,
    score: (query, texts, signal) => own.run(signal, () => reranker.score(query, texts, signal)),
  }
}

export interface GuardedReads {
  readonly lease: Pool['lease']
  readonly aside: Pool['lease']
  readonly guard: Guard
}

/**
 * Reads that a question makes. One whose connection broke is made again on another. While `isDown` says that the server
 * does not answer at all, none is made. Not for writes: one whose reply was lost may have happened.
 */
export function guardReads(
  database: { readonly lease: Pool['lease']; readonly aside: Pool['lease'] },
  isDown: () => boolean,
  events: GuardEvents,
): GuardedReads {
  const refusal = (ms: number) =>
    new AskError('database_unavailable', {
      detail: 'the database does not answer; try again shortly',
      retryAfter: Math.max(1, ms / 1000),
    })
  const own = guard('database', { slowMs: slowSearchMs, read: readDatabaseError, refusal }, events)
  const guarded =
    (lease: Pool['lease']): Pool['lease'] =>
    async (terms, work) => {
      if (isDown()) throw refusal(0)
      return await own.run(terms.signal, attempt =>
        lease(terms, sql => {
          attempt.begin() // waiting for a connection is no slowness of the database
          return work(sql)
        }),
      )
    }
  return { lease: guarded(database.lease), aside: guarded(database.aside), guard: own }
}

function readDatabaseError(error: unknown): Reading {
  if (isPassing(error)) return { verdict: 'alive', isRetryable: true }
  if (isAskError(error, 'database_unavailable')) return { verdict: 'fault', isRetryable: true }
  return { verdict: isAskError(error, 'pool_exhausted') ? 'nothing' : 'alive', isRetryable: false }
}
