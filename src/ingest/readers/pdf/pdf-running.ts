import type { PdfPage } from './pdf-page.ts'
import type { Segment } from './pdf-pieces.ts'

/** The first and the last line of a page, as the reader sees it. */
interface Edges {
  readonly top: string
  readonly bottom: string
}

/** Headers and footers have at most this number of lines. */
const mostLines = 3

/** Removes page numbers, and headers and footers: first or last lines that most pages share, or that are numbered. */
export function withoutRunningLines(pages: readonly PdfPage[]): PdfPage[] {
  let rest = [...pages]
  for (let i = 0; i < mostLines; i++) {
    const edges = rest.map(edgesOf)
    const isShared = sharedBy(edges)
    const isNumbered = numberedBy(edges)
    const isRunning = (text: string, page: number): boolean =>
      (i === 0 && isNumber(text)) || isShared(text, i === 0 ? -1 : page) || isNumbered(text, page)
    const wanted = rest.map((page, j) => withoutEdges(page, edges[j]!, text => isRunning(text, j)))
    // Pages that are all alike have nothing else.
    if (wanted.every(isEmpty)) return rest
    if (wanted.every((page, j) => page === rest[j])) return rest
    rest = wanted
  }
  return rest
}

function isEmpty({ parts, ordered }: PdfPage): boolean {
  return ordered === null ? parts.every(part => part.length === 0) : ordered.length === 0
}

function isNumber(text: string): boolean {
  return /^\p{P}*\s*\d+\s*\p{P}*$/u.test(text)
}

/**
 * Lines that more than half of the pages have, apart from numbers. The page that has the line first keeps it, because
 * pages may be alike in more than their headers. That does not apply if `page` is -1.
 */
function sharedBy(edges: readonly Edges[]): (text: string, page: number) => boolean {
  const onPages = new Map<string, { count: number; first: number }>()
  edges.forEach(({ top, bottom }, first) => {
    for (const edge of new Set([digitless(top), digitless(bottom)])) {
      const known = onPages.get(edge)
      if (known === undefined) onPages.set(edge, { count: 1, first })
      else known.count += 1
    }
  })
  return (text, page) => {
    const { count, first } = onPages.get(digitless(text)) ?? { count: 0, first: 0 }
    return edges.length >= 3 && count > edges.length / 2 && page !== first
  }
}

/** Lines with a number that grows with the page on three pages or more, such as the title of a chapter. */
function numberedBy(edges: readonly Edges[]): (text: string, page: number) => boolean {
  const onPages = new Map<string, number>()
  edges.forEach(({ top, bottom }, page) => {
    for (const key of new Set([numberKey(top, page), numberKey(bottom, page)])) {
      if (key !== null) onPages.set(key, (onPages.get(key) ?? 0) + 1)
    }
  })
  return (text, page) => (onPages.get(numberKey(text, page) ?? '') ?? 0) >= 3
}

/** The line and how far its first or last number is from the number of the page. */
function numberKey(text: string, page: number): string | null {
  const number = /^\d{1,4}(?=\s)/.exec(text) ?? /(?<=\s)\d{1,4}$/.exec(text)
  return number === null || text.length > 120 ? null : `${Number(number[0]) - page} ${digitless(text)}`
}

function digitless(text: string): string {
  return text.replace(/\d+/g, '#')
}

function edgesOf({ parts, ordered }: PdfPage): Edges {
  if (ordered !== null) return { top: ordered[0]?.text ?? '', bottom: ordered.at(-1)?.text ?? '' }
  return { top: textOf(edgeRow(parts[0] ?? [], 1)), bottom: textOf(edgeRow(parts[0] ?? [], -1)) }
}

function textOf(row: readonly Segment[]): string {
  return row
    .toSorted((a, b) => a.x - b.x)
    .map(({ text }) => text)
    .join(' ')
}

/** The highest line (`side` is 1) or the lowest (-1). */
function edgeRow(segments: readonly Segment[], side: 1 | -1): Segment[] {
  let edge = -Infinity
  for (const { y } of segments) edge = Math.max(edge, side * y)
  return segments.filter(({ y, size }) => edge - side * y <= 0.3 * size)
}

function withoutEdges(page: PdfPage, { top, bottom }: Edges, isRunning: (text: string) => boolean): PdfPage {
  const [noTop, noBottom] = [top !== '' && isRunning(top), bottom !== '' && isRunning(bottom)]
  if (!noTop && !noBottom) return page
  if (page.ordered !== null) {
    return { ...page, ordered: page.ordered.slice(noTop ? 1 : 0, noBottom ? -1 : undefined) }
  }
  const [main = [], ...others] = page.parts
  const removed = new Set([...(noTop ? edgeRow(main, 1) : []), ...(noBottom ? edgeRow(main, -1) : [])])
  return { ...page, parts: [main.filter(segment => !removed.has(segment)), ...others] }
}
