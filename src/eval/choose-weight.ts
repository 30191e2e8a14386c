import { mean } from './metrics.ts'

/** Vector weights that are tried: 0, 0.05, … 1. */
export const grid: readonly number[] = Array.from({ length: 21 }, (_, step) => step / 20)

/** nDCG@10 of each question, in the order of the questions, when the dense retriever has this weight. */
export type ScoresAt = (weight: number) => readonly number[]

export interface Choice {
  readonly weight: number
  /** Mean nDCG@10 at every weight of the grid. */
  readonly curve: readonly { readonly weight: number; readonly ndcg10: number }[]
  /**
   * Mean nDCG@10 on held-out questions (five-fold cross-validation): of the chosen weights, and of the weight in use on
   * the same questions.
   */
  readonly heldOut: { readonly chosen: number; readonly inUse: number }
}

const folds = 5

export function chooseWeight(scoresAt: ScoresAt, inUse: number): Choice {
  const columns = grid.map(scoresAt)
  const allQuestions = columns[0]?.map((_, question) => question) ?? []
  const heldOut = allQuestions.map(() => 0)
  for (let fold = 0; fold < folds; fold += 1) {
    const column = bestColumn(
      columns,
      allQuestions.filter(question => question % folds !== fold),
    )
    for (const question of allQuestions)
      if (question % folds === fold) heldOut[question] = columns[column]?.[question] ?? 0
  }
  return {
    weight: grid[bestColumn(columns, allQuestions)] ?? 0,
    curve: grid.map((weight, column) => ({ weight, ndcg10: mean(columns[column] ?? []) })),
    heldOut: { chosen: mean(heldOut), inUse: mean(scoresAt(inUse)) },
  }
}

/**
 * The smallest weight within one standard error of the best (the one-standard-error rule: Breiman, Friedman, Olshen &
 * Stone 1984). The error is that of the per-question differences, because a question is equally hard for all weights.
 */
function bestColumn(columns: readonly (readonly number[])[], questions: readonly number[]): number {
  const scores = columns.map(column => questions.map(question => column[question] ?? 0))
  const best = scores.reduce((a, b) => (mean(b) > mean(a) ? b : a), scores[0] ?? [])
  return Math.max(
    0,
    scores.findIndex(each => isAsGood(each, best)),
  )
}

function isAsGood(scores: readonly number[], best: readonly number[]): boolean {
  const losses = best.map((score, question) => score - (scores[question] ?? 0))
  // If only one question differs, its loss is exactly one standard error, apart from rounding.
  return mean(losses) <= standardError(losses) * (1 + 1e-9)
}

function standardError(values: readonly number[]): number {
  const middle = mean(values)
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0)
  return values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1) / values.length)
}
