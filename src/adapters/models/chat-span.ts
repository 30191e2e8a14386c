import { SpanKind, type Attributes, type Span } from '@opentelemetry/api'
import type { Usage } from '../../ask/terms/usage.ts'
import { AskError } from '../../errors.ts'
import { genAi } from '../../tracing/names.ts'
import { markFailed, startChild } from '../../tracing/span.ts'

/**
 * Records one call to a chat model as a span `chat {model}`; a retry is a span of its own. The span never contains text
 * of the conversation.
 */
export interface ChatSpan {
  readonly span: Span | undefined
  onChunk(chunk: { readonly id?: unknown; readonly model?: unknown }): void
  complete(finishReason: string, usage: Usage | null): void
  fail(error: unknown): void
  /**
   * Ends the span. If neither `complete` nor `fail` was called, the consumer left and the span is marked as cancelled.
   */
  end(): void
}

export function startChatSpan(model: string, maxTokens: number, serverAttributes: Attributes): ChatSpan {
  const attributes = {
    [genAi.operation]: 'chat',
    [genAi.model]: model,
    [genAi.maxTokens]: maxTokens,
    [genAi.isStreamed]: true,
    ...serverAttributes,
  }
  const span = startChild(`chat ${model}`, SpanKind.CLIENT, attributes)
  return span ? recording(span) : noop
}

const noop: ChatSpan = { span: undefined, onChunk() {}, complete() {}, fail() {}, end() {} }

function recording(span: Span): ChatSpan {
  const startedAt = performance.now()
  let isFirst = true
  let isSettled = false
  return {
    span,
    onChunk(chunk) {
      if (!isFirst) return
      isFirst = false
      span.setAttribute(genAi.firstChunk, (performance.now() - startedAt) / 1000)
      if (typeof chunk.id === 'string') span.setAttribute(genAi.responseId, chunk.id)
      if (typeof chunk.model === 'string') span.setAttribute(genAi.responseModel, chunk.model)
    },
    complete(finishReason, usage) {
      isSettled = true
      span.setAttribute(genAi.finishReasons, [finishReason])
      if (usage)
        span.setAttributes({ [genAi.inputTokens]: usage.promptTokens, [genAi.outputTokens]: usage.completionTokens })
    },
    fail(error) {
      isSettled = true
      markFailed(span, error)
    },
    end() {
      if (!isSettled) markFailed(span, new AskError('cancelled'))
      span.end()
    },
  }
}
