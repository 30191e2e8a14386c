import type { Passage } from '../terms/passage.ts'
import type { AnalyzedQuestion } from '../terms/question.ts'
import { asksForAmount, hasAmount } from '../../text/amounts.ts'
import { createMeant } from './meant-words.ts'
import { isNamed, sentencesOf, type PassageSentence, type Title } from './passage-sentences.ts'
import { unitSignals, type UnitSignals } from './unit-signals.ts'

export interface ScoredSentence extends PassageSentence {
  /** Words of the question that it contains, or for a row, also the header above it. */
  readonly found: ReadonlySet<string>
  /** Those that it contains itself. */
  readonly ownFound: ReadonlySet<string>
  /** Those in its nearest heading, or in the question that it answers. */
  readonly foundAbove: ReadonlySet<string>
  /** In the numbered part that was asked for. */
  readonly isAskedPart: boolean
  /** 0…1, comparable within one question. */
  readonly score: number
}

/** The sentences of the passages, and how much each word of the question tells them apart. */
export interface Scored {
  readonly sentences: readonly ScoredSentence[]
  /** Whether sentences were compared with the question one by one. */
  readonly hasUnits: boolean
  /** Share of the question that these words are, 0…1. */
  readonly shareOf: (words: ReadonlySet<string>) => number
}

/**
 * Weights of the signals: the question's words in the sentence, adjacent as asked, in its headings, in both together, the
 * meaning of its window, its own nearness, a number where one is asked for, the rank of its passage, and being the first
 * sentence.
 */
const signalNames = ['words', 'pairs', 'heading', 'covered', 'meaning', 'near', 'amount', 'rank', 'lead'] as const
type Weights = Readonly<Record<(typeof signalNames)[number], number>>
const byWords: Weights = {
  words: 0.4,
  pairs: 0.1,
  heading: 0.4,
  covered: 0.4,
  meaning: 0.1,
  near: 0,
  amount: 0.2,
  rank: 0.4,
  lead: 0.05,
}
const byVectors: Weights = { ...byWords, words: 0.1, heading: 0.2, covered: 0.2, near: 0.5 }
/** A reranker reads the sentence together with the question, so it leads. */
const byReranker: Weights = { ...byVectors, near: 1 }
/** Of a sentence in the numbered part that was asked for: another that only mentions the part must not beat it. */
const ofPartWeight = 1
/** Of a sentence with a date or code that was asked: one that is only about something similar must not beat it. */
const namedWeight = 0.5

/**
 * Every sentence of the passages with its score. Words count by how rare they are among these sentences: a word in all
 * of them ("fastify" in Fastify's manual) does not show which one answers.
 */
export function scoredSentences(asked: AnalyzedQuestion, passages: readonly Passage[]): Scored {
  const isFolded = asked.terms.some(({ term }) => term.startsWith('~'))
  const all = asMeant(
    asked,
    passages.flatMap((passage, index) => sentencesOf(passage, index, isFolded)),
  )
  const rarity = raritiesOf(wantedOf(asked, all), all)
  const wanted = new Set(rarity.keys())
  const total = sum(rarity.values())
  const shareOf = (words: ReadonlySet<string>) => share(rarity, words, total)
  const near = unitSignals(all, passages)
  const weights = near === null ? byWords : near.isReranked ? byReranker : byVectors
  const isAsked = partsOf(asked)
  const named = new Set(asked.terms.flatMap(({ term, standsIn }) => (standsIn && !isPart(term) ? [term] : [])))
  const isUnseen = unseenBy(wanted, all, passages)
  const signalsOf = createSignals({
    wanted,
    shareOf,
    all,
    passages,
    near,
    isAmountAsked: asksForAmount(asked.text, asked.language),
  })
  // Vectors do not tell names and numbers of rows apart.
  const isRowNamed = all.some(({ row, terms }) => row?.header && shareOf(wanted.intersection(terms)) >= mostly)
  const isByVector = near !== null && !isRowNamed

  const sentences = all.map((each, i): ScoredSentence => {
    const words = wordsOf(each, wanted)
    const signals = signalsOf(each, i, words)
    const isAskedPart = isAsked(each.part)
    const ofPart = isAskedPart ? ofPartWeight : words.found.isDisjointFrom(named) ? 0 : namedWeight
    const isAbout = isRowApart(each, words, isByVector, shareOf) && (isRelated(signals, ofPart) || isUnseen(each))
    const isSeed = each.isSeed || (each.isField && isNamed(each.text, wanted, languageOf(passages, each), isFolded))
    return { ...each, ...words, isSeed, isAskedPart, score: isAbout ? weighted(signals, weights) + ofPart : 0 }
  })
  return { sentences, hasUnits: near !== null, shareOf }
}

function languageOf(passages: readonly Passage[], { passageIndex }: PassageSentence): string {
  return passages[passageIndex]!.language
}

type FoundWords = Pick<ScoredSentence, 'found' | 'ownFound' | 'foundAbove'>

function wordsOf({ terms, header, title }: PassageSentence, wanted: ReadonlySet<string>): FoundWords {
  const ownFound = wanted.intersection(terms)
  return { ownFound, found: ownFound.union(wanted.intersection(header)), foundAbove: wanted.intersection(title.last) }
}

type Signals = Readonly<Record<keyof Weights, number>>

interface SignalInput {
  readonly wanted: ReadonlySet<string>
  readonly shareOf: Scored['shareOf']
  readonly all: readonly PassageSentence[]
  readonly passages: readonly Passage[]
  readonly near: UnitSignals | null
  readonly isAmountAsked: boolean
}

function createSignals({ wanted, shareOf, all, passages, near, isAmountAsked }: SignalInput) {
  const pairs = pairsOf([...wanted])
  const meanings = meaningsOf(all, passages)
  const ranks = rankScores(passages)
  return (
    { terms, title, text, isLead, passageIndex }: PassageSentence,
    i: number,
    { found }: FoundWords,
  ): Signals => ({
    words: shareOf(found),
    pairs: adjacency(pairs, terms),
    heading: headingScore(wanted, shareOf, title),
    covered: shareOf(found.union(wanted.intersection(title.all))),
    meaning: meanings[i]!,
    near: near?.signals[i] ?? 0,
    amount: isAmountAsked && hasAmount(text, passages[passageIndex]!.language) ? 1 : 0,
    rank: ranks[passageIndex]!,
    lead: isLead ? 1 : 0,
  })
}

function weighted(signals: Signals, weights: Weights): number {
  let score = 0
  for (const name of signalNames) score += weights[name] * signals[name]
  return score
}

/**
 * Position alone must not make an answer of a sentence that shares nothing with the question, not even in its heading.
 */
function isRelated({ words, heading, meaning, near }: Signals, ofPart: number): boolean {
  return words > 0 || heading > 0 || near > 0 || meaning + ofPart >= 0.5
}

/** Share of the question from which on words say which row is meant. */
const mostly = 0.5

/**
 * Of a row, only its own words tell it from the other rows, or its vector, where no row has most of what was asked; a
 * header stands for all of them.
 */
function isRowApart(
  { row }: PassageSentence,
  words: FoundWords,
  isByVector: boolean,
  shareOf: Scored['shareOf'],
): boolean {
  if (row === undefined || words.ownFound.size > 0) return true
  return row.header === null ? shareOf(words.foundAbove) >= mostly : isByVector
}

/** The sentences with the words of the question that they have in another form. */
function asMeant(asked: AnalyzedQuestion, all: readonly PassageSentence[]): readonly PassageSentence[] {
  const held = new Set(all.flatMap(each => [...each.terms, ...each.title.all, ...each.header]))
  const meant = createMeant(asked, held)
  return all.map(({ terms, title, header, ...each }) => ({
    ...each,
    terms: meant(terms),
    header: meant(header),
    title: { ...title, all: meant(title.all), last: meant(title.last) },
  }))
}

/**
 * The question's own words if the passages contain any of them. Words borrowed from earlier turns only served to find
 * them.
 */
function wantedOf({ own, terms }: AnalyzedQuestion, all: readonly PassageSentence[]): ReadonlyMap<string, number> {
  const held = new Set(all.flatMap(each => [...each.terms]))
  const isHeld = own.some(({ term, isContent }) => isContent && held.has(term))
  const asked = isHeld ? own : terms
  // A date or provision counts as one where a sentence has it, however written, else by its words.
  const content = asked.filter(
    ({ term, isContent, within, isOptional }) =>
      isContent && (!isOptional || held.has(term)) && (!within || !held.has(within)),
  )
  return new Map((content.length > 0 ? content : asked).map(({ term, count }) => [term, count]))
}

/** `cla:3.2`: a numbered part, which a sentence may also only mention. */
function isPart(term: string): boolean {
  return /^[a-z]{3}:/.test(term)
}

/** Tests for the numbers of the articles, sections and clauses that the question names: "3.2" of `cla:3.2`. */
function partsOf({ terms }: AnalyzedQuestion): (part: string | null) => boolean {
  const asked = new Set(terms.flatMap(({ term }) => /^[a-z]{3}:(\d+(?:\.\d+)*)$/.exec(term)?.[1] ?? []))
  return part => part !== null && asked.has(part)
}

/**
 * 1 for the best passage, 0 from half its score down: retrieval knows more about where the answer is than any single
 * sentence. Parts of one section belong together, so each counts as much as the best of them.
 */
function rankScores(passages: readonly Passage[]): number[] {
  const section = (passage: Passage) => `${passage.documentId} ${passage.title}`
  const best = new Map<string, number>()
  for (const [position, passage] of passages.entries())
    best.set(section(passage), Math.max(best.get(section(passage)) ?? 0, scoreOf(passage, position)))
  const top = Math.max(...best.values())
  return passages.map(passage => (top > 0 ? Math.max(0, (2 * (best.get(section(passage)) ?? 0)) / top - 1) : 0))
}

/** A reranker has its own scale, so only the order counts. */
function scoreOf({ scores }: Passage, position: number): number {
  return scores.rerank === undefined ? scores.fused : 1 / (1 + position)
}

/** Adjacent words of the question: "404 handler" in "change the 404 handler". */
function pairsOf(words: readonly string[]): [string, string][] {
  return words.slice(1).map((word, i) => [words[i] ?? '', word])
}

/** Share of the pairs that the sentence contains next to each other; one word in between is allowed. */
function adjacency(pairs: readonly [string, string][], terms: ReadonlySet<string>): number {
  if (pairs.length === 0) return 0
  const positions = new Map(Array.from(terms, (term, position) => [term, position]))
  const isAdjacent = ([a, b]: [string, string]) =>
    Math.abs((positions.get(a) ?? Infinity) - (positions.get(b) ?? -Infinity)) <= 2
  return pairs.filter(isAdjacent).length / pairs.length
}

/**
 * How much of the question is in the headings above a sentence. The nearest heading counts most, and of two with the
 * asked words the one with fewer other words wins ("onClose" before "onClose › Execution order").
 */
function headingScore(
  wanted: ReadonlySet<string>,
  shareOf: (words: ReadonlySet<string>) => number,
  { all, last }: Title,
): number {
  const inLast = wanted.intersection(last)
  const recall = shareOf(inLast)
  const precision = last.size === 0 ? 0 : inLast.size / last.size
  const nearest = recall + precision === 0 ? 0 : (2 * recall * precision) / (recall + precision)
  return 0.7 * nearest + 0.3 * shareOf(wanted.intersection(all))
}

/**
 * Tests whether a passage was found by words that are not in its text: identifiers of a row, which its text leaves out.
 */
function unseenBy(wanted: ReadonlySet<string>, all: readonly PassageSentence[], passages: readonly Passage[]) {
  if (!Array.from(wanted).some(term => /\d/.test(term))) return () => false
  const seen = new Set<number>()
  for (const { passageIndex, terms, title } of all)
    if (!wanted.isDisjointFrom(terms) || !wanted.isDisjointFrom(title.all)) seen.add(passageIndex)
  return ({ passageIndex }: PassageSentence) =>
    !seen.has(passageIndex) && passages[passageIndex]!.scores.coverage >= 0.5
}

/** Similarity of the window that contains the middle of each sentence: 1 for the most similar, 0 for the least. */
function meaningsOf(all: readonly PassageSentence[], passages: readonly Passage[]): number[] {
  const similarities = all.map(({ passageIndex, start, end }) => {
    const passage = passages[passageIndex]!
    const middle = passage.start + (start + end) / 2
    return passage.windows.find(each => each.start <= middle && middle <= each.end)?.similarity ?? null
  })
  let [low, high] = [Infinity, -Infinity]
  for (const each of similarities) if (each !== null) [low, high] = [Math.min(low, each), Math.max(high, each)]
  return similarities.map(each => (each === null || high <= low ? 0 : (each - low) / (high - low)))
}

/** A question of many sentences tells a story: only its rarest words say what it is about. */
const mostWanted = 7

/** How informative each asked word is: by how few sentences contain it and how often it was asked. */
function raritiesOf(counts: ReadonlyMap<string, number>, all: readonly PassageSentence[]): Map<string, number> {
  const holders = new Map<string, number>()
  let section = ''
  for (const each of all) {
    // Headings are read once, not with each sentence below them.
    const isFirst = section !== (section = `${each.passageIndex} ${each.section}`)
    for (const term of counts.keys())
      if (each.terms.has(term) || each.header.has(term) || (isFirst && each.title.all.has(term)))
        holders.set(term, (holders.get(term) ?? 0) + 1)
  }
  const rarityOf = (term: string, asked: number) => {
    const count = holders.get(term) ?? 0
    return count === 0 ? 0 : asked * Math.log(1 + (all.length - count + 0.5) / (count + 0.5))
  }
  const rarities = Array.from(counts, ([term, asked]) => [term, rarityOf(term, asked)] as const)
  if (rarities.length <= mostWanted) return new Map(rarities)
  const rarest = new Set(rarities.toSorted(([, a], [, b]) => b - a).slice(0, mostWanted))
  return new Map(rarities.filter(each => rarest.has(each)))
}

function share(rarity: ReadonlyMap<string, number>, terms: ReadonlySet<string>, total: number): number {
  if (total === 0) return 0
  return sum(Array.from(terms, term => rarity.get(term) ?? 0)) / total
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
