import { isAskError } from '../../errors.ts'
import { countTokens } from '../../text/count-tokens.ts'
import type { Embedder, QuestionCall } from '../retrieval/embedder.ts'
import type { Reranker } from '../retrieval/rerank.ts'
import type { Tokens } from '../terms/usage.ts'
import type { Budgets } from './budgets.ts'
import type { ChatModel, ChatRequest } from './chat.ts'

type Charging = Pick<Budgets, 'charge'>

const rejections: ReadonlySet<string> = new Set(['model_busy', 'model_rejected', 'model_unreachable'])

/** For the estimate before a call. English has more, other scripts about as many. */
const charactersPerToken = 3

/**
 * Charges each call of the model to the budgets that pay for it, and makes none once one of them is used up. A call
 * costs what the API reports. Where it reports nothing, or the reply broke off, the tokens are counted here.
 */
export function chargeChat(chat: ChatModel, budgets: Charging): ChatModel {
  async function* stream(
    ...[request, signal, urgency]: Parameters<ChatModel['stream']>
  ): ReturnType<ChatModel['stream']> & AsyncGenerator {
    const charge = await budgets.charge(urgency?.payer ?? {}, estimateOf(request))
    if (!charge) return yield* chat.stream(request, signal, urgency)
    const pieces: string[] = []
    let used: Tokens | null = null
    let isSent = false
    let failure: unknown
    try {
      signal.throwIfAborted()
      const call = { deadline: Infinity, ...urgency, onSent: () => void (isSent = true) }
      for await (const event of chat.stream(request, signal, call)) {
        if (event.type === 'text') pieces.push(event.text)
        else if (event.usage && event.usage.promptTokens > 0) used = event.usage
        yield event
      }
    } catch (error) {
      failure = error
      throw error
    } finally {
      charge.settle(used ?? (isSent && !isRejection(failure) ? counted(request, pieces) : nothing))
    }
  }
  return { ...chat, stream }
}

function textOf({ system, messages }: ChatRequest): string {
  return [system, ...messages.map(({ content }) => content)].join('\n')
}

function estimateOf(request: ChatRequest): Tokens {
  return {
    promptTokens: Math.ceil(textOf(request).length / charactersPerToken),
    completionTokens: request.maxTokens,
  }
}

const nothing: Tokens = { promptTokens: 0, completionTokens: 0 }

/** A call that timed out, or whose caller left, may cost its prompt although it wrote nothing. */
function counted(request: ChatRequest, pieces: readonly string[]): Tokens {
  return { promptTokens: countTokens(textOf(request)), completionTokens: countTokens(pieces.join('')) }
}

/** The API answered with an error status, or not at all: no provider charges for that. */
function isRejection(failure: unknown): boolean {
  if (!isAskError(failure)) return false
  const { code, kind } = failure
  return (code === 'model_failed' && kind === undefined) || rejections.has(code)
}

export interface EmbeddingPrice {
  /** Per million tokens. */
  readonly perMillion: number
  /** Tokens that the API is sent for a question. */
  readonly tokensOf: (text: string) => number
}

/** Charges the embedding of questions. That of documents is announced before a load instead, and has no budget. */
export function chargeEmbedder(embedder: Embedder, price: EmbeddingPrice, budgets: Charging): Embedder {
  async function embed(...[texts, signal, kind, call]: Parameters<Embedder['embed']>): Promise<Float32Array[]> {
    if (!call || kind !== 'query') return await embedder.embed(texts, signal, kind, call)
    const tokens = texts.reduce((sum, text) => sum + price.tokensOf(text), 0)
    return await chargeCall(budgets, { call, signal, cost: () => (tokens * price.perMillion) / 1e6 }, onSent =>
      embedder.embed(texts, signal, kind, { ...call, onSent }),
    )
  }
  return { ...embedder, embed }
}

export interface RerankPrice {
  /** Per million tokens, as Jina and Voyage charge. */
  readonly perMillion: number
  /** Per call, as Cohere charges. */
  readonly perCall: number
}

/** Charges reranking: at the tokens that the API reports, otherwise at those that it is sent. */
export function chargeReranker(reranker: Reranker, { perMillion, perCall }: RerankPrice, budgets: Charging): Reranker {
  async function score(...[query, texts, signal, call = {}]: Parameters<Reranker['score']>) {
    // Each text is read together with the query. They are many: counting their tokens would block the process.
    const characters = texts.reduce((sum, text) => sum + query.length + text.length, 0)
    let tokens = Math.ceil(characters / charactersPerToken)
    const cost = () => perCall + (tokens * perMillion) / 1e6
    return await chargeCall(budgets, { call, signal, cost }, onSent =>
      reranker.score(query, texts, signal, { ...call, onSent, onTokens: reported => void (tokens = reported) }),
    )
  }
  return { ...reranker, score }
}

interface PaidCall {
  readonly call: QuestionCall
  readonly signal: AbortSignal
  /** In the currency of the prices; of one request. It may be known better once there is a reply. */
  readonly cost: () => number
}

/** Each request that is sent costs its price, except one that was rejected. */
async function chargeCall<T>(
  budgets: Charging,
  { call, signal, cost }: PaidCall,
  work: (onSent: () => void) => Promise<T>,
): Promise<T> {
  const billionths = () => Math.ceil(cost() * 1e9)
  const charge = await budgets.charge(call.payer ?? {}, { otherCost: billionths() })
  let sent = 0
  try {
    signal.throwIfAborted()
    return await work(() => void (sent += 1))
  } catch (error) {
    if (isRejection(error)) sent = 0
    throw error
  } finally {
    charge?.settle({ otherCost: sent * billionths() })
  }
}
