import type { OpenAI } from 'openai'
import type { ChatCompletionChunk, ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions'
import type { ChatEvent, ChatModel, ChatRequest } from '../../../ask/generation/chat.ts'
import type { Usage } from '../../../ask/terms.ts'
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

type Habit = 'newTokenLimit' | 'noUsage' | 'noSystemRole'
type Chunks = AsyncIterable<ChatCompletionChunk>

/** The longest tokens of common vocabularies are runs of 128 blanks. */
const charactersPerToken = 128
/** For servers that do not count a model's thoughts as tokens of its answer. */
const leastCharacters = 64 * 1024
/** Each token may come in an event of its own, with ids and the results of a content filter. */
const bytesPerToken = 2048
/** For thoughts that come next to the text, and heartbeats. */
const spareBytes = 8 * 1024 * 1024

/** A language model behind an OpenAI-compatible API. */
export function createChat(client: OpenAI, { model }: { readonly model: string }): ChatModel {
  const habits = createServerQuirks<Habit>({
    // OpenAI's reasoning models: "'max_tokens' is not supported with this model. Use 'max_completion_tokens'".
    newTokenLimit: /max_completion_tokens/i,
    // Servers that check fields strictly. One that refuses without a word (an unusual error body) is taken
    // for one of these: it costs a call to find out, and nothing is remembered unless it helped.
    noUsage: /stream_options|include_usage|^$/i,
    // Chat templates without a system turn (Gemma), as vLLM and llama.cpp report them.
    noSystemRole: /system role not supported|system.{0,40}(role|message|prompt).{0,40}not (supported|allowed)/is,
  })

  const provider = providerOf(client)
  const whose = { [genAi.provider]: provider, ...serverOf(client.baseURL) }

  async function* stream(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatEvent, void, undefined> {
    const call = { client, model, signal }
    assertNoLease('the chat model')
    const traced = startChatSpan(model, request.maxTokens, whose)
    try {
      signal.throwIfAborted()
      const headers = traceHeaders(traced.span)
      const reply = await habits.call(learned =>
        client.chat.completions.create(paramsOf(model, request, learned), { signal, headers }).asResponse(),
      )
      yield* eventsOf(chunksOf(reply, spareBytes + request.maxTokens * bytesPerToken), request, signal, traced)
    } catch (error) {
      const told = toAskError(error, call)
      traced.failed(told)
      throw told
    } finally {
      traced.end()
    }
  }

  return { model, provider, stream }
}

function paramsOf(
  model: string,
  request: ChatRequest,
  learned: ReadonlySet<Habit>,
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

/** A stream that simply stops ends without a word, so whether the reply is whole is decided here: only a finish reason says so. */
async function* eventsOf(
  chunks: Chunks,
  { maxTokens }: ChatRequest,
  signal: AbortSignal,
  traced: ChatSpan,
): AsyncGenerator<ChatEvent, void, undefined> {
  let finishReason: string | null = null
  let usage: Usage | null = null
  let isEmpty = true
  let charactersLeft = Math.max(leastCharacters, maxTokens * charactersPerToken)
  const withoutThoughts = createReasoningFilter()
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    traced.heard(chunk)
    usage = usageOf(chunk) ?? usage
    // Azure begins, and usage ends, with a chunk that has no choice.
    const choice = chunk.choices?.[0]
    const said = saidIn(choice?.delta)
    charactersLeft -= said.length
    if (charactersLeft < 0) throw failed('The model did not end its reply.', undefined, 'garbage')
    const text = withoutThoughts(said)
    if (text !== '') {
      isEmpty = false
      yield { type: 'text', text }
    }
    finishReason = choice?.finish_reason ?? finishReason
  }
  signal.throwIfAborted()
  if (finishReason === null)
    throw failed('The model broke off its reply.', undefined, isEmpty ? 'garbage' : 'broken_off')
  if (isEmpty) throw emptyReply(finishReason)
  traced.whole(finishReason, usage)
  yield { type: 'end', finishReason, usage }
}

function saidIn(delta: ChatCompletionChunk.Choice.Delta | undefined): string {
  const said: unknown = delta?.content || delta?.refusal
  return typeof said === 'string' ? said : ''
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
    return new AskError('model_rejected', { detail: "The model API's content filter refused to answer." })
  }
  const cause =
    finishReason === 'length' ? ' It spent all its tokens before the first word; raise MAX_ANSWER_TOKENS.' : ''
  return failed(`The model replied with nothing.${cause}`, undefined, 'garbage')
}
