import { analyze, comparedTerms, notationTerms } from '../../text/analyze.ts'
import { memoized } from '../../text/memoized.ts'
import { unitsOf, type Unit } from '../../text/units.ts'
import type { Passage } from '../terms/passage.ts'
import { placeAt } from './places.ts'
import { tableRowsOf, type TableRow } from './table-rows.ts'

/** A sentence, row or block of code of a passage, before it is compared with a question. */
export interface PassageSentence {
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
  /** Set for an item of a list, or one that begins a step of it. */
  readonly item: ListItem | null
  readonly terms: ReadonlySet<string>
  /** Words of the header above a row. */
  readonly header: ReadonlySet<string>
  readonly title: Title
  /** Its section, by title and the question in the text that it answers. */
  readonly section: string
  /** Number of the part that the sentence begins, or that its heading begins: "3.2". */
  readonly part: string | null
  /** Whether an answer may begin with it. Headings, code, questions and fragments do not answer. */
  readonly isSeed: boolean
  readonly isField: boolean
  /** The first of its section that may answer. */
  readonly isLead: boolean
  readonly followsBlank: boolean
}

/** `step`: of a numbered list. */
export type ListItem = 'step' | 'bullet'

/** Words of the headings above a sentence; `last`: of the nearest one, or of the question that it answers. */
export interface Title {
  readonly all: ReadonlySet<string>
  readonly last: ReadonlySet<string>
  readonly isQuestion: boolean
}

/** Lines like "Price: 249". */
const fieldLine = /^(?:\p{L}[^:\n]{0,60}: \S[^\n]*(?:\n|$))+$/u
const separator = ' › '
const noTerms: ReadonlySet<string> = new Set()

/** The sentences of a passage, in order. `isFolded`: their words without diacritics, as the question was typed. */
export function sentencesOf(passage: Passage, passageIndex: number, isFolded: boolean): PassageSentence[] {
  const { text, language } = passage
  const units = unitsOf(text, { start: 0, end: text.length }, language)
  const places = units.map(unit => placeAt(passage, unit.start).title)
  // The fields of a row of a file are short, and there may be nothing else.
  const isRecord = units.length > 0 && units.every(unit => fieldLine.test(text.slice(unit.start, unit.end)))
  const rows = tableRowsOf(text, units, passage.tableHeader ?? null)
  const read = createReader(text)
  const titles = createTitles(language, isFolded)
  const headerTerms = memoized((own: string) => termsOf(own, language, isFolded))
  const ownTerms = (own: string, kind: string) => (kind === 'code' ? noTerms : termsOf(own, language, isFolded))
  let [leadOf, isLead] = ['', true]
  return units.map((unit, position): PassageSentence => {
    const own = text.slice(unit.start, unit.end)
    const place = places[position]!
    const isLast = position + 1 === units.length || places[position + 1] !== place
    const kind = kindOf(unit, own, place, isLast)
    const { question, followsBlank } = read(unit, kind === 'sentence' && unit.kind === 'sentence')
    const row = rows[position]
    const item = itemOf(own)
    const title = titles(place, question)
    const isField = kind === 'sentence' && fieldLine.test(own)
    const section = `${place}\n${question ?? ''}`
    if (section !== leadOf) [leadOf, isLead] = [section, true]
    const isWhole = isRecord || (isLast && isLead)
    const isSeed = kind === 'sentence' && mayAnswer(own, { row, item, title, isWhole, isLast })
    const sentence = {
      passageIndex,
      position,
      start: unit.start,
      end: unit.end,
      text: own,
      kind,
      row,
      item,
      terms: ownTerms(own, kind),
      header: row?.header ? headerTerms(row.header) : noTerms,
      title,
      section,
      isSeed,
      isField,
      part: partOf(own, place),
      isLead: isLead && isSeed,
      followsBlank,
    } as const
    if (isSeed) isLead = false
    return sentence
  })
}

function kindOf({ kind }: Unit, own: string, place: string, isLast: boolean): PassageSentence['kind'] {
  if (kind === 'code') return 'code'
  return isHeading(own, place, isLast) ? 'heading' : 'sentence'
}

/** Without the end of a sentence, a shorter text is a fragment: a label, a caption, the number of a page. */
const shortestOpen = 25
const sentenceEnd = /[.!…。！।۔](?:["'”’»）)\]]|\\?\[[^\]\n]{1,12}\])*$/u
/** "Article 74." and what stands in it are two sentences. */
const label = /^\p{L}{1,20}\.? ?\d[\d.]*[.)]?$/u
const asks = /[?？]["'”’»）)]*$/u

type Surroundings = Pick<PassageSentence, 'row' | 'item' | 'title'> & {
  /** All there is of its section. */
  readonly isWhole: boolean
  /** The last of its section. */
  readonly isLast: boolean
}

/**
 * Below a question, or as all there is of a section or an item, an answer may be short ("Ten euros", "Yes"). A header
 * answers only with all of its rows.
 */
function mayAnswer(own: string, { row, item, title, isWhole, isLast }: Surroundings): boolean {
  if (row !== undefined) return row.header !== null || row.isOfSmallTable
  if (own.length < 2 || asks.test(own) || !/[\p{L}\p{N}]/u.test(own) || (!isLast && label.test(own))) return false
  return isWhole || title.isQuestion || item !== null || own.length >= shortestOpen || sentenceEnd.test(own)
}

function itemOf(own: string): ListItem | null {
  if (/^\(?\d{1,3}[.)]\s/.test(own)) return 'step'
  return /^[-*+•·▪◦–—]\s/.test(own) ? 'bullet' : null
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
 * A line that is one of the headings above it, or that does not end like a sentence and repeats the title. A line of
 * one word is a heading of what stands below it.
 */
function isHeading(text: string, title: string, isLast: boolean): boolean {
  if (title.split(separator).includes(text)) return true
  return (
    text.length <= 120 &&
    !text.includes('\n') &&
    !/[?？:;,]$/.test(text) &&
    !sentenceEnd.test(text) &&
    (title.includes(text) || (!isLast && !/\s/.test(text)))
  )
}

function createTitles(language: string, isFolded: boolean): (title: string, question: string | undefined) => Title {
  const terms = memoized((text: string) => termsOf(text, language, isFolded))
  return (title, question) => {
    const last = question ?? title.slice(title.lastIndexOf(separator) + 1)
    const all = question === undefined ? terms(title) : terms(title).union(terms(question))
    return { all, last: terms(last), isQuestion: /[?？]$/.test(last) }
  }
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

/** Whether the question asks for this field by its name. */
export function isNamed(field: string, wanted: ReadonlySet<string>, language: string, isFolded: boolean): boolean {
  return !wanted.isDisjointFrom(termsOf(field.replace(/: .*$/gm, ''), language, isFolded))
}

function termsOf(text: string, language: string, isFolded: boolean): ReadonlySet<string> {
  const analysis = analyze(text, language)
  if (!isFolded) return new Set(comparedTerms(analysis))
  return new Set([...analysis.folded.map(term => `~${term}`), ...analysis.notations.flatMap(notationTerms)])
}
