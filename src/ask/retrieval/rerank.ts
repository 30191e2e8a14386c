import { isAskError, loudness } from '../../errors.ts'
import type { Passage, Run } from '../terms.ts'

/** The interface of every reranking model. */
export interface Reranker {
  readonly model: string
  /**
   * Scores how well each text answers the query: one number per text, in their order. Higher is better, on the model's
   * own scale. Rejects with an AskError (`model_*`), or the signal's reason.
   */
  score(query: string, texts: readonly string[], signal: AbortSignal): Promise<readonly number[]>
}

export interface ToRerank {
  readonly query: string
  /** In search order. */
  readonly passages: readonly Passage[]
}

/** `isDegraded` when the reranker failed and the search order was kept. */
export interface Reranked {
  readonly passages: readonly Passage[]
  readonly isDegraded: boolean
}

/**
 * Reorders the first `candidates` passages by a model that reads question and passage together; the rest stays after
 * them. A reranker that fails changes nothing.
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
