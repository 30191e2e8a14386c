import type { Segment } from './pdf-pieces.ts'

/** Segments that share a baseline, from left to right. */
export interface Row {
  readonly segments: readonly Segment[]
  readonly y: number
  readonly size: number
  /** Place of its first segment in the order in which the page is drawn. */
  readonly order: number
}

/** From top to bottom. */
export function rowsOf(segments: readonly Segment[]): Row[] {
  const rows: Segment[][] = []
  let y = NaN
  for (const segment of segments.toSorted((a, b) => b.y - a.y)) {
    // Measured from the first of the row, because otherwise a slanted sequence would become one row.
    if (y - segment.y <= 0.3 * segment.size) rows.at(-1)!.push(segment)
    else {
      rows.push([segment])
      y = segment.y
    }
  }
  return rows.map(row => ({
    segments: row.toSorted((a, b) => a.x - b.x),
    y: row[0]!.y,
    size: row.reduce((most, { size }) => Math.max(most, size), 0),
    order: row.reduce((first, { order }) => Math.min(first, order), Infinity),
  }))
}

/** A range of x that text covers. */
export interface Span {
  readonly left: number
  readonly right: number
}

/** The ranges that the given ones cover together, from left to right. Ranges closer than `gap` are joined. */
export function unionOf(spans: readonly Span[], gap: number): Span[] {
  const union: Span[] = []
  for (const span of spans.toSorted((a, b) => a.left - b.left)) {
    const last = union.at(-1)
    if (last === undefined || span.left - last.right >= gap) union.push(span)
    else union[union.length - 1] = { left: last.left, right: Math.max(last.right, span.right) }
  }
  return union
}

export function spansOf(row: Row): Span[] {
  return row.segments.map(({ x, right }) => ({ left: x, right }))
}

/** Index of the column in which the segment lies. */
export function columnOf(segment: Segment, columns: readonly Span[]): number {
  const middle = (segment.x + segment.right) / 2
  const index = columns.findIndex(column => middle <= column.right)
  return index === -1 ? columns.length - 1 : index
}

/** Middle value of the positive ones, or 0. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.filter(value => value > 0).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

export function gapsOf(rows: readonly { readonly y: number }[]): number[] {
  return rows.slice(1).map((row, i) => rows[i]!.y - row.y)
}
