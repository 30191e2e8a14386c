import { SpanKind, type Attributes, type Span } from '@opentelemetry/api'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import type { Usage } from '../../ask/terms.ts'
import { AskError } from '../../errors.ts'
import { genAi } from '../../tracing/names.ts'
import { markFailed, startChild } from '../../tracing/span.ts'

/** One call of a chat model, in a span `chat {model}`; a second try is a call of its own. Never a word of what is said. */
export interface ChatSpan {
  readonly span: Span | undefined
  heard(chunk: ChatCompletionChunk): void
  whole(finishReason: string, usage: Usage | null): void
  failed(error: unknown): void
  /** Of one that is neither whole nor failed the listener left. */
  end(): void
}

export function startChatSpan(model: string, maxTokens: number, whose: Attributes): ChatSpan {
  const attributes = {
    [genAi.operation]: 'chat',
    [genAi.model]: model,
    [genAi.maxTokens]: maxTokens,
    [genAi.isStreamed]: true,
    ...whose,
  }
  const span = startChild(`chat ${model}`, SpanKind.CLIENT, attributes)
  return span ? followed(span) : unseen
}

const unseen: ChatSpan = { span: undefined, heard() {}, whole() {}, failed() {}, end() {} }

function followed(span: Span): ChatSpan {
  const startedAt = performance.now()
  let isFirst = true
  let isOver = false
  return {
    span,
    heard(chunk) {
      if (!isFirst) return
      isFirst = false
      span.setAttribute(genAi.firstChunk, (performance.now() - startedAt) / 1000)
      if (chunk.id) span.setAttribute(genAi.responseId, chunk.id)
      if (chunk.model) span.setAttribute(genAi.responseModel, chunk.model)
    },
    whole(finishReason, usage) {
      isOver = true
      span.setAttribute(genAi.finishReasons, [finishReason])
      if (usage)
        span.setAttributes({ [genAi.inputTokens]: usage.promptTokens, [genAi.outputTokens]: usage.completionTokens })
    },
    failed(error) {
      isOver = true
      markFailed(span, error)
    },
    end() {
      if (!isOver) markFailed(span, new AskError('cancelled'))
      span.end()
    },
  }
}
