import type { ChatRequest } from '../../ask/generation/chat.ts'
import { countTokens } from '../../text/count-tokens.ts'

const latest = 10
const quantile = 0.75
/** Shorter waits say more about the network than about reading. */
const leastTokens = 200
/** Below this wait the tokens need not be counted exactly. */
const quickMs = 1000
const charactersPerToken = 4

/**
 * How fast a model reads its prompts, from the time until its first token. Only calls that were alone count: others wait
 * for their turn. A call that was given up shows that the model needs at least that long.
 */
export function createReadingPace() {
  let msPerToken: number[] = []

  function read(request: ChatRequest, ms: number): void {
    const texts = [request.system, ...request.messages.map(({ content }) => content)]
    const roughly = texts.reduce((sum, text) => sum + text.length, 0) / charactersPerToken
    const tokens = ms < quickMs ? roughly : texts.reduce((sum, text) => sum + countTokens(text), 0)
    if (tokens >= leastTokens) msPerToken = [...msPerToken, ms / tokens].slice(-latest)
  }

  /** Tokens that the model reads within this time; Infinity while its pace is unknown. */
  function tokensWithin(ms: number): number {
    const sorted = msPerToken.toSorted((a, b) => a - b)
    const usual = sorted[Math.ceil(quantile * sorted.length) - 1]
    return usual === undefined ? Infinity : Math.floor(ms / usual)
  }

  return { read, tokensWithin }
}

export type ReadingPace = ReturnType<typeof createReadingPace>
