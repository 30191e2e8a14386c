import type { Line } from './pdf-layout.ts'
import type { PdfPage } from './pdf-page.ts'
import { rowsOf } from './pdf-rows.ts'

/** The first and the last line of a page, as the reader sees it. */
interface Edges {
  readonly top: string
  readonly bottom: string
}

/** Headers and footers have at most this number of lines. */
const mostLines = 3

/** Removes page numbers, and headers and footers: first or last lines that most pages share. */
export function withoutRunningLines(pages: readonly PdfPage[]): PdfPage[] {
  let rest = [...pages]
  for (let i = 0; i < mostLines; i++) {
    const edges = rest.map(edgesOf)
    const onPages = countOf(edges)
    const isRunning = (text: string): boolean =>
      isNumber(text, i) || (pages.length >= 3 && (onPages.get(digitless(text)) ?? 0) > pages.length / 2)
    const wanted = rest.map((page, j) => withoutEdges(page, edges[j]!, isRunning))
    // Pages that are all alike have nothing else.
    if (wanted.every(isEmpty)) return rest
    if (wanted.every((page, j) => page === rest[j])) return rest
    rest = wanted
  }
  return rest
}

function isEmpty({ parts, ordered, characters }: PdfPage): boolean {
  return characters === 0 || (ordered === null && parts.every(part => part.length === 0)) || ordered?.length === 0
}

/** A page number is the very first or last line. */
function isNumber(text: string, i: number): boolean {
  return i === 0 && /^\p{P}*\s*\d+\s*\p{P}*$/u.test(text)
}

function countOf(edges: readonly Edges[]): Map<string, number> {
  const onPages = new Map<string, number>()
  for (const { top, bottom } of edges) {
    for (const edge of new Set([digitless(top), digitless(bottom)])) onPages.set(edge, (onPages.get(edge) ?? 0) + 1)
  }
  onPages.delete('')
  return onPages
}

function digitless(text: string): string {
  return text.replace(/\d+/g, '#')
}

function edgesOf({ parts, ordered }: PdfPage): Edges {
  const lines = ordered ?? linesOf(parts[0] ?? [])
  return { top: lines[0]?.text ?? '', bottom: lines.at(-1)?.text ?? '' }
}

function linesOf(segments: PdfPage['parts'][number]): Pick<Line, 'text'>[] {
  return rowsOf(segments).map(row => ({ text: row.segments.map(({ text }) => text).join(' ') }))
}

function withoutEdges(page: PdfPage, { top, bottom }: Edges, isRunning: (text: string) => boolean): PdfPage {
  const [noTop, noBottom] = [top !== '' && isRunning(top), bottom !== '' && isRunning(bottom)]
  if (!noTop && !noBottom) return page
  if (page.ordered !== null) {
    return { ...page, ordered: page.ordered.slice(noTop ? 1 : 0, noBottom ? -1 : undefined) }
  }
  const rows = rowsOf(page.parts[0] ?? [])
  const removed = new Set([...(noTop ? rows[0]!.segments : []), ...(noBottom ? rows.at(-1)!.segments : [])])
  return { ...page, parts: [(page.parts[0] ?? []).filter(segment => !removed.has(segment)), ...page.parts.slice(1)] }
}
