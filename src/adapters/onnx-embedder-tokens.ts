import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { unusable } from './onnx-embedder-json.ts'
import { loadTransformers } from './onnx-embedder-library.ts'

export interface TokenCounter {
  /** Tokens of a text alone. */
  count(text: string): number
  /** Tokens that are put around every text: marks of its beginning and end. */
  readonly marks: number
}

/** Longer texts are seldom counted twice. */
const longestRemembered = 4000

/**
 * The model's own tokenizer, without the model: at once and in this thread, because windows are cut by it. It costs a
 * tenth of a millisecond a window; windows are measured several times on their way, so counts are remembered.
 */
export async function openTokenCounter(folder: string): Promise<TokenCounter> {
  const { AutoTokenizer } = await loadTransformers()
  const tokenizer = await AutoTokenizer.from_pretrained(folder, { local_files_only: true }).catch((cause: unknown) => {
    throw unusable(join(folder, 'tokenizer.json'), 'is no tokenizer that can be read; fetch it anew', cause)
  })
  const counts = new LRUCache<string, number>({ max: 5000 })

  function count(text: string): number {
    const known = counts.get(text)
    if (known !== undefined) return known
    const tokens = tokenizer.tokenize(text).length
    if (text.length <= longestRemembered) counts.set(text, tokens)
    return tokens
  }

  return { count, marks: tokenizer.encode('a').length - count('a') }
}
