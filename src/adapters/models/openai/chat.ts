import type { OpenAI } from 'openai'
import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions'
import type { ChatCall, ChatEvent, ChatModel, ChatRequest, FinishReason } from '../../../ask/generation/chat.ts'
import type { Usage } from '../../../ask/terms/usage.ts'
import { AskError } from '../../../errors.ts'
import { genAi } from '../../../tracing/names.ts'
import { traceHeaders } from '../../../tracing/outgoing.ts'
import { serverOf } from '../../../tracing/span.ts'
import { startChatSpan, type ChatSpan } from '../chat-span.ts'
import { assertNoLease } from '../../postgres/one-lease-guard.ts'
import { chunksOf, type ReplyChunk, type ReplyPart } from './chunks.ts'
import { failed, toAskError } from './errors.ts'
import { endingOf, type Ending } from './finish-reasons.ts'
import { hasToken, textOf } from './reply-text.ts'
import { createServerQuirks } from './server-quirks.ts'
import { createReasoningFilter } from './reasoning-filter.ts'
import { providerOf } from './client.ts'
import { tokensIn } from '../token-usage.ts'
import { quotaPauseMs } from './quota.ts'

type Quirk = 'newTokenLimit' | 'noUsage' | 'noSystemRole'

/** The longest tokens of common vocabularies are runs of 128 spaces. */
const charactersPerToken = 128
/** Lower bound, for servers that do not count reasoning as tokens of the answer. */
const leastCharacters = 64 * 1024
/** Each token may come in an event of its own, with ids and the results of a content filter. */
const bytesPerToken = 2048
/** Allowance for reasoning sent next to the text, and for heartbeats. */
const spareBytes = 8 * 1024 * 1024
/** Longest wait for the usage, which follows the finish reason, and for the end of the reply. */
const longestGraceMs = 1000

/** A chat model behind an OpenAI-compatible API. */
export function createChat(client: OpenAI, { model }: { readonly model: string }): ChatModel {
  const quirks = createServerQuirks<Quirk>({
    // OpenAI's reasoning models: "'max_tokens' is not supported with this model. Use 'max_completion_tokens'".
    newTokenLimit: /max_completion_tokens/i,
    // Servers that reject unknown fields. A rejection without a message (an unusual error body) is treated as one of
    // these: it costs one call to find out, and the quirk is stored only if that call succeeds.
    noUsage: /stream_options|include_usage|^$/i,
    // Chat templates without a system turn (Gemma), as vLLM and llama.cpp report them.
    noSystemRole: /system role not supported|system.{0,40}(role|message|prompt).{0,40}not (supported|allowed)/is,
  })

  const provider = providerOf(client)
  const spanAttributes = { [genAi.provider]: provider, ...serverOf(client.baseURL) }

  async function* stream(
    request: ChatRequest,
    signal: AbortSignal,
    { onQuotaUsed, onBegun, onBytes }: ChatCall = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    const call = { client, model, signal }
    assertNoLease('the chat model')
    const chatSpan = startChatSpan(model, request.maxTokens, spanAttributes)
    // After the reply, its connection may still have to be closed.
    const connection = new AbortController()
    const leave = () => connection.abort(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    try {
      signal.throwIfAborted()
      const headers = traceHeaders(chatSpan.span)
      const reply = await quirks.call(learned =>
        client.chat.completions
          .create(paramsOf(model, request, learned), { signal: connection.signal, headers })
          .asResponse(),
      )
      const pauseMs = quotaPauseMs(reply.headers)
      if (pauseMs > 0) onQuotaUsed?.(pauseMs)
      const progress = createProgress()
      const parts = chunksOf(reply, {
        maxBytes: spareBytes + request.maxTokens * bytesPerToken,
        close: () => connection.abort(),
        onBytes,
        graceMs: progress.graceMs,
      })
      yield* eventsOf(parts, request, { signal, chatSpan, onBegun, progress })
    } catch (error) {
      const translated = toAskError(error, call)
      chatSpan.fail(translated)
      throw translated
    } finally {
      signal.removeEventListener('abort', leave)
      chatSpan.end()
    }
  }

  return { model, provider, stream }
}

function paramsOf(
  model: string,
  request: ChatRequest,
  learned: ReadonlySet<Quirk>,
): ChatCompletionCreateParamsStreaming {
  const { maxTokens } = request
  return {
    model,
    messages: messagesOf(request, learned.has('noSystemRole')),
    stream: true,
    ...(!learned.has('noUsage') && { stream_options: { include_usage: true } }),
    ...(learned.has('newTokenLimit') ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens }),
  }
}

function messagesOf(
  { system, messages }: ChatRequest,
  withoutSystem: boolean,
): ChatCompletionCreateParamsStreaming['messages'] {
  const turns = messages.map(({ role, content }) => ({ role, content }))
  const [first, ...rest] = turns
  if (!withoutSystem || first === undefined) return [{ role: 'system', content: system }, ...turns]
  return [{ role: 'user', content: `${system}\n\n${first.content}` }, ...rest]
}

/** What is known of how a reply ends. */
function createProgress() {
  let finishReason: string | null = null
  let finishedAt = 0
  let isDone = false
  let isRepeated = false
  return {
    /** `hasText`: whether text came with it. Servers that give a reason with each piece of text give it too early. */
    finish(reason: unknown, hasText: boolean): void {
      isRepeated ||= finishReason !== null && hasText
      if (endingOf(reason) === null) return
      if (finishReason === null) finishedAt = performance.now()
      finishReason = reason as string
    },
    done: () => void (isDone = true),
    finishReason: () => finishReason,
    isComplete: () => isDone || finishReason !== null,
    /** How long to wait for more, in milliseconds; null while the reply may have to go on. */
    graceMs: () =>
      finishReason === null || isRepeated ? null : Math.max(0, finishedAt + longestGraceMs - performance.now()),
  }
}

type Progress = ReturnType<typeof createProgress>

interface EventsParts {
  readonly signal: AbortSignal
  readonly chatSpan: ChatSpan
  readonly onBegun: (() => void) | undefined
  readonly progress: Progress
}

/**
 * A stream that is cut off ends like a complete one. The reply is complete only if it has a finish reason that is known,
 * or if the server said so.
 */
async function* eventsOf(
  parts: AsyncIterable<ReplyPart>,
  { maxTokens }: ChatRequest,
  { signal, chatSpan, onBegun, progress }: EventsParts,
): AsyncGenerator<ChatEvent, void, undefined> {
  const noticeToken = createTokenNotice(onBegun)
  let usage: Usage | null = null
  let isEmpty = true
  let charactersLeft = Math.max(leastCharacters, maxTokens * charactersPerToken)
  const withoutReasoning = createReasoningFilter()
  for await (const part of parts) {
    signal.throwIfAborted()
    if (part === 'done') {
      progress.done()
      continue
    }
    chatSpan.onChunk(part)
    usage = usageOf(part) ?? usage
    // Azure's first chunk, and the last chunk with the usage, have no choice.
    const choice = part.choices?.[0]
    const message = choice?.delta ?? choice?.message
    noticeToken(message)
    const chunkText = textOf(message)
    charactersLeft -= chunkText.length
    if (charactersLeft < 0)
      throw failed('The reply of the model exceeded its length limit without ending.', undefined, 'garbage')
    const text = withoutReasoning(chunkText)
    progress.finish(choice?.finish_reason, chunkText !== '')
    if (text === '') continue
    isEmpty = false
    yield { type: 'text', text }
  }
  signal.throwIfAborted()
  const finishReason = finishReasonOf(progress, isEmpty)
  chatSpan.complete(progress.finishReason() ?? finishReason, usage)
  yield { type: 'end', finishReason, usage }
}

/** Throws if the reply is no answer, or only the beginning of one. */
function finishReasonOf(progress: Progress, isEmpty: boolean): FinishReason {
  if (!progress.isComplete())
    throw failed('The model cut off its reply.', undefined, isEmpty ? 'garbage' : 'broken_off')
  const ending = endingOf(progress.finishReason()) ?? 'complete'
  const fault = faultOf(ending, isEmpty)
  if (fault) throw fault
  return ending === 'length' ? 'length' : 'stop'
}

/** Calls `onBegun` at the first token. */
function createTokenNotice(onBegun: (() => void) | undefined): (message: object | null | undefined) => void {
  let hasBegun = false
  return message => {
    if (hasBegun || !hasToken(message)) return
    hasBegun = true
    onBegun?.()
  }
}

function usageOf({ usage }: ReplyChunk): Usage | null {
  if (!usage) return null
  return {
    llmCalls: 1,
    promptTokens: tokensIn(usage.prompt_tokens),
    completionTokens: tokensIn(usage.completion_tokens),
  }
}

/** Why a reply that has ended is no answer; null if it is one. */
function faultOf(ending: Ending, isEmpty: boolean): AskError | null {
  if (ending === 'filtered')
    return new AskError('model_rejected', { detail: 'The content filter of the model API blocked the answer.' })
  if (ending === 'failed')
    return failed('The model gave up in the middle of its reply.', undefined, isEmpty ? 'failed' : 'broken_off')
  if (!isEmpty) return null
  const hint = ending === 'length' ? ' It used up its tokens before the first word; raise MAX_ANSWER_TOKENS.' : ''
  return failed(`The model sent an empty reply.${hint}`, undefined, 'garbage')
}
