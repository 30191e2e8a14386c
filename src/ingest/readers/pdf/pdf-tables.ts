import type { Region } from './pdf-regions.ts'
import type { Segment } from './pdf-pieces.ts'
import { columnOf, gapsOf, medianOf, type Row, type Span } from './pdf-rows.ts'

/** Whether rows that leave gaps free are columns of running text, and not a table. */
export function areColumns(rows: readonly Row[], columns: readonly Span[]): boolean {
  if (columns.length > 4) return false
  const groups = separated(rows)
  const isTableOfText = groups.length >= 3 && groups.every(group => isFilled(group, columns))
  return !isTableOfText && columns.every((column, index) => isProse(linesIn(rows, columns, index), column))
}

function linesIn(rows: readonly Row[], columns: readonly Span[], index: number): Segment[] {
  return rows.flatMap(row => row.segments.filter(segment => columnOf(segment, columns) === index))
}

/** Running text fills its lines, and many of its lines begin within a sentence. */
function isProse(lines: readonly Segment[], { left, right }: Span): boolean {
  if (lines.length < 3) return false
  const width = right - left
  const full = lines.filter(line => line.right - line.x >= 0.7 * width).length
  const characters = lines.reduce((sum, { text }) => sum + text.length, 0)
  const isCased = lines.some(({ text }) => /\p{Ll}/u.test(text))
  const within = lines.filter(({ text }) => /^[\p{Ll}(„“"«]/u.test(text)).length
  if (!isCased) return full >= 0.75 * lines.length && characters >= 8 * lines.length
  return full >= 0.5 * lines.length && characters >= 14 * lines.length && within >= 0.25 * lines.length
}

/** Groups of rows with wider gaps between them than within them. */
function separated(rows: readonly Row[]): Row[][] {
  const pitch = pitchOf(rows)
  const groups: Row[][] = []
  rows.forEach((row, i) => {
    const gap = i === 0 ? Infinity : rows[i - 1]!.y - row.y
    if (gap > 1.25 * pitch) groups.push([])
    groups.at(-1)!.push(row)
  })
  return groups
}

/** Distance of lines within a cell: the first quartile of the gaps that are not within a line. */
function pitchOf(rows: readonly Row[]): number {
  const size = medianOf(rows.map(row => row.size))
  const gaps = gapsOf(rows)
    .filter(gap => gap > 0.9 * size)
    .toSorted((a, b) => a - b)
  return gaps[Math.floor(gaps.length / 4)] ?? size * 1.2
}

function isFilled(rows: readonly Row[], columns: readonly Span[]): boolean {
  const filled = new Set(rows.flatMap(row => row.segments.map(segment => columnOf(segment, columns))))
  return filled.size === columns.length
}

/** Cells line up over several rows: three, or two if there are more than two columns. */
export function isTable(rows: readonly Row[], columns: readonly Span[]): boolean {
  const shared = rows.filter(row => new Set(row.segments.map(segment => columnOf(segment, columns))).size > 1)
  if (shared.some(row => row.segments.some(({ text }) => /(?:\.\s?){4}|…{2}/.test(text)))) return false
  if (columns.length === 2 && areLabels(rows, columns)) return false
  return shared.length >= (columns.length > 2 ? 2 : 3)
}

/** Labels with a colon and what stands after them, as in forms: they are read as lines. */
function areLabels(rows: readonly Row[], columns: readonly Span[]): boolean {
  const labels = linesIn(rows, columns, 0)
  return labels.filter(({ text }) => /[:：]$/.test(text)).length > labels.length / 2
}

interface Band {
  readonly cells: readonly Segment[][]
  readonly top: number
  bottom: number
}

/** The cells of a table. A line that continues cells is joined with the row above it. */
export function tableOf(rows: readonly Row[], columns: readonly Span[]): Extract<Region, { kind: 'table' }> {
  const pitch = pitchOf(rows)
  const bands = bandsOf(rows, columns)
  const isGrouped = isGroupedByGaps(bands, pitch)
  const merged: Band[] = []
  for (const band of bands) {
    const before = merged.at(-1)
    if (before === undefined || !continues(before, band, { pitch, isGrouped })) merged.push(band)
    else {
      band.cells.forEach((cell, i) => before.cells[i]!.push(...cell))
      before.bottom = band.bottom
    }
  }
  return {
    kind: 'table',
    rows: merged.map(({ cells }) => cells.map(cellText)),
    columns,
    size: medianOf(rows.map(row => row.size)),
  }
}

/** Joins rows that overlap vertically, because short cells may stand in the middle of a high row. */
function bandsOf(rows: readonly Row[], columns: readonly Span[]): Band[] {
  const bands: Band[] = []
  for (const row of rows) {
    let band = bands.at(-1)
    if (band === undefined || band.bottom - row.y > 0.75 * row.size) {
      band = { cells: columns.map(() => []), top: row.y, bottom: row.y }
      bands.push(band)
    }
    band.bottom = row.y
    for (const segment of row.segments) band.cells[columnOf(segment, columns)]!.push(segment)
  }
  return bands
}

function isGroupedByGaps(bands: readonly Band[], pitch: number): boolean {
  const gaps = bands.slice(1).map((band, i) => bands[i]!.bottom - band.top)
  const wide = gaps.filter(gap => gap > 1.25 * pitch).length
  const within = bands.slice(1).filter((_, i) => gaps[i]! <= 1.25 * pitch)
  const lacking = within.filter(({ cells }) => cells.some(cell => cell.length === 0)).length
  return wide >= 2 && within.length > 0 && lacking >= within.length / 2
}

function continues(before: Band, band: Band, { pitch, isGrouped }: { pitch: number; isGrouped: boolean }): boolean {
  if (before.bottom - band.top > 1.25 * pitch) return false
  if (isGrouped) return true
  const filled = band.cells.filter(cell => cell.length > 0)
  if (filled.length === band.cells.length) return false
  const isWithinSentence = filled.every(cell => /^\p{Ll}/u.test(cell[0]!.text))
  const lacksFirst = band.cells[0]!.length === 0
  return isWithinSentence || (lacksFirst && (filled.length <= band.cells.length / 2 || band.cells.length === 2))
}

function cellText(cell: readonly Segment[]): string {
  const text = cell.map(segment => segment.text).join(' ')
  return text.replaceAll('|', '/').replace(/\s+/g, ' ').trim()
}
