/**
 * Finds the sentences of a text with Unicode's rules (Intl.Segmenter), and corrects them for abbreviations, initials,
 * list numbers, identifiers and footnote marks. Lines come first: a blank line, a list item, a table row, a heading or a
 * line of code ends a sentence whatever it contains; any other line break is a space. A row of a table is one sentence.
 */
import { LRUCache } from 'lru-cache'
import { isOpen } from './abbreviations.ts'
import { isTableRow } from './table-rows.ts'

/** UTF-16 offsets: the sentence is `text.slice(start, end)`, without surrounding whitespace. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The sentences of a text, in order, without overlap; together they contain everything but whitespace. */
export function sentences(text: string, language: string): Span[] {
  const segmenter = segmenterFor(language)
  return blocks(text).flatMap(block => sentencesOf(text, block, segmenter))
}

/** Bounded because callers may name any language. */
const segmenters = new LRUCache<string, Intl.Segmenter>({ max: 32 })
const undetermined = new Intl.Segmenter('und', { granularity: 'sentence' })

function segmenterFor(language: string): Intl.Segmenter {
  const primary = /^[a-z]{2,3}(?![^-])/i.exec(language)?.[0] ?? 'und'
  const known = segmenters.get(primary)
  if (known) return known
  if (Intl.Segmenter.supportedLocalesOf(primary).length === 0) return undetermined
  const segmenter = new Intl.Segmenter(primary, { granularity: 'sentence' })
  segmenters.set(primary, segmenter)
  return segmenter
}

/** Number of cached segmenters. */
export function cachedSegmenters(): number {
  return segmenters.size
}

const line = /[^\n\r\u2028\u2029]+/g
const blankLine = /(?:\r\n|[\n\r\u2028\u2029])[^\S\n\r\u2028\u2029]*(?:[\n\r\u2028\u2029])/
/** A line that starts a block of its own: list item, table row, heading, quotation, fence. */
const opensBlock = /^\s*(?:[-*+•·▪◦–—]\s|\(?\d{1,3}[.)]\s|\(?\p{L}\)\s|\||#{1,6}\s|>|```|~~~)/u
/** A line that is not continued by the next one: table row, heading, fence, code. */
const closesBlock = /^\s*(?:\||#{1,6}\s|```|~~~)|[;{}]\s*$/

/** Consecutive lines that are read as one. */
function blocks(text: string): Span[] {
  const found: { start: number; end: number }[] = []
  let mayContinue = false
  for (const match of text.matchAll(line)) {
    const content = match[0]
    const start = match.index
    const last = found.at(-1)
    const isBlank = content.trim() === ''
    const continues =
      mayContinue && last && !isBlank && !opensBlock.test(content) && !blankLine.test(text.slice(last.end, start))
    if (continues) last.end = start + content.length
    else if (!isBlank) found.push({ start, end: start + content.length })
    mayContinue = !isBlank && !closesBlock.test(content)
  }
  return found
}

// A book without a line break is processed in pieces, since the corrections below look back over a whole piece.
const maxPiece = 20_000
/** A longer row has cells of prose, whose sentences are found as elsewhere. */
const longestRow = 1000

function sentencesOf(text: string, block: Span, segmenter: Intl.Segmenter): Span[] {
  const row = block.end - block.start <= longestRow ? text.slice(block.start, block.end) : ''
  if (isTableRow(row)) return [trimmed(row, block.start)]
  const found: Span[] = []
  for (let start = block.start; start < block.end;) {
    const end = pieceEnd(text, start, block.end)
    // Unicode's rules end a sentence at every line break.
    const flat = text.slice(start, end).replace(/[\n\r\u2028\u2029\u0085\v\f]/g, ' ')
    for (const span of spansOf(flat, start, segmenter)) found.push(span)
    start = end
  }
  return found
}

/** The end of a piece: after a full stop or whitespace where there is one, and never within a surrogate pair. */
function pieceEnd(text: string, start: number, blockEnd: number): number {
  if (blockEnd - start <= maxPiece) return blockEnd
  const limit = start + maxPiece
  const nearEnd = text.slice(limit - 2000, limit)
  const cut = /^.*[.!?]\s/s.exec(nearEnd) ?? /^.*\s/s.exec(nearEnd)
  if (cut) return limit - 2000 + cut[0].length
  return /^[\udc00-\udfff]/.test(text.slice(limit, limit + 1)) ? limit - 1 : limit
}

function spansOf(flat: string, offset: number, segmenter: Intl.Segmenter): Span[] {
  const spans: Span[] = []
  const unmarked = flat.replace(footnoteMarks, mark => ' '.repeat(mark.length))
  let start = 0
  for (const { index, segment } of segmenter.segment(unmarked)) {
    const end = index + segment.length
    if (end < flat.length && !isEnd(unmarked.slice(start, end), unmarked.slice(end, end + 40))) continue
    const span = trimmed(flat.slice(start, end), offset + start)
    if (span.end > span.start) spans.push(span)
    start = end
  }
  return spans
}

function trimmed(text: string, offset: number): Span {
  const start = offset + text.length - text.trimStart().length
  return { start, end: start + text.trim().length }
}

/**
 * Marks of footnotes and sources right after the end of a sentence: `.[7]`, `.[2][3]`, `."[8, 9]`, `.[^1]`, `.[note 2]`,
 * `.¹`. They belong to that sentence.
 */
const footnoteMarks =
  /(?<=[.!?…。！？]["'”’»)]?)(?:\[(?:\^?[\p{L}\p{N}]{1,3}|\p{N}{1,3}(?:[,;–—-] ?\p{N}{1,3}){1,8}|\^?\p{L}{2,12}(?:[ -]\p{L}{2,12})? ?\p{N}{0,3})\]|[¹²³⁰⁴-⁹]{1,3}(?![\p{L}\p{N}]))+(?=\s|$)/gu

const glued = /[.!?)\]]$/
const spacedScript = /^[\p{Lu}\p{Ll}\p{N}/_?=&(]/u
const goesOn = /^[\p{Ll},;:)]|^[–—-]\s*\p{Ll}/u

/** Whether a sentence really ends between this text and what follows. */
function isEnd(sentence: string, following: string): boolean {
  // "fastify().Register", "example.com/?Q=1": a full stop without a space after it.
  if (glued.test(sentence.slice(-1)) && spacedScript.test(following)) return false
  return !goesOn.test(following) && !isOpen(sentence, following)
}
