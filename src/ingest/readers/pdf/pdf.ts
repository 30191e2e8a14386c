import type { PDFDocumentProxy } from 'unpdf/pdfjs'
import { tableRow } from '../../../text/table-rows.ts'
import type { Block } from '../compose.ts'
import { UnreadableError, type Content, type ReadingOptions } from '../content.ts'
import { headingLevels, outlineOf, type OutlineEntry } from './pdf-headings.ts'
import type { Line, Region } from './pdf-regions.ts'
import { joinLines, paragraphsOf, usualGap, type Paragraph } from './pdf-lines.ts'
import { pageOptions } from './pdf-open.ts'
import { recognize, type Recognized } from './pdf-ocr.ts'
import { readPage, regionsOf, type PdfPage } from './pdf-page.ts'
import { withoutRunningLines } from './pdf-running.ts'
import { pagesInWords, scannedAmong } from './pdf-scans.ts'

/** Reads a PDF with a text layer. Every page becomes a section with its page number. */
export async function readPdf(bytes: Buffer, { ocr }: ReadingOptions = {}): Promise<Content> {
  const extracted = await extract(bytes)
  const { scanned, info } = extracted
  const recognized = scanned.length > 0 && ocr !== undefined ? await recognize(bytes, scanned, ocr) : nothingRecognized
  const pages = extracted.pages.map((page, i) => recognized.pages.get(i + 1) ?? page)
  const regions = withoutRunningLines(pages).map(regionsOf)
  const gap = usualGap(regions.flatMap(page => page.flatMap(region => (region.kind === 'lines' ? [region.lines] : []))))
  const texts = continuedTables(regions).map(page => page.flatMap(region => textsOf(region, gap)))
  const levelOf = headingLevels(texts.flat(), extracted.outline)
  const blocks = joinPageBreaks(texts.map(page => page.map(text => ({ ...text, level: levelOf(text) })))).flatMap(
    blocksOf,
  )
  if (blocks.length === 0) throw new UnreadableError(withoutText(extracted, recognized, ocr !== undefined))
  const title = usefulTitle(info['Title']) ?? titleLine(firstLines(regions))
  const found = [...recognized.pages.keys()]
  return {
    blocks,
    title,
    ...(found.length > 0 && { metadata: { recognized_pages: found } }),
    warnings: [...scanWarnings(scanned, recognized, ocr !== undefined), ...warningsOf(pages, info)],
  }
}

const nothingRecognized: Recognized = { pages: new Map(), fault: null }

interface Extracted {
  readonly pages: readonly PdfPage[]
  /** Numbers of pages without text that have something else on them. */
  readonly scanned: readonly number[]
  readonly info: Readonly<Record<string, unknown>>
  readonly outline: readonly OutlineEntry[]
}

async function extract(bytes: Buffer): Promise<Extracted> {
  // Imported on demand, because most documents are not PDF and the library takes 20 MB.
  const { getDocumentProxy } = await import('unpdf')
  try {
    const pdf = await getDocumentProxy(new Uint8Array(bytes), {
      ...pageOptions,
      // Pictures are not decoded, because only their presence matters.
      maxImageSize: 1,
    })
    try {
      const { info } = (await pdf.getMetadata()) as unknown as { info: Record<string, unknown> }
      const pages = await pagesOf(pdf)
      const outline = await outlineOf(pdf)
      const empty = pages.flatMap(({ characters, fields }, i) => (characters === 0 && fields === 0 ? [i + 1] : []))
      return { pages, info, outline, scanned: await scannedAmong(pdf, empty) }
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

async function pagesOf(pdf: PDFDocumentProxy): Promise<PdfPage[]> {
  const pages: PdfPage[] = []
  for (let number = 1; number <= pdf.numPages; number++) {
    const page = await pdf.getPage(number)
    pages.push(await readPage(page))
    page.cleanup()
  }
  return pages
}

function withoutText({ scanned, info }: Extracted, { fault }: Recognized, isOn: boolean): string {
  if (info['IsXFAPresent'] === true) return 'is an XFA form, which cannot be read; print it into a PDF first'
  if (scanned.length === 0) return 'has no text'
  if (fault !== null) return `has no text, because its pages are scans; ${fault}`
  return isOn
    ? 'has no text; none was recognized in its scanned pages'
    : `has no text, because its pages are scans; ${advice}`
}

const advice = 'to have them recognized (OCR), set OCR_LANGUAGES'

function scanWarnings(scanned: readonly number[], { pages, fault }: Recognized, isOn: boolean): string[] {
  const rest = scanned.filter(number => !pages.has(number))
  if (rest.length === 0) return []
  const verb = rest.length === 1 ? 'is a scan' : 'are scans'
  const reason = fault ?? (isOn ? 'no text was recognized' : advice)
  return [`${pagesInWords(rest)} ${verb} without text and left out; ${reason}`]
}

function warningsOf(pages: readonly PdfPage[], info: Extracted['info']): string[] {
  const warnings: string[] = []
  const cut = pages.flatMap((page, i) => (page.isCut ? [i + 1] : []))
  if (cut.length > 0) warnings.push(`${pagesInWords(cut)} ${cut.length === 1 ? 'has' : 'have'} more text than is read`)
  if (info['IsXFAPresent'] === true && pages.every(page => page.fields === 0)) {
    warnings.push('has an XFA form, whose fields are not read; print it into a PDF first')
  }
  return warnings
}

/** A table that goes on at the top of a page gets the header of its first part. */
function continuedTables(pages: readonly Region[][]): Region[][] {
  let before: Region | undefined
  return pages.map(page => {
    const [first, ...rest] = page
    const continued = first !== undefined && before !== undefined ? withHeader(before, first) : first
    before = rest.at(-1) ?? continued
    return continued === undefined ? [] : [continued, ...rest]
  })
}

function withHeader(before: Region, region: Region): Region {
  if (before.kind !== 'table' || region.kind !== 'table' || before.columns.length !== region.columns.length)
    return region
  const isAligned = region.columns.every(({ left, right }, i) => {
    const column = before.columns[i]!
    return Math.abs(left - column.left) < 12 || Math.abs(right - column.right) < 12
  })
  const header = before.rows[0]!
  const isRepeated = header.join('|') === region.rows[0]?.join('|')
  return isAligned && !isRepeated ? { ...region, rows: [header, ...region.rows] } : region
}

interface Text extends Paragraph {
  /** Level of a heading, or null. */
  readonly level: number | null
}

function textsOf(region: Region, gap: number): Paragraph[] {
  if (region.kind === 'lines') return paragraphsOf(region.lines, gap)
  const text = region.rows.map(tableRow).join('\n')
  return [{ text, size: region.size, lines: region.rows.length, isData: true }]
}

function blocksOf(texts: readonly Text[], i: number): Block[] {
  const page = i + 1
  return texts.map(({ text, level }) =>
    level === null ? { kind: 'text', text, page } : { kind: 'heading', level, text: text.replace(/\s+/g, ' '), page },
  )
}

/** Moves the rest of a sentence that continues on the next page to the page on which it began. */
function joinPageBreaks(pages: readonly Text[][]): Text[][] {
  const joined = pages.map(page => [...page])
  for (let i = 0; i + 1 < joined.length; i++) {
    const [last, first] = [joined[i]!.at(-1), joined[i + 1]![0]]
    if (last === undefined || first === undefined || !isText(last) || !isText(first)) continue
    if (/[.!?…:;»”")]$/.test(last.text.slice(-1)) || !/^\p{Ll}/u.test(first.text)) continue
    const end = /(?<![.!?…])[.!?…]+[»”")]*(?=\s|$)/.exec(first.text)
    const cut = end === null ? first.text.length : end.index + end[0].length
    joined[i]!.splice(-1, 1, { ...last, text: joinLines(last.text, first.text.slice(0, cut)) })
    const rest = first.text.slice(cut).trim()
    joined[i + 1]!.splice(0, 1, ...(rest === '' ? [] : [{ ...first, text: rest }]))
  }
  return joined
}

function isText({ isData, level }: Text): boolean {
  return !isData && level === null
}

/** Ignores titles that word processors filled in automatically, such as a file name. */
function usefulTitle(title: unknown): string | undefined {
  if (typeof title !== 'string' || title.trim() === '') return undefined
  return /^(microsoft word|untitled|document\d*$)|\.(docx?|pdf|indd|tex|dvi|odt|rtf|pptx?)$/i.test(title.trim())
    ? undefined
    : title
}

/** Lines of the first page with text, in parts that stand together. */
function firstLines(pages: readonly Region[][]): Line[][] {
  const page = pages.find(regions => regions.length > 0) ?? []
  return page.flatMap(region =>
    region.kind === 'lines' ? [region.lines.filter(({ isField }) => isField !== true)] : [],
  )
}

/**
 * The text in the largest font on the first page or, if all is of one size, its first line unless that is a sentence.
 */
function titleLine(parts: readonly (readonly Line[])[]): string | undefined {
  const sizes = parts.flat().map(line => line.size)
  const largest = sizes.reduce((most, size) => Math.max(most, size), -Infinity)
  const lines = parts.find(part => part.some(({ size }) => size === largest)) ?? []
  const from = lines.findIndex(({ size }) => size === largest)
  const to = lines.findIndex(({ size }, i) => i > from && size !== largest)
  const isOneSize = sizes.every(size => largest - size < 1)
  const title = isOneSize
    ? parts[0]?.[0]?.text
    : lines
        .slice(from, to === -1 ? undefined : to)
        .map(line => line.text)
        .join(' ')
  return title !== undefined && title.length <= 150 && !/[.,;:]$/.test(title) ? title : undefined
}
