import type { Asked } from './ask-all.ts'
import { mean, ndcg, percentile, recall, reciprocalRank } from './metrics.ts'

/** What one arm is worth: means over the answerable questions, 0…1, and the time of all questions. */
export interface Figures {
  readonly questions: number
  readonly ndcg10: number
  readonly recall5: number
  readonly recall10: number
  readonly mrr10: number
  /** Questions to which nothing at all was found. */
  readonly empty: number
  readonly p50Ms: number
  readonly p95Ms: number
}

/** Whether "I can't find that" is said when it should be. Null where no question is of that kind. */
export interface Abstention {
  /** Share of the answerable questions that are answered. */
  readonly answered: number | null
  readonly unanswerable: number
  /** Share of the unanswerable ones that are not. */
  readonly refused: number | null
}

export function figuresOf(asked: readonly Asked[]): Figures {
  const answerable = asked.filter(each => each.question.isAnswerable)
  const times = asked.map(each => each.ms)
  const average = (
    figure: (ranked: readonly string[], judged: Asked['question']['judged'], depth: number) => number,
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

export function abstentionOf(asked: readonly Asked[]): Abstention {
  const answerable = asked.filter(each => each.question.isAnswerable)
  const unanswerable = asked.filter(each => !each.question.isAnswerable)
  return {
    answered: shareOf(answerable, each => each.isNear),
    unanswerable: unanswerable.length,
    refused: shareOf(unanswerable, each => !each.isNear),
  }
}

function shareOf(asked: readonly Asked[], holds: (asked: Asked) => boolean): number | null {
  return asked.length === 0 ? null : asked.filter(holds).length / asked.length
}
