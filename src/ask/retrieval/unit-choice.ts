import { analyze, comparedTerms } from '../../text/analyze.ts'
import { memoized } from '../../text/memoized.ts'
import { unitsOf } from '../../text/units.ts'
import { placeAt } from '../generation/places.ts'
import type { Passage, Unit } from '../terms.ts'

const separator = ' › '

/**
 * The units of a passage: those that were compared with the question, else its sentences, list items and rows without
 * a similarity. Headings are none.
 */
export function passageUnits(passage: Passage): readonly Unit[] {
  if (passage.units !== undefined) return passage.units
  const { text, start, language } = passage
  return unitsOf(text, { start: 0, end: text.length }, language)
    .filter(unit => !isHeading(text.slice(unit.start, unit.end), placeAt(passage, unit.start).title))
    .map(unit => ({ start: start + unit.start, end: start + unit.end, similarity: null }))
}

function isHeading(own: string, title: string): boolean {
  return title.split(separator).includes(own.trim())
}

/** A unit as the reranker reads it: with its headings, and a row of a table with the header. */
export function unitText(passage: Passage, { start, end }: Unit): string {
  const [from, to] = [start - passage.start, end - passage.start]
  const { title } = placeAt(passage, from)
  const header = passage.tableHeader === undefined || from > 0 ? '' : `${passage.tableHeader}\n`
  return `${title === '' ? '' : `${title}\n`}${header}${passage.text.slice(from, to)}`
}

/**
 * The units that a reranker should read, the most promising first: at most `perPassage` of each passage. They are
 * compared by their similarity to the question and by the question's words in them and in their headings, a word
 * counting by how few units have it.
 */
export function promisingUnits(question: string, passages: readonly Passage[], perPassage: number): UnitOf[] {
  const terms = (text: string, language: string) => new Set(comparedTerms(analyze(text, language)))
  const all = passages.flatMap((passage, passageIndex) =>
    passageUnits(passage).map((unit): UnitOf => ({ passageIndex, unit, text: unitText(passage, unit) })),
  )
  const wanted = memoized((language: string) => terms(question, language))
  const found = all.map(({ passageIndex, text }) => {
    const { language } = passages[passageIndex]!
    return wanted(language).intersection(terms(text, language))
  })
  const counts = new Map<string, number>()
  for (const each of found) for (const term of each) counts.set(term, (counts.get(term) ?? 0) + 1)
  const words = scaled(found.map(each => sumOf(each, term => Math.log(1 + all.length / counts.get(term)!))))
  const meaning = scaled(all.map(({ unit }) => unit.similarity ?? -1))
  const ranked = all
    .map((each, i) => ({ each, score: words[i]! + meaning[i]! }))
    .sort((a, b) => b.score - a.score)
    .map(({ each }) => each)
  const taken = new Map<number, number>()
  return ranked.filter(({ passageIndex }) => {
    const count = (taken.get(passageIndex) ?? 0) + 1
    taken.set(passageIndex, count)
    return count <= perPassage
  })
}

export interface UnitOf {
  readonly passageIndex: number
  readonly unit: Unit
  readonly text: string
}

function sumOf(terms: ReadonlySet<string>, valueOf: (term: string) => number): number {
  let sum = 0
  for (const term of terms) sum += valueOf(term)
  return sum
}

/** To 0…1; all 0 where they are equal. */
function scaled(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return values.map(value => (high > low ? (value - low) / (high - low) : 0))
}
