import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { plainText } from '../local/tokens.ts'
import { unusable } from './json.ts'
import { loadTransformers } from './library.ts'

export interface TokenCounter {
  /**
   * Tokens of a text without special tokens, its white space collapsed. The first word may be counted one or two too
   * low.
   */
  count(text: string): number
  /** Special tokens that surround every text. */
  readonly marks: number
}

/** Size of the cache of counted words, in characters. */
const cachedCharacters = 4_000_000

/**
 * Counts with the model's own tokenizer, without the model. It is synchronous and in this thread, because windows are
 * cut by it.
 * Each word is counted separately and cached: with the 250,000 pieces of a multilingual vocabulary the tokenizer takes
 * some 18 ms for a window of 256 tokens, and windows are measured repeatedly while they are cut. Scripts without spaces
 * between words (Chinese, Thai) are counted and cached in longer runs.
 */
export async function openTokenCounter(folder: string): Promise<TokenCounter> {
  const { AutoTokenizer } = await loadTransformers('EMBEDDING_MODEL')
  const tokenizer = await AutoTokenizer.from_pretrained(folder, { local_files_only: true }).catch((cause: unknown) => {
    throw unusable(
      'EMBEDDING_MODEL',
      join(folder, 'tokenizer.json'),
      'is not a readable tokenizer; download it again',
      cause,
    )
  })
  const counts = new LRUCache<string, number>({
    maxSize: cachedCharacters,
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
    // Counted with its leading space: some tokenizers treat a word at the start of a text differently.
    count: text =>
      plainText(text)
        .split(' ')
        .reduce((sum, word) => (word === '' ? sum : sum + countWord(` ${word}`)), 0),
    marks: tokenizer.encode('a').length - tokenizer.tokenize('a').length,
  }
}
