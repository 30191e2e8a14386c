import type { TokenCounting } from '../../ask/retrieval/embedder.ts'

/** Opens the token counter of an embedder with this `counting`, without loading its model. */
export async function openCounting(counting: TokenCounting): Promise<(text: string) => number> {
  if (counting === 'api') return (await import('./openai/tokens.ts')).countTokens
  if (counting === 'local') {
    const { createTokenCounter, readVocabulary } = await import('./local/tokens.ts')
    return createTokenCounter(readVocabulary())
  }
  const { openTokenCounter } = await import('./onnx/tokens.ts')
  return (await openTokenCounter(counting.onnx)).count
}
