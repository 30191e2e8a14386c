import type { TokenCounting } from '../../ask/retrieval/embedder.ts'

/** Counts as an embedder with this `counting` does, without its model. Loads what that takes, and nothing else. */
export async function openCounting(counting: TokenCounting): Promise<(text: string) => number> {
  if (counting === 'api') return (await import('./openai/tokens.ts')).countTokens
  if (counting === 'local') {
    const { createTokenCounter, readVocabulary } = await import('./local/tokens.ts')
    return createTokenCounter(readVocabulary())
  }
  const { openTokenCounter } = await import('./onnx/tokens.ts')
  return (await openTokenCounter(counting.onnx)).count
}
