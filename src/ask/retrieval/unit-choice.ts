import { analyze, comparedTerms } from '../../text/analyze.ts'
import { memoized } from '../../text/memoized.ts'
import { isTableRow, tableHeaderAt } from '../../text/table-rows.ts'
import { unitsOf } from '../../text/units.ts'
import { placeAt } from '../generation/places.ts'
import type { Passage, Unit } from '../terms/passage.ts'

const separator = ' › '

/** A unit of one of several passages, as the reranker reads it. */
export interface UnitOf {
  readonly passageIndex: number
  readonly unit: Unit
  readonly text: string
}

/** How many units a reranker reads: `most`, of one passage `mostPerPassage`, and `leastPerPassage` of each. */
export interface UnitLimits {
  readonly most: number
  readonly mostPerPassage: number
  readonly leastPerPassage: number
}

/**
 * The units of a passage: those that were compared with the question, else its sentences, list items and rows without
 * a similarity. Headings, and headers of tables, are none.
 */
export function passageUnits(passage: Passage): readonly Unit[] {
  if (passage.units !== undefined) return passage.units
  const { text, start, language } = passage
  return unitsOf(text, { start: 0, end: text.length }, language)
    .filter(unit => mayAnswer(passage, unit.start, text.slice(unit.start, unit.end)))
    .map(unit => ({ start: start + unit.start, end: start + unit.end, similarity: null }))
}

function mayAnswer(passage: Passage, at: number, own: string): boolean {
  if (isTableRow(own)) return headerOf(passage, at) !== null
  return !placeAt(passage, at).title.split(separator).includes(own)
}

function headerOf({ text, tableHeader }: Passage, at: number): string | null {
  return tableHeaderAt(text, at, tableHeader ?? null)
}

/** A unit as the reranker reads it: below its headings, and the cells of a row with the header of each. */
export function unitText(passage: Passage, { start, end }: Unit): string {
  const at = start - passage.start
  const own = passage.text.slice(at, end - passage.start)
  const header = isTableRow(own) ? headerOf(passage, at) : null
  const { title } = placeAt(passage, at)
  const shown = header === null ? own : rowText(header, own)
  return title === '' ? shown : `${title}\n${shown}`
}

/**
 * `Speed: F100 100 mm/s, F200 150 mm/s`. Models of sentences do not see which cell stands under which: a cross-encoder
 * scored four rows 0.002 alone, 0.86 below their header and 0.98 like this.
 */
function rowText(header: string, row: string): string {
  const names = cellsOf(header)
  const [first = '', ...rest] = cellsOf(row)
  const named = rest.flatMap((cell, i) => (cell === '' ? [] : [`${names[i + 1] ?? ''} ${cell}`.trim()]))
  const begun = `${names[0] ?? ''} ${first}`.trim()
  return named.length === 0 ? begun : `${begun}: ${named.join(', ')}`
}

function cellsOf(row: string): string[] {
  return row
    .trim()
    .slice(1, -1)
    .split('|')
    .map(cell => cell.trim())
}

/**
 * The units that a reranker should read, the most promising first. They are compared by their similarity to the question
 * and by the question's words in them and in their headings, a word counting by how few units have it.
 */
export function promisingUnits(question: string, passages: readonly Passage[], limits: UnitLimits): UnitOf[] {
  const all = passages.flatMap((passage, passageIndex) =>
    passageUnits(passage).map((unit): UnitOf => ({ passageIndex, unit, text: unitText(passage, unit) })),
  )
  const words = scaled(wordScores(question, all, passages))
  const meaning = scaled(all.map(({ unit }) => unit.similarity ?? -1))
  const ranked = all
    .map((each, i) => ({ each, score: words[i]! + meaning[i]! }))
    .sort((a, b) => b.score - a.score)
    .map(({ each }) => each)
  const taken = new Map<number, number>()
  const [sure, others]: [UnitOf[], UnitOf[]] = [[], []]
  for (const each of ranked) {
    const count = (taken.get(each.passageIndex) ?? 0) + 1
    taken.set(each.passageIndex, count)
    if (count <= limits.leastPerPassage) sure.push(each)
    else if (count <= limits.mostPerPassage) others.push(each)
  }
  return [...sure, ...others].slice(0, limits.most)
}

function wordScores(question: string, units: readonly UnitOf[], passages: readonly Passage[]): number[] {
  const terms = (text: string, language: string) => new Set(comparedTerms(analyze(text, language)))
  const wanted = memoized((language: string) => terms(question, language))
  const found = units.map(({ passageIndex, text }) => {
    const { language } = passages[passageIndex]!
    return [...wanted(language).intersection(terms(text, language))]
  })
  const counts = new Map<string, number>()
  for (const term of found.flat()) counts.set(term, (counts.get(term) ?? 0) + 1)
  return found.map(each => each.reduce((sum, term) => sum + Math.log(1 + units.length / counts.get(term)!), 0))
}

/** To 0…1; all 0 where they are equal. */
function scaled(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return values.map(value => (high > low ? (value - low) / (high - low) : 0))
}
