import { dot } from './languages.ts'
import { shrunk, spreadOf, withoutHighOutliers } from './statistics.ts'
import type { SimilarityRange, Spread } from './terms.ts'

/** Similarities to the most similar text, one per question. */
export interface Similarities {
  /** Of questions that have nothing to do with the collection. */
  readonly far: readonly number[]
  /** Of questions that the collection answers. */
  readonly questions: readonly number[]
  /** Of its other headings and its sentences, each compared with what stands around it. */
  readonly statements: readonly number[]
}

/** The two spreads that a range follows from. */
export interface Separation {
  readonly far: Spread
  readonly related: Spread
}

/** As many measured questions weigh as much as what is known without them. */
const strength = 6
const languageStrength = 12

/**
 * Deviations of far questions that questions with an answer are above them, where nothing else is known: 3.4 to 5.3 with
 * three models on two collections.
 */
const usualDistance = 4.5
/** "Unrelated" is this many deviations above the mean far question, "related" above the mean question with an answer. */
const farDeviations = 2
const relatedDeviations = 1.5
/**
 * The span as a share of the distance between far questions and "related". Measured distances between the first and the
 * fiftieth passage of questions from the documents differ more from those of users' questions.
 */
const spanShare = 0.8
/**
 * Chunks that show as much as the model alone. Far questions are farther from the few texts of a small collection than
 * from many, and so are those that it has no answer to.
 */
const chunkStrength = 50
/** The least extent of a range, in deviations of far questions. Below it the model does not tell far from related. */
const leastExtent = 2.5
export const leastDeviation = 0.005

/**
 * Similarities of unrelated texts by the model itself: far questions compared with each other. Two questions have a form in
 * common, so they are a little more similar than a question and a text. Null without vectors.
 */
export function unrelatedTexts(asked: readonly Float32Array[], told: readonly Float32Array[]): Spread | null {
  const all = asked.flatMap((vector, i) => told.flatMap((other, j) => (i === j ? [] : [dot(vector, other)])))
  const spread = spreadOf(all)
  return spread && { mean: spread.mean, deviation: spread.deviation / farDeviations }
}

/** `model`: see {@link unrelatedTexts}. Null without far questions: nothing shows where relation begins. */
export function separationOf(
  similarities: Similarities,
  { model, chunkCount }: { readonly model: Spread | null; readonly chunkCount: number },
): Separation | null {
  const measured = spreadOf(withoutHighOutliers(similarities.far))
  if (measured === null) return null
  const drawn = shrunk(measured, chunkCount, model ?? measured, chunkStrength)
  const far = { mean: drawn.mean, deviation: Math.max(leastDeviation, drawn.deviation) }
  const usual: Spread = { mean: far.mean + usualDistance * far.deviation, deviation: 1.5 * far.deviation }
  const related = relatedOf(similarities, usual, strength)
  return { far, related }
}

/** The separation in one language, drawn towards that of all languages where it was measured on few questions. */
export function separationIn(
  similarities: Similarities,
  all: Separation,
  own: { readonly model: Spread | null; readonly chunkCount: number },
): Separation {
  const alone = separationOf(similarities, own)
  if (alone === null) return all
  const { far } = similarities
  return {
    far: shrunk(alone.far, far.length, all.far, languageStrength),
    related: relatedOf(similarities, all.related, languageStrength),
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

export function rangeOf({ far, related: answered }: Separation): SimilarityRange {
  const unrelated = far.mean + farDeviations * far.deviation
  const top = Math.min(answered.mean + relatedDeviations * answered.deviation, 0.99)
  const related = Math.max(top, unrelated + leastExtent * far.deviation)
  return { unrelated: rounded(unrelated), related: rounded(related), span: rounded(spanShare * (related - far.mean)) }
}

/** The spread of far questions that a range of {@link rangeOf} stands for, where only the range is known. */
export function farOf({ unrelated, related }: SimilarityRange): Spread {
  const deviation = (related - unrelated) / (usualDistance + 1.5 * relatedDeviations - farDeviations)
  return { mean: unrelated - farDeviations * deviation, deviation }
}

/** More digits than four would only make two measurements of the same look different. */
export function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
