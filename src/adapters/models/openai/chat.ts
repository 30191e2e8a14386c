import type { OpenAI } from 'openai'
import type { ChatCompletionChunk, ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions'
import type { ChatCall, ChatEvent, ChatModel, ChatRequest } from '../../../ask/generation/chat.ts'
import type { Usage } from '../../../ask/terms/usage.ts'
import { AskError } from '../../../errors.ts'
import { genAi } from '../../../tracing/names.ts'
import { traceHeaders } from '../../../tracing/outgoing.ts'
import { serverOf } from '../../../tracing/span.ts'
import { startChatSpan, type ChatSpan } from '../chat-span.ts'
import { assertNoLease } from '../../postgres/one-lease-guard.ts'
import { chunksOf } from './chunks.ts'
import { failed, toAskError } from './errors.ts'
import { createServerQuirks } from './server-quirks.ts'
import { createReasoningFilter } from './reasoning-filter.ts'
import { providerOf } from './client.ts'
import { tokensIn } from '../token-usage.ts'
import { quotaPauseMs } from './quota.ts'

type Quirk = 'newTokenLimit' | 'noUsage' | 'noSystemRole'
type Chunks = AsyncIterable<ChatCompletionChunk>

/** The longest tokens of common vocabularies are runs of 128 spaces. */
const charactersPerToken = 128
/** Lower bound, for servers that do not count reasoning as tokens of the answer. */
const leastCharacters = 64 * 1024
/** Each token may come in an event of its own, with ids and the results of a content filter. */
const bytesPerToken = 2048
/** Allowance for reasoning sent next to the text, and for heartbeats. */
const spareBytes = 8 * 1024 * 1024

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
    { onQuotaUsed, onBegun }: ChatCall = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    const call = { client, model, signal }
    assertNoLease('the chat model')
    const chatSpan = startChatSpan(model, request.maxTokens, spanAttributes)
    try {
      signal.throwIfAborted()
      const headers = traceHeaders(chatSpan.span)
      const reply = await quirks.call(learned =>
        client.chat.completions.create(paramsOf(model, request, learned), { signal, headers }).asResponse(),
      )
      const pauseMs = quotaPauseMs(reply.headers)
      if (pauseMs > 0) onQuotaUsed?.(pauseMs)
      const chunks = chunksOf(reply, spareBytes + request.maxTokens * bytesPerToken)
      yield* eventsOf(chunks, request, { signal, chatSpan, onBegun })
    } catch (error) {
      const translated = toAskError(error, call)
      chatSpan.fail(translated)
      throw translated
    } finally {
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

interface EventsParts {
  readonly signal: AbortSignal
  readonly chatSpan: ChatSpan
  readonly onBegun: (() => void) | undefined
}

/** A stream that is cut off ends like a complete one. The reply is complete only if it has a finish reason. */
async function* eventsOf(
  chunks: Chunks,
  { maxTokens }: ChatRequest,
  { signal, chatSpan, onBegun }: EventsParts,
): AsyncGenerator<ChatEvent, void, undefined> {
  const noticeToken = createTokenNotice(onBegun)
  let finishReason: string | null = null
  let usage: Usage | null = null
  let isEmpty = true
  let charactersLeft = Math.max(leastCharacters, maxTokens * charactersPerToken)
  const withoutReasoning = createReasoningFilter()
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    chatSpan.onChunk(chunk)
    usage = usageOf(chunk) ?? usage
    // Azure's first chunk, and the last chunk with the usage, have no choice.
    const choice = chunk.choices?.[0]
    noticeToken(choice?.delta)
    const chunkText = textOf(choice?.delta)
    charactersLeft -= chunkText.length
    if (charactersLeft < 0)
      throw failed('The reply of the model exceeded its length limit without ending.', undefined, 'garbage')
    const text = withoutReasoning(chunkText)
    if (text !== '') {
      isEmpty = false
      yield { type: 'text', text }
    }
    finishReason = choice?.finish_reason ?? finishReason
  }
  signal.throwIfAborted()
  if (finishReason === null) throw failed('The model cut off its reply.', undefined, isEmpty ? 'garbage' : 'broken_off')
  if (isEmpty) throw emptyReply(finishReason)
  chatSpan.complete(finishReason, usage)
  yield { type: 'end', finishReason, usage }
}

/** Calls `onBegun` at the first token. */
function createTokenNotice(onBegun: (() => void) | undefined): (delta: object | undefined) => void {
  let hasBegun = false
  return delta => {
    if (hasBegun || !hasToken(delta)) return
    hasBegun = true
    onBegun?.()
  }
}

/** Some servers send a first chunk, with the role alone, before they work on the request. Reasoning has many names. */
function hasToken(delta: object | undefined): boolean {
  return Object.entries(delta ?? {}).some(
    ([name, value]) => name !== 'role' && typeof value === 'string' && value !== '',
  )
}

function textOf(delta: ChatCompletionChunk.Choice.Delta | undefined): string {
  const chunkText: unknown = delta?.content || delta?.refusal
  return typeof chunkText === 'string' ? chunkText : ''
}

function usageOf({ usage }: ChatCompletionChunk): Usage | null {
  if (!usage) return null
  return {
    llmCalls: 1,
    promptTokens: tokensIn(usage.prompt_tokens),
    completionTokens: tokensIn(usage.completion_tokens),
  }
}

function emptyReply(finishReason: string): AskError {
  if (finishReason === 'content_filter') {
    return new AskError('model_rejected', { detail: 'The content filter of the model API blocked the answer.' })
  }
  const hint = finishReason === 'length' ? ' It used up its tokens before the first word; raise MAX_ANSWER_TOKENS.' : ''
  return failed(`The model sent an empty reply.${hint}`, undefined, 'garbage')
}
