import { promiseHooks } from 'node:v8'
import type { PDFDocumentProxy, PDFPageProxy } from 'unpdf/pdfjs'

/** A page without text that has this many shapes has its letters drawn as shapes. */
const fewestShapes = 40
/** A smaller picture, as a share of the page, is an ornament. */
const smallestPicture = 0.05

/**
 * Promises of one page before it counts as a scan without a further look. Some hundred are usual. A page that draws
 * itself, through a pattern or a font, would go on for ever, and without ever leaving time for a timer.
 */
const mostPromises = 20_000

/**
 * The pages of these, without text, that show a picture, or letters that are drawn as shapes. Must be the last use of
 * the document, which is closed if a page has no end; the pages after it count as scans.
 */
export async function scannedAmong(pdf: PDFDocumentProxy, numbers: readonly number[]): Promise<number[]> {
  const scanned: number[] = []
  for (const [i, number] of numbers.entries()) {
    const isOne = await unlessEndless(pdf, async () => {
      const page = await pdf.getPage(number)
      const isScan = await isScanned(page)
      page.cleanup()
      return isScan
    })
    if (isOne === null) return [...scanned, ...numbers.slice(i)]
    if (isOne) scanned.push(number)
  }
  return scanned
}

/** Null if the work does not end: then the document is closed, because nothing else stops the library. */
export async function unlessEndless<T>(pdf: PDFDocumentProxy, work: () => Promise<T>): Promise<T | null> {
  const { promise: stopped, resolve } = Promise.withResolvers<null>()
  let promises = 0
  const unhook = promiseHooks.onInit(() => {
    if (++promises !== mostPromises) return
    void pdf.destroy().then(
      () => resolve(null),
      () => resolve(null),
    )
  }) as () => void
  try {
    return await Promise.race([stopped, work().catch((error: unknown) => failed(error, promises))])
  } finally {
    unhook()
  }
}

/** The work fails when the document is closed. */
function failed(error: unknown, promises: number): null {
  if (promises < mostPromises) throw error
  return null
}

async function isScanned(page: PDFPageProxy): Promise<boolean> {
  const { OPS } = await import('unpdf/pdfjs')
  const { fnArray, argsArray } = await page.getOperatorList()
  const [left = 0, bottom = 0, right = 0, top = 0] = page.view as number[]
  const smallest = smallestPicture * (right - left) * (top - bottom)
  // A picture covers a unit square that transformations enlarge. It itself is left out, because it is not decoded.
  let area = 1
  let shapes = 0
  const outer: number[] = []
  for (let i = 0; i < fnArray.length; i++) {
    if (fnArray[i] === OPS.save) outer.push(area)
    else if (fnArray[i] === OPS.restore) area = outer.pop() ?? 1
    else if (fnArray[i] === OPS.constructPath) shapes += 1
    else if (fnArray[i] === OPS.transform) area *= areaOf(argsArray[i] as number[])
    if (area >= smallest) return true
  }
  return shapes >= fewestShapes
}

function areaOf([a = 0, b = 0, c = 0, d = 0]: readonly number[]): number {
  return Math.abs(a * d - b * c)
}

/** `page 3` or `pages 3, 5–7`. */
export function pagesInWords(numbers: readonly number[]): string {
  const ranges: string[] = []
  for (let i = 0; i < numbers.length; i++) {
    const first = numbers[i]!
    while (numbers[i + 1] === numbers[i]! + 1) i += 1
    const last = numbers[i]!
    ranges.push(last === first ? String(first) : last === first + 1 ? `${first}, ${last}` : `${first}–${last}`)
  }
  return `${numbers.length === 1 ? 'page' : 'pages'} ${ranges.join(', ')}`
}
