import { setTimeout as sleep } from 'node:timers/promises'
import { answerFrom } from './answer.ts'
import type { Behaviour } from './behaviour.ts'
import type { Exchange } from './exchange.ts'

/** POST /v1/chat/completions, as a whole reply or as a stream of tokens. */

export interface ChatMessage {
  readonly role: string
  readonly content: string | readonly { readonly type: string; readonly text?: string }[] | null
}

export interface ChatRequest {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
  readonly max_tokens?: number
  readonly max_completion_tokens?: number
}

const refusal = "I'm sorry, I can't help with that."

export async function chat(exchange: Exchange, request: ChatRequest, behaviour: Behaviour): Promise<void> {
  if (!Array.isArray(request.messages)) return exchange.fail(400, "'messages' is a required property")
  const draft = draftFor(request, behaviour)
  if (request.stream === true) await stream(exchange, request, draft, behaviour)
  else await whole(exchange, request, draft, behaviour)
}

interface Draft {
  readonly tokens: readonly string[]
  /** Field of the message that contains the text. */
  readonly field: 'content' | 'refusal'
  readonly finish: 'stop' | 'length'
}

function draftFor(request: ChatRequest, behaviour: Behaviour): Draft {
  if (behaviour.refuse === true) return { tokens: tokensOf(refusal), field: 'refusal', finish: 'stop' }
  const tokens = tokensOf(wordsFor(request, behaviour))
  const limit = request.max_completion_tokens ?? request.max_tokens ?? Infinity
  return { tokens: tokens.slice(0, limit), field: 'content', finish: tokens.length > limit ? 'length' : 'stop' }
}

function wordsFor(request: ChatRequest, { answer }: Behaviour): string {
  if (typeof answer === 'function') return answer(request)
  return answer ?? answerFrom(promptOf(request))
}

/** All messages to the model, in order. */
export function promptOf(request: ChatRequest): string {
  return request.messages.map(({ content }) => textOf(content)).join('\n\n')
}

function textOf(content: ChatMessage['content']): string {
  if (content === null || typeof content === 'string') return content ?? ''
  return content.map(part => part.text ?? '').join('')
}

/** Words with the space before them, which are close enough to real tokens. */
function tokensOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? []
}

async function whole(exchange: Exchange, request: ChatRequest, draft: Draft, behaviour: Behaviour): Promise<void> {
  const { signal } = exchange
  await sleep((behaviour.firstTokenMs ?? 0) + (behaviour.perTokenMs ?? 0) * draft.tokens.length, undefined, { signal })
  if (behaviour.stallAfterTokens !== undefined) return
  const message = { role: 'assistant', content: null, refusal: null, [draft.field]: draft.tokens.join('') }
  const body = {
    ...envelope(request, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: draft.finish }],
    usage: usageOf(request, draft.tokens.length),
  }
  if (behaviour.cutAfterTokens !== undefined) return exchange.cut(JSON.stringify(body))
  exchange.json(200, body)
}

async function stream(exchange: Exchange, request: ChatRequest, draft: Draft, behaviour: Behaviour): Promise<void> {
  const chunk = (delta: object, finish: string | null = null) => ({
    ...envelope(request, 'chat.completion.chunk'),
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  })
  exchange.openStream()
  exchange.event(chunk({ role: 'assistant', content: '' }))
  await sleep(behaviour.firstTokenMs ?? 0, undefined, { signal: exchange.signal })
  for (const [at, token] of draft.tokens.entries()) {
    if (at === behaviour.cutAfterTokens) return exchange.cut()
    if (at === behaviour.stallAfterTokens) return
    if (at === behaviour.heldAfterTokens) await behaviour.held
    if (at > 0 && behaviour.isInOneGo !== true) await pause(exchange, behaviour)
    exchange.event(chunk({ [draft.field]: token }))
  }
  exchange.event(chunk({}, draft.finish))
  if (request.stream_options?.include_usage === true) {
    exchange.event({ ...chunk({}), choices: [], usage: usageOf(request, draft.tokens.length) })
  }
  exchange.endStream()
}

/** Yields even without a delay, so that tokens are sent one by one and a disconnect is noticed in between. */
async function pause(exchange: Exchange, { perTokenMs }: Behaviour): Promise<void> {
  await sleep(perTokenMs ?? 0, undefined, { signal: exchange.signal })
}

function envelope(request: ChatRequest, object: string): object {
  return { id: 'chatcmpl-test', object, created: Math.floor(Date.now() / 1000), model: request.model }
}

function usageOf(request: ChatRequest, completionTokens: number): object {
  const promptTokens = tokensOf(promptOf(request)).length
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  }
}
