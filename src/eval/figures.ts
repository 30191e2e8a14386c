import type { QuestionResult } from './ask-all.ts'
import { mean, ndcg, percentile, recall, reciprocalRank } from './metrics.ts'

/** Quality of one retriever as means over the answerable questions (0…1), and latency over all questions. */
export interface Figures {
  readonly questions: number
  readonly ndcg10: number
  readonly recall5: number
  readonly recall10: number
  readonly mrr10: number
  /** Questions without any result. */
  readonly empty: number
  readonly p50Ms: number
  readonly p95Ms: number
}

/** How often the service abstains when it should. A share is null when the set has no question of that kind. */
export interface Abstention {
  /** Share of the answerable questions that are answered. */
  readonly answered: number | null
  readonly unanswerable: number
  /** Share of the unanswerable questions that are not answered. */
  readonly refused: number | null
}

export function figuresOf(results: readonly QuestionResult[]): Figures {
  const answerable = results.filter(each => each.question.isAnswerable)
  const times = results.map(each => each.ms)
  const average = (
    figure: (ranked: readonly string[], judged: QuestionResult['question']['judged'], depth: number) => number,
    depth: number,
  ) => mean(answerable.map(({ ranked, question }) => figure(ranked, question.judged, depth)))
  return {
    questions: answerable.length,
    ndcg10: average(ndcg, 10),
    recall5: average(recall, 5),
    recall10: average(recall, 10),
    mrr10: average(reciprocalRank, 10),
    empty: answerable.filter(each => each.ranked.length === 0).length,
    p50Ms: percentile(times, 0.5),
    p95Ms: percentile(times, 0.95),
  }
}

export function abstentionOf(results: readonly QuestionResult[]): Abstention {
  const answerable = results.filter(each => each.question.isAnswerable)
  const unanswerable = results.filter(each => !each.question.isAnswerable)
  return {
    answered: shareOf(answerable, each => each.isRelevant),
    unanswerable: unanswerable.length,
    refused: shareOf(unanswerable, each => !each.isRelevant),
  }
}

function shareOf(results: readonly QuestionResult[], matches: (result: QuestionResult) => boolean): number | null {
  return results.length === 0 ? null : results.filter(matches).length / results.length
}
