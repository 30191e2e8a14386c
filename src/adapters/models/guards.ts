import type { ChatCall, ChatEvent, ChatModel, ChatRequest } from '../../ask/generation/chat.ts'
import type { Embedder } from '../../ask/retrieval/embedder.ts'
import type { Reranker } from '../../ask/retrieval/rerank.ts'
import { AskError, callNotMade, isAskError } from '../../errors.ts'
import type { BreakerState } from '../../resilience/breaker.ts'
import type { CallEnd } from '../../resilience/call-capacity.ts'
import { createCallLimit, InVain, type CallLimit, type CallPlace } from '../../resilience/call-limit.ts'
import { createGuard, type Guard, type GuardOptions, type Reading } from '../../resilience/guard.ts'
import { createHedge } from '../../resilience/hedge.ts'
import { withIdleTimeout, type Pulse } from '../../resilience/idle-timeout.ts'
import type { Events } from '../../events.ts'
import type { Dependency } from '../../faults.ts'
import { modelFault } from './faults.ts'
import { createChatPatience, type ChatPatience } from './chat-patience.ts'
import type { Pool } from '../postgres/pool.ts'
import { isPassing } from '../postgres/errors.ts'

export interface GuardParts {
  /** `modelEnded` is not emitted for calls that were cut short too early to tell. */
  readonly events: Pick<Events, 'callDeclined' | 'callRetried' | 'budgetExceeded' | 'callHedged' | 'modelEnded'>
  /** Called when the breaker of a dependency turns. */
  readonly onTurn: (dependency: Dependency, state: BreakerState) => void
}

type Settings = Pick<GuardOptions, 'slowMs' | 'lateMs' | 'read' | 'refusal' | 'onEnd' | 'onBusy'>

function guard(dependency: Dependency, settings: Settings, { events, onTurn }: GuardParts): Guard {
  return createGuard({
    ...settings,
    onChange: state => onTurn(dependency, state),
    onRetry: () => events.callRetried(dependency),
    onNoRetryLeft: () => events.budgetExceeded('calls'),
  })
}

/** Calls that take longer count as faults. A late first token of the language model is bounded by first-word.ts. */
const slowEmbeddingMs = 2000
const slowRerankMs = 3000
const slowSearchMs = 5000

const names = { chat: 'The language model', embeddings: 'The embedding model', rerank: 'The reranker' } as const

function guardModel(
  dependency: 'chat' | 'embeddings' | 'rerank',
  limits: Pick<GuardOptions, 'slowMs' | 'lateMs' | 'onBusy'>,
  parts: GuardParts,
): Guard {
  const { events } = parts
  const refusal = (ms: number) => {
    events.modelEnded(dependency, 'paused')
    return new AskError('model_paused', {
      detail: `${names[dependency]} failed too often or is busy, and is not called for a moment; try again shortly.`,
      retryAfter: ms / 1000,
    })
  }
  const onEnd: GuardOptions['onEnd'] = ended => {
    const fault = modelFault(ended)
    if (fault !== undefined) events.modelEnded(dependency, fault)
  }
  return guard(dependency, { ...limits, read: readModelError, refusal, onEnd }, parts)
}

/** After `Retry-After`, and otherwise immediately, a model that is busy or failed is called again. */
function readModelError(error: unknown): Reading {
  if (!isAskError(error)) return { verdict: 'nothing', isRetryable: false }
  const pause = error.retryAfter !== undefined && { pauseMs: error.retryAfter * 1000 }
  const isBroken = error.code === 'model_failed' || error.code === 'model_unreachable'
  if (isBroken) return { verdict: 'fault', isRetryable: true, ...pause }
  if (error.code !== 'model_busy') return { verdict: 'alive', isRetryable: false }
  return { verdict: 'alive', isRetryable: true, isBusy: true, ...pause }
}

/** Upper bound on what a provider may ask for in its headers. */
const longestPauseMs = 60_000

export interface GuardedChat extends ChatModel {
  readonly guard: Guard
  readonly calls: Pick<CallLimit, 'status'>
  readonly patience: Pick<ChatPatience, 'firstWord' | 'readingPace'>
}

/** Of a call that a busy model refuses. Between them it waits as long as the model says, and for its turn. */
const mostAttempts = 3

export interface ChatGuardOptions {
  readonly silenceMs: number
  /** Longest wait for the first word, where the operator has set one; otherwise it is learned. */
  readonly firstWordMs?: number | undefined
  /** Most calls at a time, where the operator knows; otherwise the model's limit is learned. */
  readonly maxCalls?: number | undefined
  /** Share of the calls at a time that batch calls may use, 0–1. */
  readonly batchShare?: number
}

export function guardChat(
  chat: ChatModel,
  { silenceMs, firstWordMs, maxCalls, batchShare = 1 }: ChatGuardOptions,
  parts: GuardParts,
): GuardedChat {
  const calls = createCallLimit({ batchShare, ...(maxCalls !== undefined && { max: maxCalls }) })
  const ownGuard = guardModel('chat', { slowMs: Infinity, lateMs: silenceMs, onBusy: calls.busy }, parts)
  const patience = createChatPatience(silenceMs, firstWordMs)

  /** `refusal`: of this call, which the model refused before because it is busy. */
  async function enter(
    signal: AbortSignal,
    { priority = 'interactive', caller, deadline = Infinity }: ChatCall,
    refusal: unknown,
  ): Promise<CallPlace> {
    try {
      return await calls.enter({ priority, caller, signal, deadline })
    } catch (error) {
      if (!(error instanceof InVain)) throw error
      if (refusal !== null) throw refusal
      if (error.isPause) parts.events.modelEnded('chat', 'paused')
      else parts.events.callDeclined('chat')
      throw new AskError('model_busy', {
        detail: error.isPause
          ? 'The provider of the language model asked for a pause that ends too late for this question.'
          : 'So many questions wait for the language model that it cannot answer in time.',
        retryAfter: error.afterMs / 1000,
        kind: callNotMade,
      })
    }
  }

  const pause = (ms: number) => calls.pause(Math.min(ms, longestPauseMs))

  async function* stream(
    request: ChatRequest,
    signal: AbortSignal,
    call: ChatCall = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    let refusal: unknown = null
    for (let attempt = 1; ; attempt++) {
      // An open breaker is known at once; nobody waits for its refusal.
      const place = ownGuard.state() === 'open' ? null : await enter(signal, call, refusal)
      if (refusal !== null) parts.events.callRetried('chat')
      let end: CallEnd = 'none'
      let hasBegun = false
      try {
        for await (const event of guarded(request, signal, call, () => place?.begin())) {
          hasBegun = true
          yield event
        }
        if (!call.isShort) end = 'ok'
        return
      } catch (error) {
        if (isAskError(error, 'deadline_exceeded')) end = endOf(signal, hasBegun)
        if (hasBegun || attempt === mostAttempts || signal.aborted || !isAskError(error, 'model_busy')) throw error
        refusal = error
      } finally {
        place?.leave(end)
      }
    }
  }

  function guarded(
    request: ChatRequest,
    signal: AbortSignal,
    call: ChatCall,
    onBegun: () => void,
  ): AsyncIterable<ChatEvent> {
    const begin = (pulse: Pulse) => {
      onBegun()
      pulse.begun()
    }
    return ownGuard.stream(signal, () => {
      const limits = patience.limitsFor(request, calls.status().inFlight <= 1)
      return withIdleTimeout('The model', limits, signal, (idleSignal, pulse) => {
        call.onSent?.()
        const reports = { onQuotaUsed: pause, onBytes: pulse.alive, onBegun: () => begin(pulse) }
        return chat.stream(request, idleSignal, reports)
      })
    })
  }

  return { ...chat, guard: ownGuard, calls, patience, stream }
}

/** If the signal has not aborted, it was the idle timeout. */
function endOf(signal: AbortSignal, hasBegun: boolean): CallEnd {
  if (signal.aborted) return 'late'
  return hasBegun ? 'none' : 'silent'
}

/** `hedgeMs` of 0 disables hedging. */
export function guardEmbedder(
  embedder: Embedder,
  hedgeMs: number,
  parts: GuardParts,
): Embedder & { readonly guard: Guard } {
  const ownGuard = guardModel('embeddings', { slowMs: slowEmbeddingMs }, parts)
  const hedge = hedgeMs === 0 ? null : createHedge({ afterMs: hedgeMs, onHedge: parts.events.callHedged })
  return {
    ...embedder,
    guard: ownGuard,
    embed(texts, signal, kind, about) {
      const call = (callSignal: AbortSignal) => {
        about?.onSent?.()
        return embedder.embed(texts, callSignal, kind, about)
      }
      // Documents are embedded in large calls, which may take long: an upload must not open the breaker that questions
      // depend on.
      if (kind !== 'query') return call(signal)
      return ownGuard.run(signal, () => (hedge ? hedge(signal, call) : call(signal)))
    },
  }
}

export function guardReranker(reranker: Reranker, parts: GuardParts): Reranker & { readonly guard: Guard } {
  const ownGuard = guardModel('rerank', { slowMs: slowRerankMs }, parts)
  return {
    ...reranker,
    guard: ownGuard,
    score: (query, texts, signal, call) =>
      ownGuard.run(signal, () => {
        call?.onSent?.()
        return reranker.score(query, texts, signal, call)
      }),
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
  parts: GuardParts,
): GuardedReads {
  const refusal = (ms: number) =>
    new AskError('database_unavailable', {
      detail: 'The database does not respond; try again shortly.',
      retryAfter: Math.max(1, ms / 1000),
    })
  const ownGuard = guard('database', { slowMs: slowSearchMs, read: readDatabaseError, refusal }, parts)
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
