import type { Passage } from '../terms/passage.ts'
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
  const compared = unitScores(all, passages)
  const similarities = standardized(compared.map(({ similarity }) => similarity))
  const reranks = standardized(onOneScale(compared.map(({ rerank }) => rerank)))
  const lowest = reranks.reduce<number>((low, each) => Math.min(low, each ?? low), Infinity)
  const isReranked = lowest < Infinity
  // The reranker read the most promising ones: what it did not read is no better than the worst of them.
  const unread = (similarity: number | null) =>
    isReranked ? Math.min(lowest, similarity ?? lowest) : (similarity ?? 0)
  return { isReranked, signals: similarities.map((each, i) => reranks[i] ?? unread(each)) }
}

type Compared = Readonly<Record<'similarity' | 'rerank', number | null>>

/** The best scores of the units that overlap each sentence: a unit may be two of them, or a part of a long one. */
function unitScores(all: readonly PassageSentence[], passages: readonly Passage[]): Compared[] {
  let [passageIndex, next] = [-1, 0]
  return all.map(sentence => {
    if (sentence.passageIndex !== passageIndex) [passageIndex, next] = [sentence.passageIndex, 0]
    const { start: offset, units = [] } = passages[passageIndex]!
    const [start, end] = [offset + sentence.start, offset + sentence.end]
    while (next < units.length && units[next]!.end <= start) next++
    let [similarity, rerank] = [-Infinity, -Infinity]
    for (let i = next; i < units.length && units[i]!.start < end; i++) {
      similarity = Math.max(similarity, units[i]!.similarity ?? -Infinity)
      rerank = Math.max(rerank, units[i]!.rerank ?? -Infinity)
    }
    return { similarity: known(similarity), rerank: known(rerank) }
  })
}

function known(value: number): number | null {
  return value === -Infinity ? null : value
}

/** Standard deviations above the mean, in shares of {@link nearest}; all null where they do not differ. */
function standardized(values: readonly (number | null)[]): (number | null)[] {
  const compared = values.filter(value => value !== null)
  const mean = compared.reduce((sum, value) => sum + value, 0) / compared.length
  const deviation = Math.sqrt(compared.reduce((sum, value) => sum + (value - mean) ** 2, 0) / compared.length)
  return values.map(value => (value === null || !(deviation > 0) ? null : (value - mean) / deviation / nearest))
}

const certain = 1e-6

/** Probabilities as log-odds: their differences at either end are as large as those in the middle. */
function onOneScale(scores: readonly (number | null)[]): (number | null)[] {
  const areProbabilities = scores.every(score => score === null || (score >= 0 && score <= 1))
  if (!areProbabilities) return [...scores]
  return scores.map(score => {
    if (score === null) return null
    const inside = Math.min(1 - certain, Math.max(certain, score))
    return Math.log(inside / (1 - inside))
  })
}
