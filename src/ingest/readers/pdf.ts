import type { Block } from './compose.ts'
import { UnreadableError, type Content } from './content.ts'
import { joinLines, linesOf, paragraphsOf, usualGap, type Line } from './pdf-lines.ts'

/** Reads a PDF with a text layer. Every page becomes a section with its page number. */
export async function readPdf(bytes: Buffer): Promise<Content> {
  const { pages, infoTitle } = await extract(bytes)
  const lines = withoutRunningLines(pages)
  const gap = usualGap(lines)
  const paragraphs = joinPageBreaks(lines.map(page => paragraphsOf(page, gap)))
  const blocks = paragraphs.flatMap((page, i): Block[] => page.map(text => ({ kind: 'text', text, page: i + 1 })))
  if (blocks.length === 0) throw new UnreadableError('has no text; run text recognition (OCR) on a scan first')
  return { blocks, title: usefulTitle(infoTitle) ?? titleLine(lines.find(page => page.length > 0) ?? []) }
}

async function extract(bytes: Buffer): Promise<{ pages: Line[][]; infoTitle: unknown }> {
  // Imported on demand, because most documents are not PDF and the library takes 20 MB.
  const { extractTextItems, getDocumentProxy, getMeta } = await import('unpdf')
  try {
    const pdf = await getDocumentProxy(new Uint8Array(bytes), { verbosity: 0 })
    try {
      const { items } = await extractTextItems(pdf)
      const { info } = await getMeta(pdf)
      return { pages: items.map(linesOf), infoTitle: info['Title'] }
    } finally {
      await pdf.destroy()
    }
  } catch (error) {
    const isLocked = error instanceof Error && error.name === 'PasswordException'
    throw new UnreadableError(isLocked ? 'is protected by a password; remove it first' : 'is damaged or not a PDF', {
      cause: error,
    })
  }
}

/** Removes page numbers, and headers and footers: a first or last line that most pages share. */
function withoutRunningLines(pages: readonly Line[][]): Line[][] {
  const pagesWithLine = new Map<string, number>()
  for (const page of pages) {
    const edges = new Set([page[0], page.at(-1)].map(line => digitless(line?.text ?? '')))
    for (const edge of edges) pagesWithLine.set(edge, (pagesWithLine.get(edge) ?? 0) + 1)
  }
  const isRunning = (line: Line): boolean => {
    const onPages = pagesWithLine.get(digitless(line.text)) ?? 0
    return /^\p{P}*\s*\d+\s*\p{P}*$/u.test(line.text) || (pages.length >= 3 && onPages > pages.length / 2)
  }
  return pages.map(page => page.filter((line, i) => !((i === 0 || i === page.length - 1) && isRunning(line))))
}

function digitless(text: string): string {
  return text.replace(/\d+/g, '#')
}

/** Moves the rest of a sentence that continues on the next page to the page on which it began. */
function joinPageBreaks(pages: readonly string[][]): string[][] {
  const joined = pages.map(page => [...page])
  for (let i = 0; i + 1 < joined.length; i++) {
    const last = joined[i]!.at(-1)
    const first = joined[i + 1]![0]
    if (last === undefined || first === undefined || /[.!?…:;»”")]$/.test(last.slice(-1)) || !/^\p{Ll}/u.test(first))
      continue
    const end = /(?<![.!?…])[.!?…]+[»”")]*(?=\s|$)/.exec(first)
    const cut = end === null ? first.length : end.index + end[0].length
    joined[i]!.splice(-1, 1, joinLines(last, first.slice(0, cut)))
    joined[i + 1]!.splice(0, 1, ...[first.slice(cut).trim()].filter(rest => rest !== ''))
  }
  return joined
}

/** Ignores titles that word processors filled in automatically, such as a file name. */
function usefulTitle(title: unknown): string | undefined {
  if (typeof title !== 'string' || title.trim() === '') return undefined
  return /^(microsoft word|untitled|document\d*$)|\.(docx?|pdf|indd|tex|dvi|odt|rtf|pptx?)$/i.test(title.trim())
    ? undefined
    : title
}

/**
 * The text in the largest font on the first page or, if all is of one size, its first line unless that is a sentence.
 */
function titleLine(lines: readonly Line[]): string | undefined {
  const sizes = lines.map(line => line.fontSize)
  const largest = sizes.reduce((most, size) => Math.max(most, size), -Infinity)
  const from = sizes.indexOf(largest)
  const to = sizes.findIndex((size, i) => i > from && size !== largest)
  const isOneSize = sizes.every(size => largest - size < 1)
  const title = isOneSize
    ? lines[0]?.text
    : lines
        .slice(from, to === -1 ? undefined : to)
        .map(line => line.text)
        .join(' ')
  return title !== undefined && title.length <= 150 && !/[.,;:]$/.test(title) ? title : undefined
}
