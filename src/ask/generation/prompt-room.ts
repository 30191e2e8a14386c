/** Share of the time that is left for reading the prompt; writing the answer takes the rest. */
const readingShare = 0.5
/** The instructions, the question and the delimiters, in tokens. */
const tokensAround = 250
/** With fewer tokens of passages, quoted sentences are the better answer. */
const leastTokens = 200

/**
 * Tokens of passages that a prompt may have: `mostTokens`, or fewer where the model reads so slowly that its first word
 * would come too late. `tokensWithin`: how many the model reads in a time, in milliseconds.
 */
export function promptRoom(mostTokens: number, leftMs: number, tokensWithin: (ms: number) => number): number {
  const readable = tokensWithin(Math.max(0, leftMs) * readingShare) - tokensAround
  return Math.min(mostTokens, Math.max(leastTokens, readable))
}
