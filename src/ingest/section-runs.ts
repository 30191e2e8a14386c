import { countTokens } from '../text/count-tokens.ts'
import { defaultChunking } from './chunk-settings.ts'
import type { ChunkSettings, Section, SourceDocument } from './terms.ts'

/** Adjacent sections that are chunked as one. */
export interface SectionRun {
  readonly start: number
  readonly end: number
  /** Headings that all sections of the run are under. */
  readonly path: readonly string[]
  /** The sections, each with its own heading line at the top. */
  readonly sections: readonly Section[]
  readonly tokens: number
}

/**
 * Maximum length of a chunk in UTF-16 units, because 400 tokens can be 40,000 spaces or dashes. In prose and code they
 * are at most 3,000 units.
 */
export const longestChunkCharacters = 8000

/** A section of a smaller share of the maximum length of chunks is too small to be a chunk. */
const tinyShare = 1 / 4
/** Tiny sections are joined until a run has this share. */
const enoughShare = 1 / 2
/** A document with more runs than this joins questions like other headings, so that their number stays in bounds. */
const mostQuestions = 5000
/** Tokens of the blank line between two sections. */
const blankLineTokens = 2

/**
 * The sections of a document, with tiny ones joined to a neighbour under the same parent, so that forty headings with
 * two lines each become a few chunks. A heading without text of its own joins the first section below it. A question
 * and its answer stay a chunk of their own, which is found by the question. By row, sections are not joined; by document,
 * all are.
 */
export function sectionRuns(
  document: SourceDocument,
  { size, by }: Pick<ChunkSettings, 'size' | 'by'> = defaultChunking,
): SectionRun[] {
  const single = coveringSections(document).map((section): SectionRun => {
    const length = section.end - section.start
    const tokens =
      length > longestChunkCharacters ? Infinity : countTokens(document.text.slice(section.start, section.end))
    return { start: section.start, end: section.end, path: section.headings, sections: [section], tokens }
  })
  if (by === 'document') return single.length > 0 ? [joinedAll(single)] : []
  let runs = withBareHeadings(document, single)
  if (by === 'row') return runs
  const areQuestionsKept = runs.length <= mostQuestions
  const depth = Math.max(0, ...new Set(runs.map(run => run.path.length)))
  for (let level = depth; level >= 0; level--) {
    // First form runs of a good size, then join what is still tiny to a neighbour that has room.
    runs = joined(runs, level, { size, untilTokens: size * enoughShare, areQuestionsKept })
    runs = joined(runs, level, { size, untilTokens: size, areQuestionsKept })
  }
  return runs
}

/** The sections, plus one for each range of text that none of them covers. */
function coveringSections({ text, sections }: SourceDocument): Section[] {
  const covering: Section[] = []
  let at = 0
  for (const section of sections) {
    const start = Math.max(at, section.start)
    if (text.slice(at, start).trim() !== '') covering.push({ start: at, end: start, headings: [] })
    if (section.end > start) covering.push({ ...section, start })
    at = Math.max(at, section.end)
  }
  if (text.slice(at).trim() !== '') covering.push({ start: at, end: text.length, headings: [] })
  return covering
}

function withBareHeadings(document: SourceDocument, runs: readonly SectionRun[]): SectionRun[] {
  const result: SectionRun[] = []
  const bare: SectionRun[] = []
  for (const run of runs) {
    const before = bare.at(-1)
    if (before !== undefined && !startsWith(run.path, before.path)) result.push(joinedUnder(bare.splice(0)))
    bare.push(run)
    if (!isBare(document, run)) result.push(joinedUnder(bare.splice(0)))
  }
  if (bare.length > 0) result.push(joinedUnder(bare))
  return result
}

/** Joins bare headings with the section below them, whose path the run gets. */
function joinedUnder(runs: readonly SectionRun[]): SectionRun {
  const last = runs.at(-1)!
  const sections = runs.flatMap(run => run.sections)
  const tokens = runs.reduce((sum, run) => sum + run.tokens, blankLineTokens * (runs.length - 1))
  return { start: runs[0]!.start, end: last.end, path: last.path, sections, tokens }
}

/** One run of all sections. */
function joinedAll(runs: readonly SectionRun[]): SectionRun {
  const path = runs.reduce<readonly string[]>((shared, run) => common(shared, run.path), runs[0]!.path)
  return { ...joinedUnder(runs), path }
}

/** Whether the run consists of a heading without text. */
function isBare(document: SourceDocument, { sections: [section] }: SectionRun): boolean {
  const heading = section === undefined ? null : headingOf(document, section)
  return heading !== null && document.text.slice(section!.start + heading.length, section!.end).trim() === ''
}

/** The heading on the first line of a section's text, or null if there is none. */
export function headingOf({ text, title }: SourceDocument, section: Section): string | null {
  const lineEnd = text.indexOf('\n', section.start)
  const line = text.slice(section.start, lineEnd === -1 ? section.end : Math.min(lineEnd, section.end))
  if (line !== '' && line === section.headings.at(-1)) return line
  const isTitle = section.headings.length === 0 && line !== '' && title.toLowerCase().includes(line.toLowerCase())
  return isTitle ? line : null
}

/** Joins tiny runs to the previous run if both share the first `level` headings and are at most one level deeper. */
function joined(runs: readonly SectionRun[], level: number, terms: JoinTerms): SectionRun[] {
  const result: SectionRun[] = []
  for (const run of runs) {
    const before = result.at(-1)
    if (before !== undefined && mayJoin(before, run, level, terms)) result[result.length - 1] = join(before, run)
    else result.push(run)
  }
  return result
}

interface JoinTerms {
  /** Maximum tokens of a chunk. */
  readonly size: number
  readonly untilTokens: number
  readonly areQuestionsKept: boolean
}

function isQuestion({ path }: SectionRun): boolean {
  return /[?？]$/.test(path.at(-1) ?? '')
}

function mayJoin(
  a: SectionRun,
  b: SectionRun,
  level: number,
  { size, untilTokens, areQuestionsKept }: JoinTerms,
): boolean {
  if (areQuestionsKept && (isQuestion(a) || isQuestion(b))) return false
  const tiny = size * tinyShare
  const isTiny = a.tokens < tiny || b.tokens < tiny
  const isSmall = a.tokens < untilTokens && a.tokens + b.tokens <= size
  const areAdjacent = a.path.length <= level + 1 && b.path.length <= level + 1
  return isTiny && isSmall && areAdjacent && common(a.path, b.path).length >= level
}

function join(a: SectionRun, b: SectionRun): SectionRun {
  const tokens = a.tokens + b.tokens + blankLineTokens
  return { start: a.start, end: b.end, path: common(a.path, b.path), sections: [...a.sections, ...b.sections], tokens }
}

function common(a: readonly string[], b: readonly string[]): readonly string[] {
  const differs = a.findIndex((heading, i) => heading !== b[i])
  return differs === -1 ? a : a.slice(0, differs)
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((heading, i) => heading === path[i])
}
