import { isAskError, isOverBudget, loudness } from '../../errors.ts'
import type { Degraded, Passage, Run } from '../terms.ts'
import type { QuestionCall } from './embedder.ts'

export interface RerankCall extends QuestionCall {
  /** Called with the tokens that the API says it charges for, if it says so. */
  readonly onTokens?: (tokens: number) => void
}

/** The interface of every reranking model. */
export interface Reranker {
  readonly model: string
  /**
   * Scores how well each text answers the query: one number per text, in their order. Higher is better, on the model's
   * own scale. Rejects with an AskError (`model_*`), or the signal's reason.
   */
  score(query: string, texts: readonly string[], signal: AbortSignal, call?: RerankCall): Promise<readonly number[]>
}

export interface ToRerank {
  readonly query: string
  /** In search order. */
  readonly passages: readonly Passage[]
}

/** `degraded` when the reranker failed, or was too expensive, and the search order was kept. */
export interface Reranked {
  readonly passages: readonly Passage[]
  readonly degraded: readonly Degraded[]
}

/**
 * Reorders the first `candidates` passages by a model that reads question and passage together; the rest stays after
 * them. A reranker that fails changes nothing.
 */
export function rerankWith(reranker: Reranker, candidates: number) {
  return async ({ query, passages }: ToRerank, run: Run): Promise<Reranked> => {
    const [first, rest] = [passages.slice(0, candidates), passages.slice(candidates)]
    try {
      const scores = await reranker.score(query, first.map(textOf), run.signal, { payer: run.payer })
      const scored = first.map((passage, i) => ({ ...passage, scores: { ...passage.scores, rerank: scores[i]! } }))
      return { passages: [...scored.sort((a, b) => b.scores.rerank - a.scores.rerank), ...rest], degraded: [] }
    } catch (error) {
      if (!isAskError(error) || !error.code.startsWith('model_')) throw error
      run.log[loudness(error)](
        { code: error.code, detail: error.detail, err: error.cause ?? error },
        'reranking failed: passages keep the search order',
      )
      return { passages, degraded: [isOverBudget(error) ? 'budget' : 'rerank'] }
    }
  }
}

function textOf({ title, text, tableHeader }: Passage): string {
  const shown = tableHeader === undefined ? text : `${tableHeader}\n${text}`
  return title === '' ? shown : `${title}\n\n${shown}`
}
