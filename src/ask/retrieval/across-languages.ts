import type { AnalyzedQuestion } from '../terms/question.ts'
import type { Candidate } from './passage-search.ts'

/** What the words of a question say about passages in other languages. */
export interface LanguageView {
  /** By candidate: whether it is in another language than the question. */
  readonly isForeign: readonly boolean[]
  /** Share of the question that the best candidate in its own language covers, 0…1. */
  readonly ownCoverage: number
  /** The same of candidates in other languages: names and numbers. */
  readonly foreignCoverage: number
  /** By candidate: how far similarities to it mean what they mean in the question's own language, 0…1. */
  readonly trust: readonly number[]
}

/** Weights of the dense retriever by question (`ru`), and by question and passage (`kk>ru`), as they were measured. */
type MeasuredWeights = Readonly<Record<string, number>>

/**
 * How the words of a question relate to the languages of the candidates; null where all are in its own language, and
 * words count as ever.
 */
export function languageView(
  candidates: readonly Candidate[],
  { language }: Pick<AnalyzedQuestion, 'language'>,
  collectionLanguages: readonly string[],
  measured: MeasuredWeights = {},
): LanguageView | null {
  if (language === 'und' || collectionLanguages.length === 0) return null
  const only = collectionLanguages.length === 1 ? collectionLanguages[0] : undefined
  if (only === language) return null
  const isForeign = candidates.map(each => isOther(each.language ?? only, language))
  if (!isForeign.includes(true)) return null
  const coverageOf = (wanted: boolean) =>
    Math.max(0, ...candidates.flatMap((each, i) => (isForeign[i] === wanted ? [each.coverage] : [])))
  const trustIn = pairTrust(language, measured)
  const trust = candidates.map((each, i) => (isForeign[i] ? trustIn(each.language ?? only) : 1))
  return { isForeign, ownCoverage: coverageOf(false), foreignCoverage: coverageOf(true), trust }
}

/** A pair that was measured at least half as good counts wholly: a dozen translations do not tell more. */
const clearlyLess = 0.5

/** How far a model that connects some languages better than others is trusted with passages in each. */
function pairTrust(language: string, measured: MeasuredWeights): (other: string | undefined) => number {
  const weightOf = (name: string) => (Object.hasOwn(measured, name) ? measured[name]! : null)
  const pairs = Object.keys(measured).filter(name => name.startsWith(`${language}>`))
  const usual = weightOf(language) ?? Math.max(0, ...pairs.map(name => measured[name]!))
  return other => {
    const pair = weightOf(`${language}>${other}`)
    return pair === null || usual <= 0 ? 1 : Math.min(1, pair / (clearlyLess * usual))
  }
}

function isOther(own: string | undefined, language: string): boolean {
  return own !== undefined && own !== 'und' && own !== language
}

/** As many of the most similar passages of each language are compared, after the first. */
const compared = 10
/** The rest of the bias stays: an answer is a little likelier to be in the language of the question. */
const removedBias = 0.9

/**
 * Similarities that are comparable across languages. A model places texts of one language nearer to each other, whatever
 * they say (e5: by 0.03 to 0.05, as much as the right passage is ahead of others). So each is taken relative to the next
 * best of its language: of each, as many as the smallest has, because the retriever found only the best of them.
 */
export function similaritiesWithoutBias(
  candidates: readonly Candidate[],
  { isForeign }: LanguageView,
): (number | null)[] {
  const languages = candidates.map((each, i) => each.language ?? (isForeign[i] ? 'foreign' : 'own'))
  const found = candidates.flatMap(({ vector }, i) => (vector === null ? [] : [{ vector, language: languages[i]! }]))
  const groups = [...Map.groupBy(found, each => each.language)].map(
    ([language, members]) => [language, members.map(({ vector }) => vector).sort((a, b) => b - a)] as const,
  )
  const count = Math.min(compared + 1, ...groups.map(([, similarities]) => similarities.length))
  if (groups.length < 2 || count < 2) return candidates.map(({ vector }) => vector)
  const usual = new Map(groups.map(([language, similarities]) => [language, meanOf(similarities.slice(1, count))]))
  const overall = meanOf([...usual.values()])
  return candidates.map(({ vector }, i) =>
    vector === null ? null : vector - removedBias * (usual.get(languages[i]!)! - overall),
  )
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/**
 * What words say about the candidate at `index`, 0…1, given its scaled scores. A passage in another language cannot have the words
 * of the question, so it is taken to have as many as its similarity suggests, unless passages in the question's own
 * language have them; to be fair, so is one in its own language that has fewer. Of names and numbers, which passages in
 * other languages can have, the share that they are of the question counts.
 */
export function wordScore(
  { lexical, vector }: { readonly lexical: number; readonly vector: number },
  { isForeign, ownCoverage, foreignCoverage }: LanguageView,
  index: number,
): number {
  const suggested = (1 - ownCoverage ** 2) * vector
  if (!isForeign[index]) return Math.max(lexical, suggested)
  return foreignCoverage * lexical + (1 - foreignCoverage) * suggested
}
