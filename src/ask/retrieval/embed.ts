import { isAskError, isOverBudget, loudness } from '../../errors.ts'
import type { Embedder } from './embedder.ts'
import type { Degraded } from '../terms/answer.ts'
import type { AnalyzedQuestion } from '../terms/question.ts'
import type { Run } from '../terms/run.ts'
import { canRead } from './weights.ts'

/** A bounded cache of vectors by text, in two tiers. Never rejects; a failure is a miss. */
export interface VectorCache {
  get(text: string): Promise<Float32Array | undefined>
  set(text: string, vector: Float32Array): void
}

/** `vector` is null for lexical search only; `degraded` says why, when that was not intended. */
export interface Embedded {
  readonly vector: Float32Array | null
  readonly degraded: readonly Degraded[]
}

/**
 * Embeds the question. No vector when the model cannot read the language; no vector, and degraded, when the model
 * fails or a budget is used up. A question longer than the model's limit is embedded by its start: what it asks is seldom at its end.
 */
export function embedWith(embedder: Embedder, cache: VectorCache) {
  return async ({ standalone, text: own, language }: AnalyzedQuestion, run: Run): Promise<Embedded> => {
    const text = standalone ?? own
    if (!canRead(embedder, language)) return { vector: null, degraded: [] }
    const cached = await cache.get(text)
    if (cached) return { vector: cached, degraded: [] }
    try {
      const [vector] = await embedder.embed([fitted(text, embedder)], run.signal, 'query', { payer: run.payer })
      if (!vector) return { vector: null, degraded: ['embeddings'] }
      cache.set(text, vector)
      return { vector, degraded: [] }
    } catch (error) {
      if (!isAskError(error) || !error.code.startsWith('model_')) throw error
      run.log[loudness(error)](
        { code: error.code, err: error.cause ?? error },
        'the question could not be embedded: using lexical search only',
      )
      return { vector: null, degraded: [isOverBudget(error) ? 'budget' : 'embeddings'] }
    }
  }
}

function fitted(text: string, embedder: Embedder): string {
  let fit = text
  while (embedder.countTokens(fit) > embedder.maxTokens) fit = fit.slice(0, Math.floor(fit.length * 0.8))
  return fit
}
