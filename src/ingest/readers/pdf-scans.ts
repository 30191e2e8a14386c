import type { PDFPageProxy } from 'unpdf/pdfjs'

/** A page without text that has this many shapes has its letters drawn as shapes. */
const fewestShapes = 40

/** Whether a page without text shows a picture, or letters that are drawn as shapes. */
export async function isScanned(page: PDFPageProxy): Promise<boolean> {
  const { OPS } = await import('unpdf/pdfjs')
  const { fnArray } = await page.getOperatorList()
  // Pictures are placed by a transformation. They themselves are left out, because they are not decoded.
  return fnArray.includes(OPS.transform) || fnArray.filter(code => code === OPS.constructPath).length >= fewestShapes
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
