import { tableHeaderAt } from '../text/table-rows.ts'
import { unitsOf, type Unit } from '../text/units.ts'
import { splitLong } from './split-span.ts'
import type { Chunk, ChunkWindow } from './terms.ts'
import { embeddable, separator, shortTitle, withoutFront, withTitle, type WindowModel } from './windows.ts'

/**
 * What is compared with a question by itself: a sentence, list item or table row. Offsets are into the document's text;
 * `head` is the index of what is put in front of it.
 */
export interface DraftUnit extends ChunkWindow {
  readonly head: number
}

/** The units of a chunk. Units share their heads, so that a table of short rows is not a hundred times its size. */
export interface DraftUnits {
  readonly heads: readonly string[]
  readonly units: readonly DraftUnit[]
}

/**
 * The units of a chunk, each with the path of its headings, and a row with the header of its table, as far as they fit
 * the model. A heading is no unit of its own, and no unit reaches over one. A line that is a question is a heading of the
 * paragraph below it, and so is one that introduces list items.
 */
export function chunkUnits(text: string, chunk: Chunk, language: string, model: WindowModel): DraftUnits {
  const heads: string[] = []
  const units: DraftUnit[] = []
  for (const part of partsOf(text, chunk))
    for (const unit of wholeUnits(text, part, language, model)) {
      const path = withHeader(text, chunk, unit.path, unit)
      const head = fittingHead(shortTitle(path, model), embeddable(text.slice(unit.start, unit.end)), model)
      let index = heads.lastIndexOf(head)
      if (index === -1) index = heads.push(head) - 1
      units.push({ start: unit.start, end: unit.end, head: index })
    }
  return { heads, units }
}

/** The text that is embedded for a unit: `title › heading. sentence` on one line. */
export function unitText(text: string, { heads }: Pick<DraftUnits, 'heads'>, { start, end, head }: DraftUnit): string {
  return withTitle(heads[head]!, embeddable(text.slice(start, end)))
}

interface Part extends ChunkWindow {
  /** Title and headings. */
  readonly path: string
}

/** The parts of a chunk under one heading each, without the lines of their headings. */
function partsOf(text: string, chunk: Chunk): Part[] {
  const { sections = [], title } = chunk
  const starts = sections.map(section => Math.max(chunk.start, section.start))
  const parts = [
    { start: chunk.start, end: starts[0] ?? chunk.end, path: title },
    ...sections.map(({ headings }, i) => ({
      start: starts[i]!,
      end: starts[i + 1] ?? chunk.end,
      path: [title, ...headings].join(separator),
    })),
  ]
  return parts.flatMap(part => {
    const start = part.start + headingsLength(text.slice(part.start, part.end), part.path)
    return text.slice(start, part.end).trim() === '' ? [] : [{ ...part, start }]
  })
}

/** Length of the lines at the start of a text that are headings of its path, whatever their case. */
function headingsLength(text: string, path: string): number {
  const headings = new Set(path.toLowerCase().split(separator))
  let length = 0
  for (const { 0: line } of text.matchAll(/[^\n]*(?:\n|$)/g)) {
    if (line === '' || (line.trim() !== '' && !headings.has(line.trim().toLowerCase()))) break
    length += line.length
  }
  return length
}

/** The units of a part, those that are too long for the model divided, and those that say nothing alone joined. */
function wholeUnits(text: string, part: Part, language: string, model: WindowModel): Part[] {
  const units = unitsOf(text, part, language).filter(unit => model.readsCode || unit.kind !== 'code')
  return underLeads(text, part, joinedShort(text, units)).flatMap((unit): Part[] => {
    const body = embeddable(text.slice(unit.start, unit.end))
    if (fits(body, model)) return [unit]
    const lengthOf = (slice: string) => model.countTokens(embeddable(slice))
    return splitLong(text, unit, model.maxTokens, lengthOf).map(span => ({ ...span, path: unit.path }))
  })
}

/** The lines that the next unit stands under, besides the headings. */
interface Leads {
  readonly question: string | null
  readonly list: string | null
}

const noLeads: Leads = { question: null, list: null }

/** Puts questions and introductions of lists into the paths of what stands under them. A question is then no unit. */
function underLeads(text: string, { path }: Part, units: readonly Unit[]): Part[] {
  const found: Part[] = []
  let leads = noLeads
  let before: Unit | null = null
  for (const [i, unit] of units.entries()) {
    const own = embeddable(text.slice(unit.start, unit.end))
    leads = leadsOf(text, leads, { unit, isBlankBefore: before !== null && hasBlankLine(text, before, unit) })
    const next = units[i + 1]
    before = unit
    if (isQuestionLine(text, unit) && next !== undefined && !isQuestionLine(text, next)) {
      leads = { question: own, list: null }
      before = null
      continue
    }
    const parts = [path, leads.question, leads.list].filter(part => part !== null)
    found.push({ start: unit.start, end: unit.end, path: parts.join(separator) })
    if (own.endsWith(':') && next !== undefined && isItem(text, next)) {
      leads = { ...leads, list: own.slice(0, -1) }
      before = null
    }
  }
  return found
}

/** A question leads to one paragraph, an introduction to its list. */
function leadsOf(text: string, leads: Leads, { unit, isBlankBefore }: { unit: Unit; isBlankBefore: boolean }): Leads {
  if (leads.list !== null && isItem(text, unit)) return leads
  return { question: isBlankBefore ? null : leads.question, list: null }
}

function isQuestionLine(text: string, { kind, start, end }: Unit): boolean {
  return kind === 'sentence' && /[?？؟]$/.test(text.slice(start, end)) && isLine(text, start, end)
}

function isLine(text: string, start: number, end: number): boolean {
  return (
    /(?:^|\n)[^\S\n]*$/.test(text.slice(Math.max(0, start - 20), start)) &&
    /^[^\S\n]*(?:\n|$)/.test(text.slice(end, end + 20))
  )
}

function isItem(text: string, { kind, start }: Unit): boolean {
  return kind === 'row' || /^\s*(?:[-*+•·–—]|\(?\d{1,3}[.)]|\(?\p{L}\))\s/u.test(text.slice(start, start + 12))
}

function hasBlankLine(text: string, before: Unit, unit: Unit): boolean {
  return /\n[^\S\n]*\n/.test(text.slice(before.end, unit.start))
}

/** "Yes." says nothing without the sentence after it, which it is joined with. */
function joinedShort(text: string, units: readonly Unit[]): Unit[] {
  const joined: Unit[] = []
  for (const unit of units) {
    const last = joined.at(-1)
    const isOfLast =
      last?.kind === 'sentence' &&
      unit.kind === 'sentence' &&
      isOneWord(text.slice(last.start, last.end)) &&
      !text.slice(last.end, unit.start).includes('\n')
    if (isOfLast) joined[joined.length - 1] = { ...unit, start: last.start }
    else joined.push(unit)
  }
  return joined
}

function isOneWord(text: string): boolean {
  return text.length < 20 && !/\S\s+\S/.test(text)
}

function withHeader(text: string, chunk: Chunk, path: string, unit: ChunkWindow): string {
  const header = tableHeaderAt(text.slice(chunk.start, chunk.end), unit.start - chunk.start, chunk.tableHeader)
  return header === null ? path : `${path}${separator}${header}`
}

function fittingHead(title: string, body: string, model: WindowModel): string {
  let head = title
  while (head !== '' && !fits(withTitle(head, body), model)) head = withoutFront(head)
  return head
}

/** Most texts are so short that they fit however they are divided into tokens. */
function fits(text: string, model: WindowModel): boolean {
  return 4 * text.length + 2 <= model.maxTokens || model.countTokens(text) <= model.maxTokens
}
