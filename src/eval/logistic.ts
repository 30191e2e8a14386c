/** One row to learn from. */
export interface Observation {
  readonly values: readonly number[]
  readonly isPositive: boolean
  readonly weight: number
}

export interface Logistic {
  readonly bias: number
  readonly weights: readonly number[]
}

export interface FitOptions {
  /** Strength of the L2 penalty on the weights, not on the bias, per unit of total weight. */
  readonly penalty: number
  /** The sign that a weight may have; a value with the other one is left out. Any when 0 or absent. */
  readonly signs?: readonly (-1 | 0 | 1)[]
}

const maxSteps = 50
const precise = 1e-9

/**
 * Weighted logistic regression with an L2 penalty, by Newton's method: iteratively reweighted least squares (McCullagh &
 * Nelder 1989, ISBN 0-412-31760-5, section 4.4). Values should be standardised, since all have the same penalty. A weight
 * whose sign makes no sense comes from signals that say nearly the same: the one furthest off is left out, and the rest is
 * fitted again.
 */
export function fitLogistic(rows: readonly Observation[], { penalty, signs = [] }: FitOptions): Logistic {
  const width = rows[0]?.values.length ?? 0
  const used = new Set(Array.from({ length: width }, (_, i) => i))
  for (;;) {
    const columns = [...used]
    const fitted = newton(rows, columns, penalty)
    const wrong = columns
      .map((column, i) => ({ column, excess: -(signs[column] ?? 0) * fitted[i + 1]! }))
      .filter(({ excess }) => excess > 0)
      .sort((a, b) => b.excess - a.excess)[0]
    if (!wrong) {
      const weights = Array.from({ length: width }, () => 0)
      for (const [i, column] of columns.entries()) weights[column] = fitted[i + 1]!
      return { bias: fitted[0] ?? 0, weights }
    }
    used.delete(wrong.column)
  }
}

export function probabilityOf({ bias, weights }: Logistic, values: readonly number[]): number {
  return sigmoid(weights.reduce((sum, weight, i) => sum + weight * values[i]!, bias))
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}

/** The bias, then the weights of the columns. */
function newton(rows: readonly Observation[], columns: readonly number[], penalty: number): number[] {
  const total = rows.reduce((sum, { weight }) => sum + weight, 0)
  const size = columns.length + 1
  const beta = Array.from({ length: size }, () => 0)
  for (let step = 0; step < maxSteps; step++) {
    const gradient = beta.map((value, i) => (i === 0 ? 0 : -penalty * total * value))
    const hessian = beta.map((_, i) => beta.map((__, j) => (i === j ? (i === 0 ? precise : penalty * total) : 0)))
    for (const { values, isPositive, weight } of rows) {
      const x = [1, ...columns.map(column => values[column]!)]
      const p = sigmoid(x.reduce((sum, value, i) => sum + value * beta[i]!, 0))
      const [error, curvature] = [weight * ((isPositive ? 1 : 0) - p), weight * p * (1 - p)]
      for (let i = 0; i < size; i++) {
        gradient[i]! += error * x[i]!
        for (let j = 0; j < size; j++) hessian[i]![j]! += curvature * x[i]! * x[j]!
      }
    }
    const change = solve(hessian, gradient)
    for (let i = 0; i < size; i++) beta[i]! += change[i]!
    if (Math.max(...change.map(Math.abs)) < precise) break
  }
  return beta
}

/** Gaussian elimination with partial pivoting. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!])
  const size = rows.length
  for (let column = 0; column < size; column++) {
    let pivot = column
    for (let i = column + 1; i < size; i++) if (Math.abs(rows[i]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = i
    ;[rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!]
    const head = rows[column]!
    const lead = head[column]!
    for (let i = column + 1; i < size; i++) {
      const below = rows[i]![column]!
      const factor = below / lead
      for (let j = column; j <= size; j++) rows[i]![j]! -= factor * head[j]!
    }
  }
  const solution = Array.from({ length: size }, () => 0)
  for (let i = size - 1; i >= 0; i--) {
    const rest = rows[i]!.slice(i + 1, size).reduce((sum, value, k) => sum + value * solution[i + 1 + k]!, 0)
    const lead = rows[i]![i]!
    solution[i] = (rows[i]![size]! - rest) / lead
  }
  return solution
}
