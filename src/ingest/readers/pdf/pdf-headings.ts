import type { PDFDocumentProxy } from 'unpdf/pdfjs'
import type { Paragraph } from './pdf-lines.ts'

/** A bookmark of the file. */
export interface OutlineEntry {
  readonly title: string
  readonly level: number
}

const mostEntries = 5000
const deepestLevel = 6

/** The bookmarks, or none if they are invalid. */
export async function outlineOf(pdf: PDFDocumentProxy): Promise<OutlineEntry[]> {
  const roots = await pdf.getOutline().catch(() => null)
  const entries: OutlineEntry[] = []
  const rest = (roots ?? []).map(item => ({ item, level: 1 })).toReversed()
  for (let next = rest.pop(); next !== undefined && entries.length < mostEntries; next = rest.pop()) {
    const { item, level } = next
    entries.push({ title: item.title, level })
    if (level === deepestLevel) continue
    for (const child of item.items.toReversed() as (typeof item)[]) rest.push({ item: child, level: level + 1 })
  }
  return entries
}

/** Larger than the text by at least this factor. */
const larger = 1.12
const longest = 150
/** Share of all characters that a size may have and still be one of headings. */
const sparing = 0.35

/**
 * Returns the level of a paragraph that is a heading, or null. Headings are what the bookmarks name or, in a file
 * without useful bookmarks, short paragraphs in fonts that are larger than the text and rare.
 */
export function headingLevels(
  paragraphs: readonly Paragraph[],
  outline: readonly OutlineEntry[],
): (paragraph: Paragraph) => number | null {
  const levels = new Map(outline.map(({ title, level }) => [plain(title), level]))
  levels.delete('')
  const named = new Set(
    paragraphs
      .filter(isShort)
      .map(({ text }) => plain(text))
      .filter(text => levels.has(text)),
  )
  if (named.size >= 2 && named.size >= levels.size / 2) {
    return paragraph => (isShort(paragraph) ? (levels.get(plain(paragraph.text)) ?? null) : null)
  }
  const sizes = headingSizes(paragraphs)
  return paragraph => {
    const level = sizes.indexOf(rounded(paragraph.size))
    return level === -1 || !isHeadingLike(paragraph) ? null : Math.min(level + 1, deepestLevel)
  }
}

/** Letters and digits only, because bookmarks differ from headings in spaces and numbers of chapters. */
function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/^[\d.\s]+/, '')
    .replace(/[^\p{L}\p{N}]/gu, '')
}

function isShort({ text, lines, isData }: Paragraph): boolean {
  return !isData && lines <= 3 && text.length <= longest
}

function isHeadingLike(paragraph: Paragraph): boolean {
  const { text } = paragraph
  return isShort(paragraph) && /\p{L}{2}/u.test(text) && !/(?:[.,;:…]|\d \p{Sc})$/u.test(text) && !text.startsWith('- ')
}

/** The sizes of headings, largest first. */
function headingSizes(paragraphs: readonly Paragraph[]): number[] {
  const characters = new Map<number, number>()
  for (const { size, text } of paragraphs) {
    characters.set(rounded(size), (characters.get(rounded(size)) ?? 0) + text.length)
  }
  const all = [...characters.values()].reduce((sum, count) => sum + count, 0)
  const [text = [0, 0] as const] = [...characters].toSorted((a, b) => b[1] - a[1])
  const shared = (size: number): number => (characters.get(size) ?? 0) / all
  return [...characters.keys()]
    .filter(size => size >= text[0] * larger && shared(size) <= sparing)
    .toSorted((a, b) => b - a)
    .slice(0, deepestLevel)
}

function rounded(size: number): number {
  return Math.round(size * 2) / 2
}
