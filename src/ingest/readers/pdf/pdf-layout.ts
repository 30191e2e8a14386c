import type { Segment } from './pdf-pieces.ts'
import type { Line, Region } from './pdf-regions.ts'
import { columnOf, gapsOf, medianOf, rowsOf, spansOf, unionOf, type Row, type Span } from './pdf-rows.ts'
import { areColumns, isTable, tableOf } from './pdf-tables.ts'

/** Columns within columns beyond this depth are read line by line. */
const deepest = 3
const mostColumns = 40
/** Beyond this number of jumps upwards, the order of drawing is not the order of reading. */
const mostFlows = 300

/** The regions of a page in reading order. */
export function layOut(segments: readonly Segment[], depth = 0): Region[] {
  return orderedFlows(segments).flatMap(flow => layOutFlow(flow, depth))
}

/** Parts of a page that are drawn downwards, each as a whole: columns, headers, boxes. */
function orderedFlows(segments: readonly Segment[]): Segment[][] {
  const flows: Segment[][] = []
  let before: Segment | undefined
  for (const segment of segments) {
    const rise = before === undefined ? Infinity : segment.y - before.y
    // A cell of a table also begins above the end of the one before it, but only by a few lines.
    if (rise > 7 * segment.size) flows.push([])
    flows.at(-1)!.push(segment)
    before = segment
  }
  if (flows.length > mostFlows) return [segments.toSorted((a, b) => b.y - a.y || a.x - b.x)]
  const placed: Box[] = []
  for (const flow of flows.map(boxOf)) place(flow, placed)
  return placed.map(box => box.segments)
}

interface Box extends Span {
  readonly segments: Segment[]
  readonly top: number
  readonly bottom: number
}

function boxOf(segments: Segment[]): Box {
  let [left, right, top, bottom] = [Infinity, -Infinity, -Infinity, Infinity]
  for (const segment of segments) {
    left = Math.min(left, segment.x)
    right = Math.max(right, segment.right)
    top = Math.max(top, segment.y)
    bottom = Math.min(bottom, segment.y)
  }
  return { segments, left, right, top, bottom }
}

/**
 * Adds a flow at the end, or above the flows that are entirely below it, such as a footer that is drawn first. A table
 * that is drawn by column is joined again.
 */
function place(flow: Box, placed: Box[]): void {
  const last = placed.at(-1)
  if (last !== undefined && isDrawnByColumn(last, flow)) {
    placed[placed.length - 1] = boxOf([...last.segments, ...flow.segments])
    return
  }
  const below = placed.findIndex(box => box.top < flow.bottom && overlap(box, flow) > 0)
  if (below === -1) placed.push(flow)
  else placed.splice(below, 0, flow)
}

function overlap(a: Span, b: Span): number {
  return Math.min(a.right, b.right) - Math.max(a.left, b.left)
}

/** Whether the last lines of one flow are the first column of a table, and the other flow is the next column. */
function isDrawnByColumn(first: Box, second: Box): boolean {
  const beside = first.segments.filter(({ y }) => y <= second.top + 1 && y >= second.bottom - 1)
  if (second.segments.length < 3 || beside.length < 3) return false
  const left = boxOf(beside)
  if (left.right >= second.left) return false
  const rows = rowsOf([...beside, ...second.segments])
  const paired = rows.filter(row => row.segments.length > 1)
  const isShort = second.segments.every(({ text }) => text.length <= 25)
  const isNumeric = second.segments.filter(({ text }) => /\d/.test(text)).length > second.segments.length / 2
  const isThird = beside.length >= second.segments.length * 2
  return paired.length >= rows.length * 0.9 && isShort && (isNumeric || isThird)
}

function layOutFlow(segments: readonly Segment[], depth: number): Region[] {
  const regions: Region[] = []
  let plain: Row[] = []
  const endPlain = (): void => {
    if (plain.length > 0) regions.push({ kind: 'lines', lines: linesOf(plain) })
    plain = []
  }
  const rows = rowsOf(segments)
  for (let i = 0; i < rows.length; i++) {
    const run = runAt(rows, i, plain)
    if (run === null) {
      plain.push(rows[i]!)
      continue
    }
    plain.length -= run.above
    const found = regionsOf(rows.slice(i - run.above, run.end), run.columns, depth)
    if (found === null) plain.push(...rows.slice(i - run.above, run.end))
    else {
      endPlain()
      regions.push(...found)
    }
    i = run.end - 1
  }
  endPlain()
  return regions
}

interface Run {
  /** Index after the last row. */
  readonly end: number
  /** Number of rows above the first that belong to it. */
  readonly above: number
  readonly columns: readonly Span[]
}

/** The rows from this one on that leave the same vertical gaps free. */
function runAt(rows: readonly Row[], start: number, plain: readonly Row[]): Run | null {
  const first = rows[start]!
  const gap = 0.1 * first.size
  let columns = unionOf(besides(rows, start).flatMap(spansOf), gap)
  if (columns.length < 2 || columns.length > mostColumns) return null
  let end = start + 1
  let lastShared = end
  for (; end < rows.length; end++) {
    const row = rows[end]!
    if (rows[end - 1]!.y - row.y > widestRowGap(rows, start, end)) break
    const wider = unionOf([...columns, ...spansOf(row)], gap)
    const isFewer = wider.length < columns.length
    if (wider.length < 2 || (isFewer && (row.segments.length < 2 || end - start > 2))) break
    if (end - lastShared > 60) break
    columns = wider
    if (row.segments.length > 1 || columnOf(row.segments[0]!, columns) > 0) lastShared = end + 1
  }
  return { end: endOf(rows, { start, end, lastShared, columns }), above: rowsAbove(plain, first, columns), columns }
}

/** The row, with the next one if that is hardly lower: lines of columns need not be level. */
function besides(rows: readonly Row[], start: number): Row[] {
  const [first, next] = [rows[start]!, rows[start + 1]]
  return next !== undefined && first.y - next.y < 0.8 * first.size ? [first, next] : [first]
}

/** Rows further apart than this do not belong together. */
function widestRowGap(rows: readonly Row[], start: number, end: number): number {
  const usual = medianOf(gapsOf(rows.slice(Math.max(start, end - 12), end)))
  return Math.max(3.5 * rows[start]!.size, 2.2 * usual)
}

/** Lines in the first column only, below the last shared row, belong to a column of text, but not to a table. */
function endOf(
  rows: readonly Row[],
  { start, end, lastShared, columns }: { start: number; end: number; lastShared: number; columns: readonly Span[] },
): number {
  return areColumns(rows.slice(start, lastShared), columns) ? end : lastShared
}

/** Lines of a cell that is higher than its neighbors. */
function rowsAbove(plain: readonly Row[], first: Row, columns: readonly Span[]): number {
  let above = 0
  let { y } = first
  for (const row of plain.slice(-6).toReversed()) {
    const [segment] = row.segments
    if (row.segments.length > 1 || segment === undefined || row.y - y > 0.9 * row.size) break
    const isInside = columns.some(({ left, right }) => segment.x >= left - 2 && segment.right <= right + 2)
    if (!isInside && unionOf([...columns, ...spansOf(row)], 1).length < columns.length) break
    above += 1
    y = row.y
  }
  return above
}

function regionsOf(rows: readonly Row[], columns: readonly Span[], depth: number): Region[] | null {
  const segments = rows.flatMap(row => row.segments)
  if (areColumns(rows, columns) && depth < deepest) {
    return columns.flatMap((_, index) =>
      layOut(
        segments.filter(segment => columnOf(segment, columns) === index),
        depth + 1,
      ),
    )
  }
  return isTable(rows, columns) ? [tableOf(rows, columns)] : null
}

function linesOf(rows: readonly Row[]): Line[] {
  return rows
    .toSorted((a, b) => a.order - b.order)
    .map(row => ({
      text: row.segments.map(({ text }) => text).join(' '),
      x: row.segments[0]!.x,
      right: row.segments.at(-1)!.right,
      y: row.y,
      size: row.size,
      ...(row.segments.some(({ isField }) => isField) && { isField: true }),
    }))
}
