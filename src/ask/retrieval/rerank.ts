import { isAskError, loudness } from '../../errors.ts'
import type { Passage, Run } from '../terms.ts'

/** What every reranking model looks like to us. */
export interface Reranker {
  readonly model: string
  /**
   * How well each text answers the query: a number a text, in their order, more is better; the scale is the model's
   * own. Rejects with an AskError (`model_*`), or the signal's reason.
   */
  score(query: string, texts: readonly string[], signal: AbortSignal): Promise<readonly number[]>
}

export interface ToRerank {
  readonly query: string
  /** In the order of the search. */
  readonly passages: readonly Passage[]
}

/** `isDegraded`: still in the order of the search, because the reranker failed. */
export interface Reranked {
  readonly passages: readonly Passage[]
  readonly isDegraded: boolean
}

/**
 * Orders the first `candidates` passages anew, by a model that reads question and passage together; what comes behind
 * them stays behind. A reranker that fails changes nothing.
 */
export function rerankWith(reranker: Reranker, candidates: number) {
  return async ({ query, passages }: ToRerank, run: Run): Promise<Reranked> => {
    const [first, rest] = [passages.slice(0, candidates), passages.slice(candidates)]
    try {
      const scores = await reranker.score(query, first.map(textOf), run.signal)
      const scored = first.map((passage, i) => ({ ...passage, scores: { ...passage.scores, rerank: scores[i]! } }))
      return { passages: [...scored.sort((a, b) => b.scores.rerank - a.scores.rerank), ...rest], isDegraded: false }
    } catch (error) {
      if (!isAskError(error) || !error.code.startsWith('model_')) throw error
      run.log[loudness(error)](
        { code: error.code, detail: error.detail, err: error.cause ?? error },
        'reranking failed: passages keep the search order',
      )
      return { passages, isDegraded: true }
    }
  }
}

function textOf({ title, text }: Passage): string {
  return title === '' ? text : `${title}\n\n${text}`
}
