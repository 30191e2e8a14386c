import { mean } from './metrics.ts'

/** Vector weights that are tried: 0, .05, … 1. */
export const grid: readonly number[] = Array.from({ length: 21 }, (_, step) => step / 20)

/** nDCG@10 of each question, in the questions' order, when the vector arm has this weight. */
export type ScoresAt = (weight: number) => readonly number[]

export interface Choice {
  readonly weight: number
  /** Mean nDCG@10 at every weight of the grid. */
  readonly curve: readonly { readonly weight: number; readonly ndcg10: number }[]
  /**
   * Mean nDCG@10 on questions that had no part in choosing (five-fold cross-validation): what the way of choosing is
   * worth, and beside it the weight in use on the same questions.
   */
  readonly heldOut: { readonly chosen: number; readonly inUse: number }
}

const folds = 5

export function chooseWeight(scoresAt: ScoresAt, inUse: number): Choice {
  const columns = grid.map(scoresAt)
  const every = columns[0]?.map((_, question) => question) ?? []
  const heldOut = every.map(() => 0)
  for (let fold = 0; fold < folds; fold += 1) {
    const column = bestColumn(
      columns,
      every.filter(question => question % folds !== fold),
    )
    for (const question of every) if (question % folds === fold) heldOut[question] = columns[column]?.[question] ?? 0
  }
  return {
    weight: grid[bestColumn(columns, every)] ?? 0,
    curve: grid.map((weight, column) => ({ weight, ndcg10: mean(columns[column] ?? []) })),
    heldOut: { chosen: mean(heldOut), inUse: mean(scoresAt(inUse)) },
  }
}

/**
 * The smallest weight that is within one standard error of the best (the one-standard-error rule: Breiman, Friedman,
 * Olshen & Stone 1984), the error being that of the questions' differences: how hard a question is, all weights share.
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
  // One question alone makes a loss of exactly one standard error, but for rounding.
  return mean(losses) <= standardError(losses) * (1 + 1e-9)
}

function standardError(values: readonly number[]): number {
  const middle = mean(values)
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0)
  return values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1) / values.length)
}
