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

/** External services that Askwell depends on. Values are metric labels. */
export type Dependency = 'database' | 'chat' | 'embeddings' | 'rerank'

export interface GuardEvents {
  changed(dependency: Dependency, state: BreakerState): void
  retried(dependency: Dependency): void
  /** A retry was not made because the retry budget is spent. */
  noRetryLeft(dependency: Dependency): void
  /**
   * Reports how a model call ended; null when it succeeded. Not called for calls that were cut short too early to tell.
   */
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

/** Calls that take longer count as faults. A late first token is bounded by `silenceMs` instead. */
const slowEmbeddingMs = 2000
const slowRerankMs = 3000
const slowSearchMs = 5000

const names = { chat: 'The language model', embeddings: 'The embedding model', rerank: 'The reranker' } as const

export function guardModel(dependency: 'chat' | 'embeddings' | 'rerank', slowMs: number, events: GuardEvents): Guard {
  const refusal = (ms: number) => {
    events.ended?.(dependency, 'paused')
    return new AskError('model_paused', {
      detail: `${names[dependency]} failed too often or is busy, and is not called for a moment; try again shortly.`,
      retryAfter: ms / 1000,
    })
  }
  const onEnd: GuardOptions['onEnd'] = ended => {
    const fault = modelFault(ended)
    if (fault !== undefined) events.ended?.(dependency, fault)
  }
  return guard(dependency, { slowMs, read: readModelError, refusal, onEnd }, events)
}

/** A busy model is retried immediately without `Retry-After`, and after that time with it. */
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
  const ownGuard = guardModel('chat', silenceMs, events)
  return {
    ...chat,
    guard: ownGuard,
    stream: (request, signal) =>
      ownGuard.stream(signal, () =>
        withIdleTimeout('The model', silenceMs, signal, idleSignal => chat.stream(request, idleSignal)),
      ),
  }
}

export interface GuardEmbedderOptions {
  /** 0 to disable hedging. */
  readonly hedgeMs: number
  readonly onHedge: () => void
}

export function guardEmbedder(
  embedder: Embedder,
  { hedgeMs, onHedge }: GuardEmbedderOptions,
  events: GuardEvents,
): Embedder & { readonly guard: Guard } {
  const ownGuard = guardModel('embeddings', slowEmbeddingMs, events)
  const hedge = hedgeMs === 0 ? null : createHedge({ afterMs: hedgeMs, onHedge })
  return {
    ...embedder,
    guard: ownGuard,
    embed(texts, signal, kind) {
      const call = (callSignal: AbortSignal) => embedder.embed(texts, callSignal, kind)
      // Documents are embedded in large calls, which may take long: an upload must not open the breaker that questions
      // depend on.
      if (kind !== 'query') return call(signal)
      return ownGuard.run(signal, () => (hedge ? hedge(signal, call) : call(signal)))
    },
  }
}

export function guardReranker(reranker: Reranker, events: GuardEvents): Reranker & { readonly guard: Guard } {
  const ownGuard = guardModel('rerank', slowRerankMs, events)
  return {
    ...reranker,
    guard: ownGuard,
    score: (query, texts, signal) => ownGuard.run(signal, () => reranker.score(query, texts, signal)),
  }
}

export interface GuardedReads {
  readonly lease: Pool['lease']
  readonly aside: Pool['lease']
  readonly guard: Guard
}

/**
 * Guards the reads of a question. A read whose connection broke is retried on another one. While `isDown` says that the
 * server does not respond, no read is made. Do not use it for writes: a write whose reply was lost may have happened.
 */
export function guardReads(
  database: { readonly lease: Pool['lease']; readonly aside: Pool['lease'] },
  isDown: () => boolean,
  events: GuardEvents,
): GuardedReads {
  const refusal = (ms: number) =>
    new AskError('database_unavailable', {
      detail: 'The database does not respond; try again shortly.',
      retryAfter: Math.max(1, ms / 1000),
    })
  const ownGuard = guard('database', { slowMs: slowSearchMs, read: readDatabaseError, refusal }, events)
  const guarded =
    (lease: Pool['lease']): Pool['lease'] =>
    async (terms, work) => {
      if (isDown()) throw refusal(0)
      return await ownGuard.run(terms.signal, attempt =>
        lease(terms, sql => {
          attempt.begin() // the wait for a connection does not count as slowness of the database
          return work(sql)
        }),
      )
    }
  return { lease: guarded(database.lease), aside: guarded(database.aside), guard: ownGuard }
}

function readDatabaseError(error: unknown): Reading {
  if (isPassing(error)) return { verdict: 'alive', isRetryable: true }
  if (isAskError(error, 'database_unavailable')) return { verdict: 'fault', isRetryable: true }
  return { verdict: isAskError(error, 'pool_exhausted') ? 'nothing' : 'alive', isRetryable: false }
}
