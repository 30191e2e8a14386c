import { analyze, comparedTerms, isStopWord, notationTerms } from '../../text/analyze.ts'
import { createMeant } from '../generation/meant-words.ts'
import { farOf, leastDeviation } from '../calibration/range.ts'
import type { Calibration, Spread } from '../calibration/terms.ts'
import type { Span } from '../../text/sentences.ts'
import type { Evidence } from '../terms/evidence.ts'
import type { Passage } from '../terms/passage.ts'
import type { AnalyzedQuestion } from '../terms/question.ts'
import { asksForAmount, hasAmount } from '../../text/amounts.ts'
import { askedWords, highestBm25, shareOf, type AskedWord } from './asked-words.ts'
import { judgedCount, type Quoted } from './evidence.ts'

/**
 * Which part of the service a signal comes from; one that is not there has no signals. `both`: from words and windows, where
 * there are both.
 */
export type Source = 'words' | 'windows' | 'units' | 'both' | 'reranker'

/**
 * Signals that speak for an answer or against it, by where they come from. Those of `answer` need the quotations.
 *
 * - `coverage`: share of the question's idf that the best passage has, on the collection's scale;
 * - `unknown`, `doubtful`: shares of it that no passage of the collection has, and that only other spellings may have;
 * - `lexical`: the best BM25 score, as a share of the highest one possible;
 * - `lexical_gap`: by how much of it the best passage leads;
 * - `missing_number`: 1 when a number or code that was asked is in none of the passages;
 * - `window`, `unit`: how far the most similar window or unit is above those of far questions, in deviations;
 * - `rise`: how far that window is above the mean of all candidates, in deviations, as if there were fifty candidates;
 *   a single candidate rises above nothing, which speaks neither for it nor against it;
 * - `window_gap`: by how much the most similar passage leads, on the same scale;
 * - `agreement`: 1 when both retrievers have the first passage first, 1/n when one of them has it at n;
 * - `rerank`: the reranker's highest score, as log-odds; `rerank_gap`: by how much it leads;
 * - `answer_coverage`, `quote_coverage`: share of it in the quotations, on the same scale, with all titles above them, and
 *   with the nearest heading or the question that they answer;
 * - `answer_missing`: the share of the rarest word that is in neither;
 * - `missing_amount`: 1 when only a number can answer the question, and none is quoted;
 * - `answer_window`, `answer_unit`, `answer_rerank`: as above, of what is quoted;
 * - `from_first`: 1 when the first passage is quoted.
 */
export const signalsBySource = {
  words: {
    passages: ['coverage', 'unknown', 'doubtful', 'lexical', 'lexical_gap', 'missing_number'],
    answer: ['answer_coverage', 'answer_missing', 'missing_amount', 'quote_coverage', 'from_first'],
  },
  windows: { passages: ['window', 'rise', 'window_gap'], answer: ['answer_window'] },
  units: { passages: ['unit'], answer: ['answer_unit'] },
  both: { passages: ['agreement'], answer: [] },
  reranker: { passages: ['rerank', 'rerank_gap'], answer: ['answer_rerank'] },
} as const satisfies Record<Source, { readonly passages: readonly string[]; readonly answer: readonly string[] }>

export type SignalName = (typeof signalsBySource)[Source]['passages' | 'answer'][number]

/** Which way a signal speaks: 1 for an answer, -1 against one, 0 either way. */
export const signsOf: Readonly<Record<SignalName, -1 | 0 | 1>> = {
  coverage: 1,
  unknown: -1,
  doubtful: -1,
  lexical: 1,
  lexical_gap: 1,
  missing_number: -1,
  window: 1,
  rise: 1,
  window_gap: 1,
  agreement: 1,
  unit: 1,
  rerank: 1,
  rerank_gap: 1,
  answer_coverage: 1,
  answer_missing: -1,
  missing_amount: -1,
  quote_coverage: 1,
  from_first: 1,
  answer_window: 1,
  answer_unit: 1,
  answer_rerank: 1,
}

const shares: ReadonlySet<SignalName> = new Set<SignalName>([
  'unknown',
  'doubtful',
  'lexical',
  'lexical_gap',
  'missing_number',
  'agreement',
  'answer_missing',
  'missing_amount',
  'from_first',
])

/** Whether a signal is between 0 and 1, in every collection. */
export function isShare(name: SignalName): boolean {
  return shares.has(name)
}

export type Signals = Readonly<Partial<Record<SignalName, number>>>

/** The signals of the passages found. A source that is not there leaves its signals out. */
export function passageSignals(evidence: Evidence): Signals {
  const judged = evidence.passages.slice(0, judgedCount)
  const { terms, readAs } = evidence.asked
  // Function words alone ("is it?") are no question that a passage could answer.
  const isQuestion = terms.some(({ term }) => !isStopWord(term, readAs))
  if (judged.length === 0 || !isQuestion) return {}
  const ofWords = wordSignals(evidence, judged)
  if (areVectorsBehind(evidence, judged) && ofWords.coverage !== undefined)
    return { ...ofWords, ...rerankSignals(judged) }
  return {
    ...ofWords,
    ...windowSignals(evidence, judged),
    ...unitSignals(evidence, judged),
    ...agreementSignals(evidence, judged),
    ...rerankSignals(judged),
  }
}

/** Similarities of the other passages say nothing about one whose vectors are still to come. */
function areVectorsBehind({ collection }: Evidence, judged: readonly Passage[]): boolean {
  return collection.isFilling === true && judged.some(({ windows }) => windows.length === 0)
}

/** Those of the passages and of the sentences that were chosen from them. */
export function answerSignals(evidence: Evidence, quoted: Quoted): Signals {
  const ofPassages = passageSignals(evidence)
  return { ...ofPassages, ...quoteSignals(evidence, quoted, ofPassages) }
}

function wordSignals(evidence: Evidence, judged: readonly Passage[]): Signals {
  const { asked, collection } = evidence
  if (!areWordsComparable(asked, judged, evidence)) return {}
  const words = askedWords(asked, collection.chunkCount)
  const scores = judged.flatMap(({ scores: { lexical } }) => (lexical === null ? [] : [lexical]))
  const [best = 0, next = 0] = scores.toSorted((a, b) => b - a)
  const scale = coverageScale(collection.calibration)
  const most = highestBm25(asked, collection.chunkCount)
  return {
    coverage: scale(Math.max(...judged.map(({ scores: { coverage } }) => coverage))),
    unknown: shareOf(words, ({ knowledge }) => knowledge === 'unknown'),
    doubtful: shareOf(words, ({ knowledge }) => knowledge === 'doubtful'),
    lexical: most > 0 ? Math.min(1, best / most) : 0,
    lexical_gap: best > 0 ? (best - next) / best : 0,
    missing_number: isNumberMissing(words, asked, judged) ? 1 : 0,
  }
}

/** What questions of other fields cover in most collections. */
const usualFarCoverage = 0.33
/** Where they cover more, hardly anything is left to tell others apart. */
const highestFarCoverage = 0.8

/**
 * 0 is what questions of other fields cover in this collection, 1 all of a question. Syllables of Vietnamese are known
 * nearly everywhere, and words of Russian have many forms, so that the same share means different things.
 */
function coverageScale(calibration: Calibration | null): Scale {
  const far = Math.min(highestFarCoverage, calibration?.far.coverage?.mean ?? usualFarCoverage)
  return share => (share - far) / (1 - far)
}

/**
 * Words say nothing about passages in another language. Without vectors they are all there is, and no answer is the right
 * reading of them.
 */
function areWordsComparable(
  asked: AnalyzedQuestion,
  judged: readonly Passage[],
  { candidates, collection: { chunkCount } }: Evidence,
): boolean {
  const { language, readAs } = asked
  if (candidates === null || language === 'und') return true
  const isRead = (as: string) => judged.some(each => each.language === as)
  if (isRead(language) || isRead('und')) return true
  // A short question may have been taken for another language; then the collection knows its words.
  return isRead(readAs) && shareOf(askedWords(asked, chunkCount), isKnown) >= mostly
}

/** Share of the question's words from which on a collection is taken to be in its language. */
const mostly = 0.5

function isKnown({ knowledge }: AskedWord): boolean {
  return knowledge === 'known'
}

function agreementSignals(evidence: Evidence, judged: readonly Passage[]): Signals {
  const [first] = judged
  if (evidence.candidates === null || !areWordsComparable(evidence.asked, judged, evidence)) return {}
  const ranks = [first?.scores.lexicalRank, first?.scores.vectorRank].map(rank => rank ?? Infinity)
  return { agreement: 1 / Math.max(...ranks) }
}

function isNumberMissing(words: readonly AskedWord[], asked: AnalyzedQuestion, judged: readonly Passage[]): boolean {
  const numbers = words.filter(({ isNumber }) => isNumber)
  if (numbers.length === 0) return false
  const texts = judged.map(({ text, title, language }) => ({ text: `${title}\n${text}`, language }))
  const digits = texts.map(({ text }) => digitsOf(text))
  return numbers.some(({ term, forms }) => {
    // Analyzing five passages costs more than all else here, and most have no such digits. A date may have its month in letters.
    const [longest = ''] = (term.match(/\p{Nd}+/gu) ?? []).sort((a, b) => b.length - a.length)
    const likely = texts.filter((_, i) => digits[i]!.includes(longest))
    return !likely.some(({ text, language }) => {
      const held = termsOf(text, language, asked)
      return forms.some(form => held.has(form))
    })
  })
}

/** All digits, so that a number is found however it is divided. */
function digitsOf(text: string): string {
  return text.replace(/\P{Nd}+/gu, '')
}

function windowSignals(evidence: Evidence, judged: readonly Passage[]): Signals {
  const {
    candidates,
    collection: { chunkCount },
  } = evidence
  const found = judged.map(similarityOf).filter(value => value !== null)
  if (found.length === 0 || candidates === null) return {}
  const scale = scaleFor('window', evidence)
  const [best = 0, next = best] = found.toSorted((a, b) => b - a)
  return {
    window: scale(best),
    ...(candidates.deviation > 0
      ? { rise: (best - candidates.mean) / candidates.deviation + riseOfFewer(chunkCount) }
      : {}),
    window_gap: scale(best) - scale(next),
  }
}

const usualCandidates = 50

/** By how much less the best of fewer candidates rises above their mean, by chance alone. */
function riseOfFewer(chunkCount: number): number {
  return Math.max(0, highestOf(usualCandidates) - highestOf(chunkCount))
}

/** The highest of so many values of a standard normal distribution, as expected (Cramér 1946, §28.6). */
function highestOf(count: number): number {
  if (count < 2) return 0
  const first = Math.sqrt(2 * Math.log(count))
  return first - (Math.log(Math.log(count)) + Math.log(4 * Math.PI)) / (2 * first)
}

/** That of the best window; where the windows are not known, what the ranking used. */
function similarityOf({ scores: { vector }, windows }: Passage): number | null {
  return windows.length === 0 ? vector : Math.max(...windows.map(each => each.similarity))
}

type Scale = (similarity: number) => number

/**
 * In deviations of far questions above their mean, as measured in the collection for the language of the question: a model
 * that tells far from related well has a wider scale than one that does not.
 */
function scaleFor(
  signal: 'window' | 'unit',
  { asked: { language }, collection: { calibration }, similarity }: Evidence,
): Scale {
  const ranges = { window: calibration?.windows ?? similarity, unit: calibration?.units ?? similarity }
  const { mean, deviation } = farSimilarity(signal, language, calibration) ?? farOf(ranges[signal])
  return value => (value - mean) / Math.max(leastDeviation, deviation)
}

function farSimilarity(
  signal: 'window' | 'unit',
  language: string,
  calibration: Calibration | null,
): Spread | null | undefined {
  if (calibration === null) return null
  const { far, farByLanguage } = calibration
  return (Object.hasOwn(farByLanguage, language) ? farByLanguage[language]![signal] : null) ?? far[signal]
}

function unitSignals(evidence: Evidence, judged: readonly Passage[]): Signals {
  const found = judged.flatMap(({ units = [] }) => units.flatMap(unit => unit.similarity ?? []))
  return found.length === 0 ? {} : { unit: scaleFor('unit', evidence)(Math.max(...found)) }
}

function rerankSignals(judged: readonly Passage[]): Signals {
  const scores = judged.map(rerankOf).filter(value => value !== null)
  if (scores.length === 0) return {}
  const [best = 0, next = best] = logOdds(scores).toSorted((a, b) => b - a)
  return { rerank: best, rerank_gap: best - next }
}

/** Of the passage, or of its best unit where units were read. */
function rerankOf({ scores: { rerank }, units = [] }: Passage): number | null {
  const all = units.flatMap(unit => unit.rerank ?? [])
  if (rerank !== undefined) all.push(rerank)
  return all.length === 0 ? null : Math.max(...all)
}

/** Cross-encoders are trained on log-odds; some servers return them, and some the probabilities. */
function logOdds(scores: readonly number[]): number[] {
  const areProbabilities = scores.every(score => score >= 0 && score <= 1)
  return areProbabilities ? scores.map(score => Math.log((score + tiny) / (1 - score + tiny))) : [...scores]
}

const tiny = 1e-5

function quoteSignals(evidence: Evidence, { citations, passages }: Quoted, ofPassages: Signals): Signals {
  const quoted = citations.flatMap(({ chunkId, quote, title, start, end }) => {
    const passage = passages.find(each => each.chunkId === chunkId)
    return passage ? [{ passage, quote, title, start, end }] : []
  })
  const isQuoted = ({ start, end }: Span, span: Span) => start < span.end && end > span.start
  const similarities = (of: 'windows' | 'units') =>
    quoted.flatMap(each =>
      (each.passage[of] ?? []).filter(part => isQuoted(part, each)).flatMap(part => part.similarity ?? []),
    )
  const windows = similarities('windows')
  const units = similarities('units')
  const reranked = quoted.flatMap(each => {
    const own = (each.passage.units ?? []).filter(unit => isQuoted(unit, each)).flatMap(unit => unit.rerank ?? [])
    return own.length > 0 ? own : (each.passage.scores.rerank ?? [])
  })
  const isProbability = passages.every(({ scores: { rerank = 0 } }) => rerank >= 0 && rerank <= 1)
  return {
    ...(ofPassages.coverage === undefined ? {} : quoteWordSignals(evidence, quoted, passages[0])),
    ...(ofPassages.window === undefined
      ? {}
      : { answer_window: windows.length === 0 ? 0 : scaleFor('window', evidence)(Math.max(...windows)) }),
    ...(ofPassages.unit === undefined
      ? {}
      : { answer_unit: units.length === 0 ? 0 : scaleFor('unit', evidence)(Math.max(...units)) }),
    ...(ofPassages.rerank === undefined
      ? {}
      : {
          answer_rerank:
            reranked.length === 0 ? ofPassages.rerank : Math.max(...(isProbability ? logOdds(reranked) : reranked)),
        }),
  }
}

type QuotedText = { readonly passage: Passage; readonly quote: string; readonly title: string }

function quoteWordSignals(
  { asked, collection }: Evidence,
  quoted: readonly QuotedText[],
  first: Passage | undefined,
): Signals {
  const words = askedWords(asked, collection.chunkCount)
  const scale = coverageScale(collection.calibration)
  const own = quoted.flatMap(({ passage, quote, title }) => [
    ...termsOf(`${headingIn(title)}\n${quote}`, passage.language, asked),
  ])
  const above = quoted.flatMap(({ passage, title }) => [...termsOf(title, passage.language, asked)])
  const heldIn = (terms: readonly string[]) => {
    const found = new Set(terms)
    const held = createMeant(asked, found)(found)
    return ({ forms }: AskedWord) => forms.some(form => held.has(form))
  }
  const isHeld = heldIn([...own, ...above])
  const missing = words.filter(word => !isHeld(word))
  return {
    answer_coverage: scale(shareOf(words, isHeld)),
    missing_amount: isAmountMissing(asked, quoted) ? 1 : 0,
    answer_missing: Math.max(0, ...missing.map(rarest => shareOf(words, word => word === rarest))),
    quote_coverage: scale(shareOf(words, heldIn(own))),
    from_first: quoted.some(({ passage }) => passage === first) ? 1 : 0,
  }
}

function isAmountMissing({ text, language }: AnalyzedQuestion, quoted: readonly QuotedText[]): boolean {
  return asksForAmount(text, language) && !quoted.some(({ passage, quote }) => hasAmount(quote, passage.language))
}

const separator = ' › '

/** The heading that a sentence stands under, or the question that it answers; not the title of a document. */
function headingIn(title: string): string {
  const last = title.split(separator).at(-1) ?? ''
  return title.includes(separator) || /[?？]$/.test(last) ? last : ''
}

function termsOf(text: string, language: string, { terms }: AnalyzedQuestion): ReadonlySet<string> {
  const analysis = analyze(text, language)
  if (!terms.some(({ term }) => term.startsWith('~'))) return new Set(comparedTerms(analysis))
  return new Set([...analysis.folded.map(term => `~${term}`), ...analysis.notations.flatMap(notationTerms)])
}
