import type { PDFPageProxy } from 'unpdf/pdfjs'
import { mostFields, withFields, type Field } from './pdf-fields.ts'
import { fieldsOf, framesOf, linksOf, type Annotation, type TextItem } from './pdf-frames.ts'
import { withLinks } from './pdf-links.ts'
import { layOut } from './pdf-layout.ts'
import type { Line, Region } from './pdf-regions.ts'
import { segmentsOf, type Segment } from './pdf-pieces.ts'

/** What stands on one page. */
export interface PdfPage {
  /** Parts of the page with text of one direction each, the main one first. */
  readonly parts: readonly (readonly Segment[])[]
  /** Lines in the order of the file, for scripts that are written from right to left. */
  readonly ordered: readonly Line[] | null
  readonly fields: number
  /** True if the page has more text than is read. */
  readonly isCut: boolean
  readonly characters: number
}

/** More pieces of text on a page are not read. A densely printed page has some thousands. */
const mostPieces = 50_000

export async function readPage(page: PDFPageProxy): Promise<PdfPage> {
  const { items, fonts, isCut } = await itemsOf(page)
  const annotations = (await page.getAnnotations({ intent: 'display' })) as Annotation[]
  const characters = items.reduce((sum, { str }) => sum + str.trim().length, 0)
  const frames = framesOf(items, fonts)
  const fields = fieldsOf(annotations, frames[0]?.angle ?? 0).slice(0, mostFields)
  const facts = { fields: fields.length, isCut, characters }
  if (isRightToLeft(items)) return { ...facts, parts: [], ordered: [...orderedLines(items), ...fields.map(fieldLine)] }
  const parts = frames.map(({ pieces, angle }) => segmentsOf(withLinks(pieces, linksOf(annotations, angle))))
  return { ...facts, ordered: null, parts: [withFields(parts[0] ?? [], fields), ...parts.slice(1)] }
}

export function regionsOf({ parts, ordered }: Pick<PdfPage, 'parts' | 'ordered'>): Region[] {
  if (ordered !== null) return ordered.length === 0 ? [] : [{ kind: 'lines', lines: ordered }]
  return parts.flatMap(part => layOut(part))
}

interface PageText {
  readonly items: readonly TextItem[]
  readonly fonts: Readonly<Record<string, { readonly vertical?: boolean }>>
  readonly isCut: boolean
}

async function itemsOf(page: PDFPageProxy): Promise<PageText> {
  const items: TextItem[] = []
  const fonts = {}
  const reader = (page.streamTextContent() as ReadableStream<{ items: TextItem[]; styles: object }>).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { items, fonts, isCut: false }
    Object.assign(fonts, value.styles)
    for (const item of value.items) items.push(item)
    if (items.length <= mostPieces) continue
    await reader.cancel(new Error('more text than is read'))
    return { items: items.slice(0, mostPieces), fonts, isCut: true }
  }
}

function isRightToLeft(items: readonly TextItem[]): boolean {
  let [right, all] = [0, 0]
  for (const { dir, str } of items) {
    all += str.length
    if (dir === 'rtl') right += str.length
  }
  return right > all / 2
}

/** Joins pieces into lines. Each piece states whether its line ends with it. */
function orderedLines(items: readonly TextItem[]): Line[] {
  const lines: Line[] = []
  let parts: string[] = []
  let tallest: TextItem | null = null
  const end = (): void => {
    const text = parts.join('').trim()
    if (tallest !== null && text !== '') lines.push(orderedLine(text, tallest.transform[5] ?? 0, tallest.height))
    parts = []
    tallest = null
  }
  for (const item of items) {
    parts.push(item.str)
    if (item.str.trim() !== '' && (tallest === null || item.height > tallest.height)) tallest = item
    if (item.hasEOL) end()
  }
  end()
  return lines
}

function orderedLine(text: string, y: number, size: number): Line {
  return { text, y, size, x: 0, right: 0, isOrdered: true }
}

function fieldLine({ kind, name, text, bottom }: Field): Line {
  return { ...orderedLine(kind === 'mark' ? `${text} ${name}` : `${name}: ${text}`, bottom, 10), isField: true }
}
