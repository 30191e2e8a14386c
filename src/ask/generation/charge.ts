import { isAskError } from '../../errors.ts'
import { countTokens } from '../../text/count-tokens.ts'
import type { Tokens } from '../terms.ts'
import type { Budgets } from './budgets.ts'
import type { ChatModel, ChatRequest } from './chat.ts'

const rejections: ReadonlySet<string> = new Set(['model_busy', 'model_rejected', 'model_unreachable'])

/** For the estimate before a call. English has more, other scripts about as many. */
const charactersPerToken = 3

/**
 * Charges each call of the model to the budgets that pay for it, and makes none once one of them is used up. A call
 * costs what the API reports. Where it reports nothing, or the reply broke off, the tokens are counted here.
 */
export function chargeChat(chat: ChatModel, budgets: Pick<Budgets, 'charge'>): ChatModel {
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
