import type { ChatRequest } from '../../ask/generation/chat.ts'
import type { IdleLimits } from '../../resilience/idle-timeout.ts'
import { createFirstWord, type FirstWord } from './first-word.ts'
import { createReadingPace, type ReadingPace } from './reading-pace.ts'

export interface ChatPatience {
  /** How long a reply is waited for. Learns from the reply. `isAlone`: no other call is in flight. */
  limitsFor(request: ChatRequest, isAlone: boolean): IdleLimits
  readonly firstWord: Pick<FirstWord, 'status'>
  readonly readingPace: Pick<ReadingPace, 'tokensWithin'>
}

/** `firstWordMs`: the longest wait for the first word, where the operator has set one; otherwise it is learned. */
export function createChatPatience(silenceMs: number, firstWordMs: number | undefined): ChatPatience {
  const firstWord = createFirstWord({ leastMs: silenceMs, fixedMs: firstWordMs })
  const readingPace = createReadingPace()
  return {
    firstWord,
    readingPace,
    limitsFor: (request, isAlone) => ({
      silenceMs,
      silenceBeforeMs: firstWord.limitMs(),
      ...(firstWordMs !== undefined && { firstItemMs: firstWordMs }),
      onBegun(ms, isCut) {
        firstWord.waited(ms, isCut)
        if (isAlone) readingPace.read(request, ms)
      },
    }),
  }
}
