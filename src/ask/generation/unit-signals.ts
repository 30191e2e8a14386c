import type { Passage, Unit } from '../terms.ts'
import type { PassageSentence } from './passage-sentences.ts'

/** Standard deviations above the mean at which a sentence is as near as any can be. */
const nearest = 3

export interface UnitSignals {
  readonly isReranked: boolean
  /** Of each sentence. */
  readonly signals: readonly number[]
}

/**
 * How near each sentence is to the question, compared with all others of the passages: 0 for an average one, 1 for one
 * that is far above. By the reranker's scores where it read them, else by the similarity of the units' vectors. What a
 * similarity means differs from model to model and from question to question, so only the distribution counts. Null
 * where the passages have no units.
 */
export function unitSignals(all: readonly PassageSentence[], passages: readonly Passage[]): UnitSignals | null {
  if (passages.every(({ units = [] }) => units.length === 0)) return null
  const units = unitOfEach(all, passages)
  const similarities = standardized(units.map(unit => unit?.similarity ?? null))
  const reranks = standardized(units.map(unit => (unit?.rerank === undefined ? null : logit(unit.rerank))))
  const isReranked = reranks.some(each => each !== null)
  return { isReranked, signals: similarities.map((each, i) => reranks[i] ?? each ?? 0) }
}

/** The most similar unit that overlaps each sentence. */
function unitOfEach(all: readonly PassageSentence[], passages: readonly Passage[]): (Unit | undefined)[] {
  let [passageIndex, next] = [-1, 0]
  return all.map(sentence => {
    if (sentence.passageIndex !== passageIndex) [passageIndex, next] = [sentence.passageIndex, 0]
    const { start: offset, units = [] } = passages[passageIndex]!
    const [start, end] = [offset + sentence.start, offset + sentence.end]
    while (next < units.length && units[next]!.end <= start) next++
    let best: Unit | undefined
    for (let i = next; i < units.length && units[i]!.start < end; i++)
      if (best === undefined || nearnessOf(units[i]!) > nearnessOf(best)) best = units[i]
    return best
  })
}

/** By vector, else by the reranker, where it has none. */
function nearnessOf({ similarity, rerank = -Infinity }: Unit): number {
  return similarity ?? rerank
}

function standardized(values: readonly (number | null)[]): (number | null)[] {
  const known = values.filter(value => value !== null)
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  const deviation = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length)
  return values.map(value => (value === null || !(deviation > 0) ? null : (value - mean) / deviation / nearest))
}

/** Scores between 0 and 1 are probabilities, whose differences at either end are as large as those in the middle. */
function logit(score: number): number {
  return score > 0 && score < 1 ? Math.log(score / (1 - score)) : score
}
