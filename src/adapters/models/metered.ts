import type { ChatModel } from '../../ask/generation/chat.ts'
import type { Embedder, LoadingCall } from '../../ask/retrieval/embedder.ts'
import type { SimilarQuestions } from '../../ask/cache/semantic/semantic-cache.ts'
import type { Reranker } from '../../ask/retrieval/rerank.ts'
import { isAskError } from '../../errors.ts'
import type { Events, ModelOperation } from '../../events.ts'
import { traceIdOf } from '../../tracing/trace-id.ts'

type CallEvents = Pick<Events, 'modelCalled' | 'modelStreamed'>

/**
 * Measures each call that is made, inside the guard: a retry is a call of its own, and a call that a breaker stopped is
 * none.
 */
export function meterChat(chat: ChatModel, events: CallEvents & Pick<Events, 'budgetExceeded'>): ChatModel {
  async function* stream(
    ...[request, signal, options]: Parameters<ChatModel['stream']>
  ): ReturnType<ChatModel['stream']> & AsyncGenerator {
    const call = begin('chat', events)
    let error = 'cancelled' // applies if the consumer leaves
    let isFirst = true
    try {
      for await (const event of chat.stream(request, signal, options)) {
        if (isFirst) call.first()
        isFirst = false
        // Set before the event is yielded: a consumer that has the end may never ask for more.
        if (event.type === 'end') error = ''
        if (event.type === 'end' && event.finishReason === 'length') events.budgetExceeded('tokens')
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

export function meterEmbedder(embedder: Embedder, events: CallEvents & Pick<Events, 'textsEmbedded'>): Embedder {
  return {
    ...embedder,
    embed: (texts, signal, kind, call) =>
      timed('embeddings', events, () =>
        embedder.embed(texts, signal, kind, kind === 'query' ? call : countedLoading(call, events)),
      ),
  }
}

function countedLoading(call: LoadingCall = {}, events: Pick<Events, 'textsEmbedded'>): LoadingCall {
  return {
    // It may grow during the call.
    get patienceMs() {
      return call.patienceMs ?? 0
    },
    onEmbedded(texts) {
      events.textsEmbedded(texts)
      call.onEmbedded?.(texts)
    },
    onWait: (ms, error) => call.onWait?.(ms, error),
  }
}

export function meterReranker(reranker: Reranker, events: CallEvents): Reranker {
  return { ...reranker, score: (...args) => timed('rerank', events, () => reranker.score(...args)) }
}

/** Measures what the semantic cache writes after the reply. */
export function meterSaves(
  questions: SimilarQuestions,
  events: Pick<Events, 'valueSaved' | 'valueNotSaved'>,
): SimilarQuestions {
  const saving =
    <Args extends readonly unknown[]>(save: (...args: Args) => Promise<void>) =>
    async (...args: Args) => {
      const startedAt = performance.now()
      try {
        await save(...args)
        events.valueSaved('postgres', (performance.now() - startedAt) / 1000)
      } catch (error) {
        events.valueNotSaved('postgres')
        throw error
      }
    }
  return { ...questions, keep: saving(questions.keep), observe: saving(questions.observe) }
}

async function timed<T>(operation: ModelOperation, events: CallEvents, work: () => Promise<T>): Promise<T> {
  const call = begin(operation, events)
  try {
    const result = await work()
    call.end('')
    return result
  } catch (error) {
    call.end(codeOf(error))
    throw error
  }
}

function begin(operation: ModelOperation, events: CallEvents) {
  const startedAt = performance.now()
  const traceId = traceIdOf()
  const seconds = () => (performance.now() - startedAt) / 1000
  return {
    first: () => events.modelStreamed(operation, seconds(), traceId),
    end: (error: string) => events.modelCalled(operation, seconds(), error, traceId),
  }
}

/** A closed set for the label: the codes of errors.ts. */
function codeOf(error: unknown): string {
  if (isAskError(error)) return error.code
  return error instanceof Error && error.name === 'AbortError' ? 'cancelled' : 'internal'
}
