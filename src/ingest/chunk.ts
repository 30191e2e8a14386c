import { countTokens } from '../text/count-tokens.ts'
import { unitsOf, type Unit } from '../text/units.ts'
import { clipped, longestPath } from './bounds.ts'
import { headingOf, longestChunkCharacters, sectionRuns, type SectionRun } from './section-runs.ts'
import { splitLong } from './split-span.ts'
import type { Chunk, ChunkSection, Section, SourceDocument } from './terms.ts'

/** Maximum length of a chunk. Five chunks, a question and an answer fit the context of a small model. */
export const longestChunkTokens = 400
/** A long section is divided evenly into chunks of about this size or less, which makes each 200 tokens or more. */
const wantedTokens = 320
/** How much a chunk may repeat from the end of the previous one, for sentences that begin with "it" or "this". */
const longestOverlapTokens = 40
const maxOverlapSentences = 2

/**
 * Divides a document into chunks of 200–400 tokens, or less if a section is short. Chunks begin and end with sentences
 * and do not cross headings, except those of tiny adjacent sections. All text except whitespace is in a chunk. A chunk
 * that begins within a table keeps the header of the table.
 */
export function chunk(document: SourceDocument, language: string): Chunk[] {
  const spans = sectionRuns(document).flatMap(run => chunksOfRun(document, run, language))
  return spans.map((span, ordinal) => ({ ordinal, ...span }))
}

type Part = Omit<Chunk, 'ordinal'>

function chunksOfRun(document: SourceDocument, run: SectionRun, language: string): Part[] {
  const { text } = document
  const whole = wholeRun(document, run)
  if (whole !== null) return [whole]
  const units = measured(
    text,
    run.sections.flatMap(section => piecesOf(document, section, language)),
  )
  const title = titleOf(document.title, run.path)
  const parts: Part[] = []
  for (let first = 0, before = 0; first < units.length;) {
    const last = lastOfChunk(text, units, first)
    const { end } = units[last]!
    const start = overlapStart(text, units, { before, first }, end)
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
function wholeRun({ text, title }: SourceDocument, run: SectionRun): Part | null {
  if (run.tokens > longestChunkTokens) return null
  const slice = text.slice(run.start, run.end)
  const start = run.start + slice.length - slice.trimStart().length
  const end = run.start + slice.trimEnd().length
  const tokens = sizeOf(text.slice(start, end))
  if (start >= end || tokens > longestChunkTokens) return null
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

/** The section whose anchor and page a run gets. If bare headings come first, it is the first section with text. */
function locatingSection(run: SectionRun): Section {
  return run.sections.find(section => section.headings.length === run.path.length) ?? run.sections[0]!
}

function locationOf(section: Section): { anchor: string | null; page: number | null } {
  return { anchor: section.anchor ?? null, page: section.page ?? null }
}

function titleOf(title: string, path: readonly string[]): string {
  return clipped([title, ...(path[0] === title ? path.slice(1) : path)].join(' › '), longestPath)
}

/** The units of a section, with the heading line as its own unit and long units divided so that each fits a chunk. */
function piecesOf(document: SourceDocument, section: Section, language: string): Unit[] {
  const { text } = document
  const from = section.start + (headingOf(document, section)?.length ?? 0)
  const heading: Unit[] = from > section.start ? [{ kind: 'heading', start: section.start, end: from }] : []
  const units = [...heading, ...unitsOf(text, { start: from, end: section.end }, language)]
  return units.flatMap(unit =>
    splitLong(text, unit, longestChunkTokens, sizeOf).map(span => ({ ...span, kind: unit.kind })),
  )
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
    header = isNextRow(text, before, unit) ? (header ?? before!) : null
    const isHeader = header === null && isNextRow(text, unit, units[i + 1])
    return { ...unit, total, endCost: isHeader ? 1 : endCostOf(text, unit, units[i + 1]), header }
  })
}

/** Whether both are rows of one table. */
function isNextRow(text: string, unit: Unit | undefined, next: Unit | undefined): boolean {
  if (unit?.kind !== 'row' || next?.kind !== 'row') return false
  return /^[^\S\n]*\n[^\S\n]*$/.test(text.slice(unit.end, next.start))
}

function endCostOf(text: string, unit: Unit, next: Unit | undefined): number {
  if (next === undefined) return 0
  if (unit.kind === 'heading') return 1
  // "For example:" belongs to what follows, and code to the sentence that introduces it.
  if (text[unit.end - 1] === ':' || (next.kind === 'code' && unit.kind !== 'code')) return 0.8
  const between = text.slice(unit.end, next.start)
  return /\n[^\S\n]*\n/.test(between) ? 0 : between.includes('\n') ? 0.1 : 0.25
}

/**
 * The best last unit for a chunk that begins with `first`: close to an even share of the rest, and at a good boundary.
 */
function lastOfChunk(text: string, units: readonly MeasuredUnit[], first: number): number {
  const before = units[first - 1]?.total ?? 0
  const rest = units.at(-1)!.total - before
  if (rest <= longestChunkTokens) return shortened(text, units, first, units.length - 1)
  const share = rest / Math.ceil(rest / wantedTokens)
  let best = { last: first, cost: Infinity }
  for (let last = first; last < units.length - 1; last++) {
    const tokens = units[last]!.total - before
    if (tokens > longestChunkTokens || units[last]!.end - units[first]!.start > longestChunkCharacters) break
    const cost = Math.abs(tokens - share) / share + units[last]!.endCost
    if (cost <= best.cost) best = { last, cost }
  }
  return shortened(text, units, first, best.last)
}

/** Drops units until the chunk fits, because token counts of parts do not add up exactly to that of the whole. */
function shortened(text: string, units: readonly MeasuredUnit[], first: number, last: number): number {
  let fitting = last
  while (fitting > first && sizeOf(text.slice(units[first]!.start, units[fitting]!.end)) > longestChunkTokens)
    fitting -= 1
  return fitting
}

/**
 * Start of the chunk at `first`, including up to two sentences of the previous chunk (which begins at `before`) if they
 * are short, fit, and are not the whole previous chunk.
 */
function overlapStart(
  text: string,
  units: readonly MeasuredUnit[],
  { before, first }: { before: number; first: number },
  end: number,
): number {
  let start = units[first]!.start
  const earliest = Math.max(before + 1, first - maxOverlapSentences)
  for (let i = first - 1; i >= earliest && leadsTo(text, units[i]!, start); i--) {
    const earlier = units[i]!.start
    const overlap = sizeOf(text.slice(earlier, units[first]!.start))
    if (overlap > longestOverlapTokens || sizeOf(text.slice(earlier, end)) > longestChunkTokens) break
    start = earlier
  }
  return start
}

/** Whether a sentence helps to understand the text at `next`. List items and rows only do so within their own line. */
function leadsTo(text: string, unit: Unit, next: number): boolean {
  if (unit.kind !== 'sentence') return false
  if (!text.slice(unit.end, next).includes('\n')) return true
  const line = text.slice(text.lastIndexOf('\n', unit.start - 1) + 1, unit.end)
  return !/^\s*(?:[-*•|]|\d{1,3}[.)])\s/.test(line)
}
