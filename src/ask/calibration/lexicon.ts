/** Words of sampled chunks, to tell how much of a chunk's BM25 score its other sentences earn. */
export interface Lexicon {
  /**
   * The share of the BM25 score that a chunk keeps for these words when it consists of `left` instead of `whole`, and
   * the same of the idf that it covers. Both 0…1.
   */
  kept(words: readonly string[], whole: readonly string[], left: readonly string[]): { score: number; coverage: number }
}

/** As in bm25-search.ts. */
const k1 = 1.2
const b = 0.75

/** `chunks`: the terms of each, with repeats. */
export function lexiconOf(chunks: readonly (readonly string[])[]): Lexicon {
  const counts = new Map<string, number>()
  for (const terms of chunks) for (const term of new Set(terms)) counts.set(term, (counts.get(term) ?? 0) + 1)
  const average = chunks.reduce((sum, terms) => sum + terms.length, 0) / Math.max(1, chunks.length) || 1

  function idf(term: string): number {
    const count = Math.min(chunks.length, counts.get(term) ?? 0)
    return Math.log(1 + (chunks.length - count + 0.5) / (count + 0.5))
  }

  function scored(words: readonly string[], terms: readonly string[]): { score: number; coverage: number } {
    const frequency = new Map<string, number>()
    for (const term of terms) frequency.set(term, (frequency.get(term) ?? 0) + 1)
    const slowness = k1 * (1 - b + (b * terms.length) / average)
    let [score, coverage] = [0, 0]
    for (const word of words) {
      const count = frequency.get(word) ?? 0
      score += (idf(word) * (k1 + 1) * count) / (count + slowness)
      if (count > 0) coverage += idf(word)
    }
    return { score, coverage }
  }

  return {
    kept(words, whole, left) {
      const [before, after] = [scored(words, whole), scored(words, left)]
      return {
        score: before.score > 0 ? Math.min(1, after.score / before.score) : 0,
        coverage: before.coverage > 0 ? Math.min(1, after.coverage / before.coverage) : 0,
      }
    },
  }
}
