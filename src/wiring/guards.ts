import {
  guardChat,
  guardEmbedder,
  guardReads,
  guardReranker,
  type GuardedReads,
  type GuardParts,
} from '../adapters/models/guards.ts'
import type { Database } from '../adapters/postgres/database.ts'
import type { Models } from '../adapters/models/models.ts'
import type { FirstWordStatus } from '../adapters/models/first-word.ts'
import { meterChat, meterEmbedder, meterReranker } from '../adapters/models/metered.ts'
import { databaseFault } from '../adapters/postgres/errors.ts'
import type { Reranker } from '../ask/retrieval/rerank.ts'
import { isAskError } from '../errors.ts'
import type { EventBus, Events } from '../events.ts'
import type { DatabaseFault, Dependency, ModelFault } from '../faults.ts'
import type { BreakerState } from '../resilience/breaker.ts'
import type { CallLimitStatus } from '../resilience/call-limit.ts'
import type { Guard } from '../resilience/guard.ts'
import { LateReply } from '../resilience/with-timeout.ts'
import { createHeartbeat } from '../resilience/heartbeat.ts'
import type { Config } from '../config/terms.ts'

export interface Guarded {
  /** The models, those of an API behind circuit breakers; a local model needs none. */
  readonly models: Models
  /** Calls to the language model; null without one. */
  readonly modelCalls: (() => CallLimitStatus) | null
  /** The waits for its first word; null without one. */
  readonly firstWord: (() => FirstWordStatus) | null
  /** Tokens of a prompt that it reads within this time, in milliseconds; Infinity while that is unknown. */
  promptTokensWithin(ms: number): number
  readonly reranker: Reranker | null
  /** The database, guarded for the reads of a question. */
  readonly reads: GuardedReads
  /** State of every circuit breaker. */
  states(): Readonly<Partial<Record<Dependency, BreakerState>>>
  /** The database heartbeat. `downBy` is null while the database is up. */
  pulse(): { readonly isDown: boolean; readonly downBy: DatabaseFault | null }
  /** How it last failed, or null if it never has. */
  lastFault(dependency: Dependency): ModelFault | null
  close(): Promise<void>
}

export interface GuardsParts {
  readonly config: Pick<Config, 'guard' | 'admission'>
  readonly database: Database
  readonly models: Models
  /** Null when none is configured. */
  readonly reranker: Reranker | null
  readonly events: EventBus
}

/**
 * Adds circuit breakers, retries and idle timeouts to remote dependencies; each change of state is one
 * event.
 */
export function openGuards({ config, database, models, reranker, events: { emit, subscribe } }: GuardsParts): Guarded {
  const guards = new Map<Dependency, Guard>()
  const lastStates = new Map<Dependency, BreakerState>()
  const faults = new Map<Dependency, ModelFault>()
  const stateOf = (dependency: Dependency): BreakerState =>
    dependency === 'database' && heartbeat.isDown() ? 'open' : (guards.get(dependency)?.state() ?? 'closed')

  function reportChange(dependency: Dependency): void {
    const [before = 'closed', now] = [lastStates.get(dependency), stateOf(dependency)]
    if (before === now) return
    lastStates.set(dependency, now)
    emit.breakerChanged(dependency, now, before, faultOf(dependency))
  }

  function downBy(): DatabaseFault | null {
    return heartbeat.isDown() ? faultOfPing(heartbeat.missedBy()) : null
  }

  const faultOf = (dependency: Dependency) => (dependency === 'database' ? downBy() : (faults.get(dependency) ?? null))

  subscribe({
    modelEnded(dependency, fault) {
      if (fault !== null && fault !== 'paused') faults.set(dependency, fault)
    },
  })
  const parts = { events: emit, onTurn: reportChange }
  const heartbeat = createHeartbeat({
    ping: async () => {
      await database.answer(never)
      return true
    },
    onChange(isDown) {
      if (!isDown) guards.get('database')?.reset()
      reportChange('database')
    },
  })
  const register: Register = (dependency, each) => {
    guards.set(dependency, each.guard)
    return each
  }
  const reads = register('database', guardReads(database, heartbeat.isDown, parts))
  const remote = guardModels({ config, models, reranker }, parts, register)
  const states = () => Object.fromEntries([...guards.keys()].map(dependency => [dependency, stateOf(dependency)]))
  return {
    ...remote,
    reads,
    states,
    pulse: () => ({ isDown: heartbeat.isDown(), downBy: downBy() }),
    lastFault: dependency => faults.get(dependency) ?? null,
    close: async () => heartbeat.stop(),
  }
}

type Register = <G extends { readonly guard: Guard }>(dependency: Dependency, each: G) => G

function guardModels(
  { config, models, reranker }: Pick<GuardsParts, 'config' | 'models' | 'reranker'>,
  parts: GuardParts & { readonly events: Events },
  register: Register,
): Pick<Guarded, 'models' | 'modelCalls' | 'firstWord' | 'promptTokensWithin' | 'reranker'> {
  const { chat, embedder, isEmbedderRemote } = models
  const { hedgeMs, silenceMs, firstWordMs, maxModelCalls: maxCalls } = config.guard
  const { batchShare } = config.admission
  const { events } = parts
  const guardedChat =
    chat &&
    register('chat', guardChat(meterChat(chat, events), { silenceMs, firstWordMs, maxCalls, batchShare }, parts))
  return {
    modelCalls: guardedChat && guardedChat.calls.status,
    firstWord: guardedChat && guardedChat.patience.firstWord.status,
    promptTokensWithin: guardedChat ? guardedChat.patience.readingPace.tokensWithin : () => Infinity,
    models: {
      ...models,
      chat: guardedChat,
      embedder: isEmbedderRemote
        ? register('embeddings', guardEmbedder(meterEmbedder(embedder, events), hedgeMs, parts))
        : embedder,
    },
    reranker: reranker && guardedReranker(meterReranker(reranker, events), parts, register),
  }
}

/** A model in this process needs no circuit breaker: its thread is replaced when it dies. */
function guardedReranker(reranker: Reranker, parts: GuardParts, register: Register): Reranker {
  return reranker.isInProcess ? reranker : register('rerank', guardReranker(reranker, parts))
}

const never = new AbortController().signal

/** No reply at all counts as silent. */
function faultOfPing(error: unknown): DatabaseFault {
  const isSilent = error instanceof LateReply || isAskError(error, 'deadline_exceeded')
  return isSilent ? 'silent' : (databaseFault(error) ?? 'unreachable')
}
