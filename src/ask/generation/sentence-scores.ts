import { analyze, comparedTerms, notationTerms } from '../../text/analyze.ts'
import { memoized } from '../../text/memoized.ts'
import { unitsOf, type Unit } from '../../text/units.ts'
import type { Passage, AnalyzedQuestion } from '../terms.ts'
import { createMeant } from './meant-words.ts'
import { placeAt } from './places.ts'
import { tableRowsOf, type TableRow } from './table-rows.ts'

export interface ScoredSentence {
  readonly passageIndex: number
  /** Position among the passage's sentences and blocks of code. */
  readonly position: number
  /** Offsets into the passage's text. */
  readonly start: number
  readonly end: number
  readonly text: string
  readonly kind: 'sentence' | 'heading' | 'code'
  /** Set for a row of a table. */
  readonly row?: TableRow | undefined
  /** Words of the question that it contains, or for a row, also the header above it. */
  readonly found: ReadonlySet<string>
  /** Those that it contains itself. */
  readonly ownFound: ReadonlySet<string>
  /** Those in its nearest heading, or in the question that it answers. */
  readonly foundAbove: ReadonlySet<string>
  readonly terms: ReadonlySet<string>
  /** 0…1, comparable within one question. */
  readonly score: number
  /** Whether an answer may begin with it. Headings, code, questions and fragments do not answer. */
  readonly isSeed: boolean
  readonly followsBlank: boolean
}

/**
 * Weights of the signals: the question's words in the sentence, adjacent as asked, in its heading, its meaning, the
 * rank of its passage, and being the first sentence.
 */
const weights = { words: 0.2, pairs: 0.1, heading: 0.2, meaning: 0.1, rank: 0.35, lead: 0.05 } as const
const shortestSeed = 25
/** Of a sentence in the numbered part that was asked for: another that only mentions the part must not beat it. */
const ofPartWeight = 0.5

/** Lines like "Price: 249". */
const fieldLine = /^(?:\p{L}[^:\n]{0,60}: \S[^\n]*(?:\n|$))+$/u

type Unscored = Omit<ScoredSentence, 'score' | 'found' | 'ownFound' | 'foundAbove'> & {
  readonly similarity: number | null
  readonly isLead: boolean
  readonly isField: boolean
  /** Number of the part that the sentence begins, or that its heading begins: "3.2". */
  readonly part: string | null
  readonly title: Title
  /** Words of the header above a row. */
  readonly header: ReadonlySet<string>
}

/**
 * Every sentence of the passages with its score. Words count by how rare they are among these sentences: a word in all
 * of them ("fastify" in Fastify's manual) does not show which one answers.
 */
export function scoredSentences(asked: AnalyzedQuestion, passages: readonly Passage[]): ScoredSentence[] {
  const isFolded = asked.terms.some(({ term }) => term.startsWith('~'))
  const all = asMeant(
    asked,
    passages.flatMap((passage, index) => sentencesOf(passage, index, isFolded)),
  )
  const counts = wantedOf(asked, all)
  const wanted = new Set(counts.keys())
  const pairs = pairsOf([...wanted])
  const rarity = raritiesOf(counts, all)
  const total = sum(rarity.values())
  const similarities = all.flatMap(each => (each.similarity === null ? [] : [each.similarity]))
  const [low, high] = [Math.min(...similarities), Math.max(...similarities)]
  const ranks = rankScores(passages)

  const hasNumber = [...wanted].some(term => /\d/.test(term))
  const isUnseen = (passage: Passage, index: number): boolean => {
    const own = all.filter(each => each.passageIndex === index)
    const isSeen = own.some(each => !wanted.isDisjointFrom(each.terms) || !wanted.isDisjointFrom(each.title.all))
    return hasNumber && !isSeen && passage.scores.coverage >= 0.5
  }
  /** Passages found by words that are not in their text: identifiers of a row, which its text leaves out. */
  const unseen = passages.map(isUnseen)

  const isAskedPart = partsOf(asked)
  return all.map(({ similarity, isLead, isField, part, title, header, ...each }) => {
    const ownFound = wanted.intersection(each.terms)
    const found = ownFound.union(wanted.intersection(header))
    const foundAbove = wanted.intersection(title.last)
    const words = share(rarity, found, total)
    const heading = headingScore(wanted, rarity, total, title)
    const meaning = similarity === null || high <= low ? 0 : (similarity - low) / (high - low)
    const rank = ranks[each.passageIndex] ?? 0
    // Position alone must not make an answer of a sentence that shares nothing with the question, not even in its
    // heading. Of a row, only its own words tell it from the other rows.
    const isOneOfMany = each.row !== undefined && each.row.header !== null && ownFound.size === 0
    const ofPart = isAskedPart(part) ? ofPartWeight : 0
    const isAbout =
      !isOneOfMany && (words > 0 || heading > 0 || meaning + ofPart >= 0.5 || unseen[each.passageIndex] === true)
    const parts =
      weights.words * words +
      weights.pairs * adjacency(pairs, each.terms) +
      weights.heading * heading +
      weights.meaning * meaning +
      weights.rank * rank +
      ofPart
    const isSeed = each.isSeed || (isField && isNamed(each.text, wanted, passages[each.passageIndex]!, isFolded))
    return { ...each, isSeed, found, ownFound, foundAbove, score: isAbout ? parts + (isLead ? weights.lead : 0) : 0 }
  })
}

/** The sentences with the words of the question that they have in another form. */
function asMeant(asked: AnalyzedQuestion, all: readonly Unscored[]): readonly Unscored[] {
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
function wantedOf({ own, terms }: AnalyzedQuestion, all: readonly Unscored[]): ReadonlyMap<string, number> {
  const held = new Set(all.flatMap(each => [...each.terms]))
  const isHeld = own.some(({ term, isContent }) => isContent && held.has(term))
  const asked = isHeld ? own : terms
  // A date or provision counts as one where a sentence has it, however written, else by its words.
  const content = asked.filter(
    ({ term, isContent, within, standsIn }) =>
      isContent && (!standsIn || held.has(term)) && (!within || !held.has(within)),
  )
  return new Map((content.length > 0 ? content : asked).map(({ term, count }) => [term, count]))
}

/** Tests for the numbers of the articles, sections and clauses that the question names: "3.2" of `cla:3.2`. */
function partsOf({ terms }: AnalyzedQuestion): (part: string | null) => boolean {
  const asked = new Set(terms.flatMap(({ term }) => /^[a-z]{3}:(\d+(?:\.\d+)*)$/.exec(term)?.[1] ?? []))
  return part => part !== null && asked.has(part)
}

const partNumber = String.raw`(?<number>\d{1,4}(?:\.\d{1,4})*)(?![\p{L}\p{Nd}^])`
/** "3.2 …", "7. …", "7) …" or "§ 7 …", but not "30 days". */
const numberedText = new RegExp(String.raw`^(?:- )?(?<sign>§ ?)?${partNumber}(?<stop>[.)]?)`, 'u')
/** A sentence that begins with "Section 1.2" may only mention it, a heading does not. */
const numberedHeading = new RegExp(String.raw`^(?:§ ?|\p{L}{1,12}\.? )?${partNumber}`, 'u')

function partOf(text: string, title: string): string | null {
  const { number, sign, stop } = numberedText.exec(text)?.groups ?? {}
  if (number !== undefined && (sign || stop || number.includes('.'))) return number
  return numberedHeading.exec(title.split(separator).at(-1) ?? '')?.groups?.['number'] ?? null
}

function sentencesOf(passage: Passage, passageIndex: number, isFolded: boolean): Unscored[] {
  const { text, language } = passage
  const units = unitsOf(text, { start: 0, end: text.length }, language)
  // The fields of a row of a file are short, and there may be nothing else.
  const isRecord = units.length > 0 && units.every(unit => fieldLine.test(text.slice(unit.start, unit.end)))
  const rows = tableRowsOf(text, units, passage.tableHeader ?? null)
  const read = createReader(text)
  const titles = createTitles(language, isFolded)
  const terms = memoized((own: string) => termsOf(own, language, isFolded))
  let [leadOf, isLead] = ['', true]
  return units.map((unit, position): Unscored => {
    const own = text.slice(unit.start, unit.end)
    const place = placeAt(passage, unit.start)
    const kind = unit.kind === 'code' ? 'code' : isHeading(own, place.title) ? 'heading' : 'sentence'
    const { question, followsBlank } = read(unit, kind === 'sentence' && unit.kind === 'sentence')
    const row = rows[position]
    const title = titles(place.title, question)
    const isField = kind === 'sentence' && fieldLine.test(own)
    const isSeed = kind === 'sentence' && (row === undefined ? isStatement(own, title, isRecord) : mayAnswer(row))
    const section = `${place.title}\n${question ?? ''}`
    if (section !== leadOf) [leadOf, isLead] = [section, true]
    const sentence = {
      passageIndex,
      position,
      start: unit.start,
      end: unit.end,
      text: own,
      kind,
      row,
      terms: kind === 'code' ? noTerms : termsOf(own, language, isFolded),
      header: row?.header ? terms(row.header) : noTerms,
      title,
      similarity: similarityAt(passage, unit.start, unit.end),
      isSeed,
      isField,
      part: partOf(own, place.title),
      isLead: isLead && isSeed,
      followsBlank,
    } as const
    if (isSeed) isLead = false
    return sentence
  })
}

/** An answer below a question may be short ("Ten euros."). Elsewhere so short a text is a fragment. */
function isStatement(own: string, { isQuestion }: Title, isRecord: boolean): boolean {
  return own.length >= (isQuestion || isRecord ? 2 : shortestSeed) && !/[?？]$/.test(own)
}

/** A header answers only with all of its rows. */
function mayAnswer({ header, isOfSmallTable }: TableRow): boolean {
  return header !== null || isOfSmallTable
}

const longestQuestion = 200

/**
 * Reads units in order, and tells for each whether a blank line is above it and which question it answers: the one
 * before it in its paragraph, or one that is the paragraph before it.
 */
function createReader(text: string) {
  let question: string | undefined
  let isAnswered = false
  return ({ start, end }: Unit, isSentence: boolean): { question: string | undefined; followsBlank: boolean } => {
    const own = text.slice(start, end)
    const followsBlank = /\n[^\S\n]*\n[^\S\n]*$/.test(text.slice(Math.max(0, start - 20), start))
    if (!isSentence || (followsBlank && isAnswered)) question = undefined
    if (isSentence && own.length <= longestQuestion && /[?？]$/.test(own)) {
      question = own
      isAnswered = false
      return { question: undefined, followsBlank }
    }
    isAnswered = true
    return { question, followsBlank }
  }
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

/** A line that is one of the headings above it, or that does not end like a sentence and repeats the title. */
function isHeading(text: string, title: string): boolean {
  if (title.split(separator).includes(text)) return true
  return (
    text.length <= 120 &&
    !text.includes('\n') &&
    !/[.!?。！？:;,]$/.test(text) &&
    (title.includes(text) || !/\s/.test(text))
  )
}

const separator = ' › '

function termsOf(text: string, language: string, isFolded: boolean): ReadonlySet<string> {
  const analysis = analyze(text, language)
  if (!isFolded) return new Set(comparedTerms(analysis))
  return new Set([...analysis.folded.map(term => `~${term}`), ...analysis.notations.flatMap(notationTerms)])
}

/** Whether the question asks for this field by its name. */
function isNamed(field: string, wanted: ReadonlySet<string>, { language }: Passage, isFolded: boolean): boolean {
  return !wanted.isDisjointFrom(termsOf(field.replace(/: .*$/gm, ''), language, isFolded))
}

/** Words of the headings above a sentence; `last`: of the nearest one, or of the question that it answers. */
interface Title {
  readonly all: ReadonlySet<string>
  readonly last: ReadonlySet<string>
  readonly isQuestion: boolean
}

const noTerms: ReadonlySet<string> = new Set()

function createTitles(language: string, isFolded: boolean): (title: string, question: string | undefined) => Title {
  const terms = memoized((text: string) => termsOf(text, language, isFolded))
  return (title, question) => {
    const last = question ?? title.slice(title.lastIndexOf(separator) + 1)
    const all = question === undefined ? terms(title) : terms(title).union(terms(question))
    return { all, last: terms(last), isQuestion: /[?？]$/.test(last) }
  }
}

/**
 * How much of the question is in the headings above a sentence. The nearest heading counts most, and of two with the
 * asked words the one with fewer other words wins ("onClose" before "onClose › Execution order").
 */
function headingScore(
  wanted: ReadonlySet<string>,
  rarity: ReadonlyMap<string, number>,
  total: number,
  { all, last }: Title,
): number {
  const inLast = wanted.intersection(last)
  const recall = share(rarity, inLast, total)
  const precision = last.size === 0 ? 0 : inLast.size / last.size
  const nearest = recall + precision === 0 ? 0 : (2 * recall * precision) / (recall + precision)
  return 0.7 * nearest + 0.3 * share(rarity, wanted.intersection(all), total)
}

/** Similarity of the window that contains the middle of the sentence. */
function similarityAt(passage: Passage, start: number, end: number): number | null {
  const middle = passage.start + (start + end) / 2
  const window = passage.windows.find(each => each.start <= middle && middle <= each.end)
  return window?.similarity ?? null
}

/** How informative each asked word is: by how few sentences contain it and how often it was asked. */
function raritiesOf(counts: ReadonlyMap<string, number>, all: readonly Unscored[]): Map<string, number> {
  return new Map(
    Array.from(counts, ([term, asked]) => {
      const count = all.filter(each => each.terms.has(term) || each.title.all.has(term) || each.header.has(term)).length
      return [term, count === 0 ? 0 : asked * Math.log(1 + (all.length - count + 0.5) / (count + 0.5))]
    }),
  )
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
