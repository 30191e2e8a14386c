import type { ChatModel } from '../../ask/generation/chat.ts'
import type { Embedder } from '../../ask/retrieval/embedder.ts'
import type { SimilarQuestions } from '../../ask/cache/semantic/semantic-cache.ts'
import type { Reranker } from '../../ask/retrieval/rerank.ts'
import { isAskError } from '../../errors.ts'
import { traceIdOf } from '../../tracing/trace-id.ts'

/** OpenTelemetry's `gen_ai.operation.name`; it has no value for reranking. */
export type Operation = 'chat' | 'embeddings' | 'rerank'

export interface ModelCalls {
  /** A call has ended. `error` is its code, or empty if it succeeded. */
  called(operation: Operation, seconds: number, error: string, traceId: string | undefined): void
  firstChunk(operation: Operation, seconds: number, traceId: string | undefined): void
}

/**
 * Measures each call that is made, inside the guard: a retry is a call of its own, and a call that a breaker stopped is
 * none.
 */
export function meterChat(chat: ChatModel, calls: ModelCalls, onCut: () => void): ChatModel {
  async function* stream(
    ...[request, signal]: Parameters<ChatModel['stream']>
  ): ReturnType<ChatModel['stream']> & AsyncGenerator {
    const call = begin('chat', calls)
    let error = 'cancelled' // applies if the consumer leaves
    let isFirst = true
    try {
      for await (const event of chat.stream(request, signal)) {
        if (isFirst) call.first()
        isFirst = false
        // Set before the event is yielded: a consumer that has the end may never ask for more.
        if (event.type === 'end') error = ''
        if (event.type === 'end' && event.finishReason === 'length') onCut()
        yield event
      }
    } catch (failure) {
      error = codeOf(failure)
      throw failure
    } finally {
      call.end(error)
    }
  }
  return { ...chat, stream }
}

export function meterEmbedder(embedder: Embedder, calls: ModelCalls): Embedder {
  return { ...embedder, embed: (...args) => timed('embeddings', calls, () => embedder.embed(...args)) }
}

export function meterReranker(reranker: Reranker, calls: ModelCalls): Reranker {
  return { ...reranker, score: (...args) => timed('rerank', calls, () => reranker.score(...args)) }
}

export interface Saves {
  saved(store: 'postgres', seconds: number): void
  notSaved(store: 'postgres'): void
}

/** Measures what the semantic cache writes after the reply. */
export function meterSaves(questions: SimilarQuestions, saves: Saves): SimilarQuestions {
  const saving =
    <Args extends readonly unknown[]>(save: (...args: Args) => Promise<void>) =>
    async (...args: Args) => {
      const startedAt = performance.now()
      try {
        await save(...args)
        saves.saved('postgres', (performance.now() - startedAt) / 1000)
      } catch (error) {
        saves.notSaved('postgres')
        throw error
      }
    }
  return { ...questions, keep: saving(questions.keep), observe: saving(questions.observe) }
}

async function timed<T>(operation: Operation, calls: ModelCalls, work: () => Promise<T>): Promise<T> {
  const call = begin(operation, calls)
  try {
    const result = await work()
    call.end('')
    return result
  } catch (error) {
    call.end(codeOf(error))
    throw error
  }
}

function begin(operation: Operation, calls: ModelCalls) {
  const startedAt = performance.now()
  const traceId = traceIdOf()
  const seconds = () => (performance.now() - startedAt) / 1000
  return {
    first: () => calls.firstChunk(operation, seconds(), traceId),
    end: (error: string) => calls.called(operation, seconds(), error, traceId),
  }
}

/** A closed set for the label: the codes of errors.ts. */
function codeOf(error: unknown): string {
  if (isAskError(error)) return error.code
  return error instanceof Error && error.name === 'AbortError' ? 'cancelled' : 'internal'
}
