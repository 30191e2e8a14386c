import { randomFrom, shuffled } from './random.ts'

export interface Sampling {
  /** At most this many questions per stratum. */
  readonly size: number
  readonly seed: number
}

/**
 * A stratified sample: at most `size` of each stratum, in their original order. The same seed takes the same questions,
 * and a larger size takes those of a smaller one and more.
 */
export function sample<T>(values: readonly T[], stratumOf: (value: T) => string, { size, seed }: Sampling): T[] {
  const strata = Map.groupBy(values.keys(), index => stratumOf(values[index]!))
  const taken = [...strata].flatMap(([, indexes]) => shuffled(indexes, randomFrom(seed)).slice(0, size))
  return taken.sort((a, b) => a - b).map(index => values[index]!)
}
