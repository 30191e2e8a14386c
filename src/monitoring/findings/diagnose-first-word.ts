import type { FirstWordFacts } from './facts.ts'
import { counted, inSeconds, type Finding } from './findings.ts'

/** A model that usually needs less than this share of the least limit was silent for another reason than its speed. */
const slowShare = 0.5

/**
 * A language model that is slow to begin, as one on a processor, which reads prompts slowly. `isFailing`: another finding
 * says that it fails.
 */
export function diagnoseFirstWord(firstWord: FirstWordFacts | null, isFailing: boolean): Finding[] {
  if (firstWord === null) return []
  return [...(isLate(firstWord, isFailing) ? [lateWord(firstWord)] : []), ...shrunkPrompts(firstWord)]
}

function isLate({ cut, usualMs, leastMs }: FirstWordFacts, isFailing: boolean): boolean {
  if (cut === 0) return false
  return usualMs === null ? !isFailing : usualMs >= slowShare * leastMs
}

function lateWord({ cut, calls, usualMs, limitMs, isFixed }: FirstWordFacts): Finding {
  const usual = usualMs === null ? 'It has not begun an answer yet' : `It usually needs ${inSeconds(usualMs)}`
  const advice = isFixed
    ? 'raise MODEL_FIRST_WORD_MS, and REQUEST_TIMEOUT_MS if answers need longer'
    : 'set MODEL_FIRST_WORD_MS, and REQUEST_TIMEOUT_MS, to more than it needs'
  return {
    culprit: 'chat',
    severity: 'warning',
    code: 'chat-first-word-late',
    detail: `The language model did not begin ${cut} of ${counted(calls, 'answer')} in time in the last 10 min, so quoted sentences took their place. ${usual}, and is waited for ${inSeconds(limitMs)}: ${advice}; or lower PROMPT_TOKENS, so that it has less to read.`,
  }
}

function shrunkPrompts({ promptTokens, mostPromptTokens }: FirstWordFacts): Finding[] {
  if (promptTokens >= mostPromptTokens) return []
  return [
    {
      culprit: 'chat',
      severity: 'info',
      code: 'chat-prompts-shrunk',
      detail: `The language model reads so slowly that prompts have at most ${promptTokens} tokens of passages instead of PROMPT_TOKENS=${mostPromptTokens}, so that its first word comes in time; use a faster model or server, or raise REQUEST_TIMEOUT_MS.`,
    },
  ]
}
