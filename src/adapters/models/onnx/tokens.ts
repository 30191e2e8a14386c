import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { plainText } from '../local/tokens.ts'
import { unusable } from './json.ts'
import { loadTransformers } from './library.ts'

export interface TokenCounter {
  /** Tokens of a text alone, its white space made plain; a first word may be counted one or two too low. */
  count(text: string): number
  /** Tokens that are put around every text: marks of its beginning and end. */
  readonly marks: number
}

/** Of counted words and their counts, in memory. */
const rememberedCharacters = 4_000_000

/**
 * Counts with the model's own tokenizer, without the model: at once and in this thread, because windows are cut by it.
 * Word by word, each remembered: with the 250,000 pieces of a multilingual vocabulary the tokenizer takes some 18 ms
 * for a window of 256 tokens, and windows are measured again and again while they are cut. What has no blanks between
 * its words (Chinese, Thai) is counted and remembered in longer runs.
 */
export async function openTokenCounter(folder: string): Promise<TokenCounter> {
  const { AutoTokenizer } = await loadTransformers()
  const tokenizer = await AutoTokenizer.from_pretrained(folder, { local_files_only: true }).catch((cause: unknown) => {
    throw unusable(join(folder, 'tokenizer.json'), 'is no tokenizer that can be read; fetch it anew', cause)
  })
  const counts = new LRUCache<string, number>({
    maxSize: rememberedCharacters,
    sizeCalculation: (_, word) => word.length + 16,
  })

  function countWord(word: string): number {
    const known = counts.get(word)
    if (known !== undefined) return known
    const tokens = tokenizer.tokenize(word).length
    counts.set(word, tokens)
    return tokens
  }

  return {
    // With its blank: to some tokenizers a word that begins a text is another one.
    count: text =>
      plainText(text)
        .split(' ')
        .reduce((sum, word) => (word === '' ? sum : sum + countWord(` ${word}`)), 0),
    marks: tokenizer.encode('a').length - tokenizer.tokenize('a').length,
  }
}
