import { clamp, mean, shrunk, spreadOf, withoutHighOutliers } from './statistics.ts'
import type { SimilarityRange, Spread } from './terms.ts'

/** Similarities to the most similar text, one per question. */
export interface Similarities {
  /** Of questions that have nothing to do with the collection. */
  readonly far: readonly number[]
  /** Of questions that the collection answers. */
  readonly questions: readonly number[]
  /** Of its other headings and its sentences, each compared with what stands around it. */
  readonly statements: readonly number[]
  /** Distances between the most similar text and the fiftieth, of questions and statements. */
  readonly distances: readonly number[]
}

/** The two spreads that a range follows from. */
export interface Separation {
  readonly far: Spread
  readonly related: Spread
  readonly distance: number
}

/** As many measured questions weigh as much as what is known without them. */
const strength = 6
const languageStrength = 12

/**
 * Deviations of far questions that questions with an answer are above them, where nothing else is known: 3.4 to 5.3 with
 * three models on two collections.
 */
const usualDistance = 4.5
/** "Unrelated" is this many deviations above the mean far question. */
const farDeviations = 2
/** The least extent of a range, in deviations of far questions. Below it the model does not tell far from related. */
const leastExtent = 2.5
const leastDeviation = 0.005

/** Null without far questions: nothing shows where relation begins. */
export function separationOf(similarities: Similarities): Separation | null {
  const measured = spreadOf(withoutHighOutliers(similarities.far))
  if (measured === null) return null
  const far = { mean: measured.mean, deviation: Math.max(leastDeviation, measured.deviation) }
  const usual: Spread = { mean: far.mean + usualDistance * far.deviation, deviation: 1.5 * far.deviation }
  const related = relatedOf(similarities, usual, strength)
  const { distances } = similarities
  return { far, related, distance: distances.length > 0 ? mean(distances) : related.mean - far.mean }
}

/** The separation in one language, drawn towards that of all languages where it was measured on few questions. */
export function separationIn(similarities: Similarities, all: Separation): Separation {
  const { far, distances } = similarities
  const distance = { mean: all.distance, deviation: 0 }
  return {
    far: shrunk(spreadOf(withoutHighOutliers(far)), far.length, all.far, languageStrength),
    related: relatedOf(similarities, all.related, languageStrength),
    distance: shrunk(spreadOf(distances), distances.length, distance, languageStrength).mean,
  }
}

/**
 * A statement is no question: with one model it is nearer to its surroundings than a question is to its answer, with
 * another farther. So statements never count for more than what is known without them.
 */
function relatedOf({ questions, statements }: Similarities, known: Spread, least: number): Spread {
  const byStatements = shrunk(spreadOf(statements), statements.length, known, Math.max(least, statements.length))
  return shrunk(spreadOf(questions), questions.length, byStatements, least)
}

export function rangeOf({ far, related, distance }: Separation): SimilarityRange {
  const unrelated = far.mean + farDeviations * far.deviation
  const top = Math.min(related.mean + related.deviation, 0.99)
  return {
    unrelated: rounded(unrelated),
    related: rounded(Math.max(top, unrelated + leastExtent * far.deviation)),
    span: rounded(clamp(distance, leastDeviation, 2)),
  }
}

/** More digits than four would only make two measurements of the same look different. */
export function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
