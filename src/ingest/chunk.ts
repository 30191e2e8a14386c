import { countTokens } from '../text/count-tokens.ts'
import { areRowsOfOneTable, unitsOf, type Unit } from '../text/units.ts'
import { clipped, longestPath } from './bounds.ts'
import { defaultChunking } from './chunk-settings.ts'
import { headingOf, longestChunkCharacters, sectionRuns, type SectionRun } from './section-runs.ts'
import { splitLong } from './split-span.ts'
import type { Chunk, ChunkSection, ChunkSettings, Section, SourceDocument } from './terms.ts'

/**
 * A long section is divided evenly into chunks of about this share of the maximum or less, which makes each half of the
 * maximum or more.
 */
const wantedShare = 0.8
/** A chunk repeats at most two sentences, or one for so many tokens of overlap. */
const tokensPerSentence = 20
const fewestOverlapSentences = 2

/**
 * Divides a document into chunks of 200–400 tokens, or less if a section is short. Chunks begin and end with sentences
 * and do not cross headings, except those of tiny adjacent sections. All text except whitespace is in a chunk. A chunk
 * that begins within a table keeps the header of the table. Settings of the collection may divide otherwise.
 */
export function chunk(document: SourceDocument, language: string, settings: ChunkSettings = defaultChunking): Chunk[] {
  const spans = sectionRuns(document, settings).flatMap(run => chunksOfRun(document, run, { language, settings }))
  return spans.map((span, ordinal) => ({ ordinal, ...span }))
}

interface Dividing {
  readonly language: string
  readonly settings: ChunkSettings
}

type Part = Omit<Chunk, 'ordinal'>

function chunksOfRun(document: SourceDocument, run: SectionRun, dividing: Dividing): Part[] {
  const { text } = document
  const { settings } = dividing
  const whole = settings.by === 'row' ? null : wholeRun(document, run, settings)
  if (whole !== null) return [whole]
  const units = measured(
    text,
    run.sections.flatMap(section => piecesOf(document, section, dividing)),
  )
  const groupEnd = settings.by === 'row' ? rowEnds(text, units) : () => units.length - 1
  const title = titleOf(document.title, run.path)
  const parts: Part[] = []
  for (let first = 0, before = 0; first < units.length;) {
    const last = lastOfChunk(text, units, { first, end: groupEnd(first) }, settings)
    const { end } = units[last]!
    const start = overlapStart(text, units, { before, first, end }, settings)
    const section = first === 0 ? locatingSection(run) : sectionAt(run, units[first]!.start)
    parts.push({
      start,
      end,
      title,
      ...locationOf(section),
      tokens: countTokens(text.slice(start, end)),
      ...sectionsWithin(run, start, end),
      ...headerOf(text, units, first),
    })
    before = first
    first = last + 1
  }
  return parts
}

/** The run as one chunk if it fits. Most runs do, which saves finding their sentences. */
function wholeRun({ text, title }: SourceDocument, run: SectionRun, { size }: ChunkSettings): Part | null {
  if (run.tokens > size) return null
  const slice = text.slice(run.start, run.end)
  const start = run.start + slice.length - slice.trimStart().length
  const end = run.start + slice.trimEnd().length
  const tokens = sizeOf(text.slice(start, end))
  if (start >= end || tokens > size) return null
  const located = { title: titleOf(title, run.path), ...locationOf(locatingSection(run)) }
  return { start, end, ...located, tokens, ...sectionsWithin(run, start, end) }
}

/** The sections of a chunk, if it has several with different headings. */
function sectionsWithin(run: SectionRun, start: number, end: number): { sections?: readonly ChunkSection[] } {
  const sections: Section[] = []
  for (let i = indexAt(run, start); i < run.sections.length && run.sections[i]!.start < end; i++)
    sections.push(run.sections[i]!)
  if (!sections.some(section => section.headings.length > run.path.length)) return {}
  const own = sections.map((section): ChunkSection => {
    const { anchor, page } = section
    return {
      start: section.start,
      headings: section.headings.slice(run.path.length),
      ...(anchor !== undefined && { anchor }),
      ...(page !== undefined && { page }),
    }
  })
  return { sections: own }
}

/** A longer header is cut, because it is repeated in every chunk of its table. */
const longestTableHeader = 600

function headerOf(text: string, units: readonly MeasuredUnit[], first: number): { tableHeader?: string } {
  const header = units[first]!.header
  if (header === null) return {}
  return { tableHeader: clipped(text.slice(header.start, header.end), longestTableHeader) }
}

/** Number of tokens. Text that is too long anyway is not counted. */
function sizeOf(text: string): number {
  return text.length > longestChunkCharacters ? Infinity : countTokens(text)
}

function sectionAt(run: SectionRun, offset: number): Section {
  return run.sections[indexAt(run, offset)]!
}

/**
 * The last section that begins at or before the offset. Binary search, because there may be as many sections as lines.
 */
function indexAt({ sections }: SectionRun, offset: number): number {
  let [low, high] = [0, sections.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (sections[middle]!.start <= offset) low = middle
    else high = middle
  }
  return low
}

/**
 * The section whose anchor and page the first chunk of a run gets. If bare headings come first, it is the first section
 * with text.
 */
function locatingSection(run: SectionRun): Section {
  return run.sections.find(section => section.headings.length >= run.path.length) ?? run.sections[0]!
}

function locationOf(section: Section): { anchor: string | null; page: number | null } {
  return { anchor: section.anchor ?? null, page: section.page ?? null }
}

function titleOf(title: string, path: readonly string[]): string {
  return clipped([title, ...(path[0] === title ? path.slice(1) : path)].join(' › '), longestPath)
}

/** The units of a section, with the heading line as its own unit and long units divided so that each fits a chunk. */
function piecesOf(document: SourceDocument, section: Section, { language, settings }: Dividing): Unit[] {
  const { text } = document
  const from = section.start + (headingOf(document, section)?.length ?? 0)
  const heading: Unit[] = from > section.start ? [{ kind: 'heading', start: section.start, end: from }] : []
  const units = [...heading, ...unitsOf(text, { start: from, end: section.end }, language)]
  return units.flatMap(unit => splitLong(text, unit, settings.size, sizeOf).map(span => ({ ...span, kind: unit.kind })))
}

interface MeasuredUnit extends Unit {
  /** Tokens from the first unit to the end of this one. */
  readonly total: number
  /** Cost of ending a chunk here, from 0 after a paragraph to 1 between a heading and its text. */
  readonly endCost: number
  /** The header of its table, if it is a row below one. */
  readonly header: Unit | null
}

function measured(text: string, units: readonly Unit[]): MeasuredUnit[] {
  let total = 0
  let header: Unit | null = null
  return units.map((unit, i) => {
    const before = units[i - 1]
    // A unit includes the whitespace in front of it.
    total += countTokens(text.slice(before?.end ?? unit.start, unit.end))
    header = areRowsOfOneTable(text, before, unit) ? (header ?? before!) : null
    const isHeader = header === null && areRowsOfOneTable(text, unit, units[i + 1])
    return { ...unit, total, endCost: isHeader ? 1 : endCostOf(text, unit, units[i + 1]), header }
  })
}

function endCostOf(text: string, unit: Unit, next: Unit | undefined): number {
  if (next === undefined) return 0
  if (unit.kind === 'heading') return 1
  // "For example:" belongs to what follows, and code to the sentence that introduces it.
  if (text[unit.end - 1] === ':' || (next.kind === 'code' && unit.kind !== 'code')) return 0.8
  const between = text.slice(unit.end, next.start)
  return /\n[^\S\n]*\n/.test(between) ? 0 : between.includes('\n') ? 0.1 : 0.25
}

/** First and last index of units that may become a chunk. */
interface Range {
  readonly first: number
  readonly end: number
}

/**
 * The best last unit for a chunk that begins with `first`: close to an even share of the rest, and at a good boundary.
 */
function lastOfChunk(
  text: string,
  units: readonly MeasuredUnit[],
  { first, end }: Range,
  { size }: ChunkSettings,
): number {
  const before = units[first - 1]?.total ?? 0
  const rest = units[end]!.total - before
  if (rest <= size) return shortened(text, units, { first, end }, size)
  const share = rest / Math.ceil(rest / (size * wantedShare))
  let best = { last: first, cost: Infinity }
  for (let last = first; last < end; last++) {
    const tokens = units[last]!.total - before
    if (tokens > size || units[last]!.end - units[first]!.start > longestChunkCharacters) break
    const cost = Math.abs(tokens - share) / share + units[last]!.endCost
    if (cost <= best.cost) best = { last, cost }
  }
  return shortened(text, units, { first, end: best.last }, size)
}

/** Drops units until the chunk fits, because token counts of parts do not add up exactly to that of the whole. */
function shortened(text: string, units: readonly MeasuredUnit[], { first, end }: Range, size: number): number {
  let fitting = end
  while (fitting > first && sizeOf(text.slice(units[first]!.start, units[fitting]!.end)) > size) fitting -= 1
  return fitting
}

/**
 * Start of the chunk at `first`, including some sentences of the previous chunk (which begins at `before`) if they are
 * short, fit, and are not the whole previous chunk.
 */
function overlapStart(
  text: string,
  units: readonly MeasuredUnit[],
  { before, first, end }: { before: number; first: number; end: number },
  { size, overlap: mostTokens }: ChunkSettings,
): number {
  let start = units[first]!.start
  const sentences = Math.max(fewestOverlapSentences, Math.ceil(mostTokens / tokensPerSentence))
  const earliest = Math.max(before + 1, first - sentences)
  for (let i = first - 1; i >= earliest && leadsTo(text, units[i]!, start); i--) {
    const earlier = units[i]!.start
    const overlap = sizeOf(text.slice(earlier, units[first]!.start))
    if (overlap > mostTokens || sizeOf(text.slice(earlier, end)) > size) break
    start = earlier
  }
  return start
}

/** Whether a sentence helps to understand the text at `next`. List items and rows only do so within their own line. */
function leadsTo(text: string, unit: Unit, next: number): boolean {
  if (unit.kind !== 'sentence') return false
  if (!text.slice(unit.end, next).includes('\n')) return true
  return !isListItem(lineAt(text, unit))
}

/** From the beginning of the line of a unit to the unit's end. */
function lineAt(text: string, { start, end }: Unit): string {
  return text.slice(text.lastIndexOf('\n', start - 1) + 1, end)
}

function isListItem(line: string): boolean {
  return /^\s*(?:[-*•|]|\d{1,3}[.)])\s/.test(line)
}

/**
 * The last unit of the row, list item, paragraph or block of code that a unit is in. Headings, lines that introduce what
 * follows and the header of a table belong to the first one below them.
 */
function rowEnds(text: string, units: readonly MeasuredUnit[]): (first: number) => number {
  const ends: number[] = []
  for (let i = units.length - 1; i >= 0; i--)
    ends[i] = i < units.length - 1 && !isRowEnd(text, units[i]!, units[i + 1]!) ? ends[i + 1]! : i
  return first => ends[first]!
}

function isRowEnd(text: string, unit: MeasuredUnit, next: MeasuredUnit): boolean {
  const isHeader = unit.endCost === 1
  const isIntroduction = unit.kind === 'sentence' && text[unit.end - 1] === ':'
  if (isHeader || isIntroduction) return false
  const between = text.slice(unit.end, next.start)
  if (!between.includes('\n')) return false
  if (/\n[^\S\n]*\n/.test(between) || next.kind !== 'sentence' || unit.kind !== 'sentence') return true
  return isNumberedOrMarked(lineAt(text, next))
}

/** `- x`, `3.2. x`, `b) x`. */
function isNumberedOrMarked(line: string): boolean {
  return /^\s*(?:[-*•]|(?:\d{1,3}\.)+(?:\d{1,3}\.?)?|[\p{L}\d]{1,3}[.)])\s/u.test(line)
}
