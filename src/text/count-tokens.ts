import { countTokens as countWith } from 'gpt-tokenizer/encoding/o200k_base'

/** Treats text such as `<|endoftext|>` in a document as plain text; by default the tokenizer throws on it. */
const asPlainText = { disallowedSpecial: new Set<string>() }

/**
 * The tokenizer merges pairs within one "word" in time quadratic in its length: 20,000 letters without a space cost up
 * to a second. Longer runs are therefore counted in slices.
 */
const longestRun = 128
const longRun = new RegExp(`\\S{${longestRun + 1},}|\\s{${longestRun + 1},}`, 'g')

/** Longer texts are counted in parts: runs of 20 million letters exhaust the stack of the regular expression. */
const longestText = 2 ** 20

/** Length of a text in tokens of the chat models (o200k_base). Exact, but slightly high for very long words. */
export function countTokens(text: string): number {
  let tokens = 0
  for (let at = 0; at < text.length;) {
    const end = wholeCharacter(text, at + longestText)
    tokens += countPart(text.slice(at, end))
    at = end
  }
  return tokens
}

function countPart(text: string): number {
  let tokens = 0
  let from = 0
  for (const run of text.matchAll(longRun)) {
    tokens += count(text.slice(from, run.index)) + countInSlices(run[0])
    from = run.index + run[0].length
  }
  return tokens + count(text.slice(from))
}

function countInSlices(run: string): number {
  let tokens = 0
  for (let at = 0; at < run.length;) {
    const end = wholeCharacter(run, at + longestRun)
    tokens += count(run.slice(at, end))
    at = end
  }
  return tokens
}

/** The offset, moved by one if it would split a surrogate pair. */
function wholeCharacter(text: string, offset: number): number {
  const code = text.charCodeAt(offset)
  return code >= 0xdc00 && code <= 0xdfff ? offset + 1 : offset
}

function count(text: string): number {
  return text === '' ? 0 : countWith(text, asPlainText)
}
