import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { PDFDocumentProxy } from 'unpdf/pdfjs'
import type { OcrOptions } from '../content.ts'
import { pageOptions } from './pdf-open.ts'
import type { PdfPage } from './pdf-page.ts'
import { segmentsOf, type Piece } from './pdf-pieces.ts'
import { medianOf } from './pdf-rows.ts'
import { unlessEndless } from './pdf-scans.ts'

export interface Recognized {
  /** Pages with recognized text, by number. */
  readonly pages: ReadonlyMap<number, PdfPage>
  /** Why pages were left out, or null. */
  readonly fault: string | null
}

/** Resolution that Tesseract is made for. */
const dotsPerInch = 300
/** An A4 page at 300 dpi has 8.7 million pixels; a larger page gets a lower resolution. */
const mostPixels = 9_000_000
/** Larger pictures in a page are not decoded. */
const largestPicture = 64_000_000
/** Share of the CPU time for a document. The rest is for reading and preparing it. */
const cpuShare = 0.7
/** Words that are recognized less certainly (of 100) are noise: stains, stamps, parts of pictures. */
const leastConfidence = 30

type Tesseract = typeof import('tesseract.js')
type Worker = Awaited<ReturnType<Tesseract['createWorker']>>

/** Recognizes the text of scanned pages in order, until they or the CPU time end. Reads local files only. */
export async function recognize(bytes: Buffer, numbers: readonly number[], ocr: OcrOptions): Promise<Recognized> {
  const pages = new Map<number, PdfPage>()
  const start = process.cpuUsage()
  try {
    const worker = await openWorker(ocr)
    try {
      const pdf = await openForDrawing(bytes)
      for (const number of numbers) {
        const { user, system } = process.cpuUsage(start)
        if ((user + system) / 1e6 > ocr.cpuSeconds * cpuShare) {
          return { pages, fault: 'recognizing more would take too long: raise PREPARE_CPU_SECONDS, or split the file' }
        }
        const page = await recognizePage(worker, pdf, number)
        if (page !== null) pages.set(number, page)
      }
      await pdf.destroy()
    } finally {
      await worker.terminate()
    }
    return { pages, fault: null }
  } catch (error) {
    return { pages, fault: error instanceof MissingError ? error.message : 'text recognition (OCR) failed' }
  }
}

class MissingError extends Error {
  override readonly name = 'MissingError'
}

/** Tesseract reads the data of all languages from one folder, and each may come from a package of its own. */
async function openWorker({ languages, data }: OcrOptions): Promise<Worker> {
  const tesseract = await import('tesseract.js').catch(missingPackages)
  await import('@napi-rs/canvas').catch(missingPackages)
  const folder = await mkdtemp(join(tmpdir(), 'askwell-ocr-'))
  try {
    for (const code of languages) {
      await writeFile(join(folder, `${code}.traineddata`), await languageData(code, data))
    }
    const { createWorker, OEM } = tesseract
    const options = { langPath: folder, gzip: false, cacheMethod: 'none', errorHandler: () => {} } as const
    return await createWorker([...languages], OEM.LSTM_ONLY, options)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function missingPackages(): never {
  throw new MissingError(
    'OCR_LANGUAGES needs packages that do not ship with Askwell because they are large: npm install --no-save --save-prod tesseract.js @napi-rs/canvas',
  )
}

async function languageData(code: string, folder: string | undefined): Promise<Buffer> {
  const paths =
    folder === undefined
      ? packagedData(code)
      : [`${code}.traineddata`, `${code}.traineddata.gz`].map(name => join(folder, name))
  for (const path of paths) {
    const data = await readFile(path).catch(() => null)
    if (data !== null) return path.endsWith('.gz') ? gunzipSync(data) : data
  }
  const advice =
    folder === undefined
      ? `npm install --no-save --save-prod @tesseract.js-data/${code}, or set OCR_DATA to a folder with ${code}.traineddata`
      : `put ${code}.traineddata into the folder that OCR_DATA names`
  throw new MissingError(`there is no data for the language "${code}" of OCR_LANGUAGES: ${advice}`)
}

function packagedData(code: string): string[] {
  try {
    const folder = join(createRequire(import.meta.url).resolve(`@tesseract.js-data/${code}/package.json`), '..')
    return ['4.0.0_best_int', '4.0.0'].map(version => join(folder, version, `${code}.traineddata.gz`))
  } catch {
    return []
  }
}

async function openForDrawing(bytes: Buffer): Promise<PDFDocumentProxy> {
  const { createIsomorphicCanvasFactory, getDocumentProxy } = await import('unpdf')
  const CanvasFactory = await createIsomorphicCanvasFactory(() => import('@napi-rs/canvas'))
  return await getDocumentProxy(new Uint8Array(bytes), { ...pageOptions, maxImageSize: largestPicture, CanvasFactory })
}

async function recognizePage(worker: Worker, pdf: PDFDocumentProxy, number: number): Promise<PdfPage | null> {
  const { renderPageAsImage } = await import('unpdf')
  const page = await pdf.getPage(number)
  const { width, height } = page.getViewport({ scale: 1 })
  const scale = Math.min(dotsPerInch / 72, Math.sqrt(mostPixels / (width * height)))
  const options = { canvasImport: () => import('@napi-rs/canvas'), scale }
  const image = await unlessEndless(pdf, () => renderPageAsImage(pdf, number, options))
  if (image === null) throw new Error('a page draws itself')
  page.cleanup()
  const { data } = await worker.recognize(Buffer.from(image), {}, { blocks: true, text: false })
  const segments = segmentsOf(piecesOf(data.blocks ?? [], scale))
  const characters = segments.reduce((sum, { text }) => sum + text.length, 0)
  return characters === 0 ? null : { parts: [segments], ordered: null, fields: 0, isCut: false, characters }
}

type Blocks = NonNullable<Awaited<ReturnType<Worker['recognize']>>['data']['blocks']>

/** Words with their places in points, so that tables and columns are found as in other pages. */
function piecesOf(blocks: Blocks, scale: number): Piece[] {
  const lines = blocks.flatMap(block => block.paragraphs.flatMap(paragraph => paragraph.lines))
  const usual = medianOf(lines.map(({ bbox }) => bbox.y1 - bbox.y0))
  return lines.flatMap(({ bbox, words }) => {
    const height = bbox.y1 - bbox.y0
    // The height of a line depends on its letters, so that small differences mean nothing.
    const size = (Math.abs(height - usual) < 0.35 * usual ? usual : height) / scale
    return words
      .filter(({ confidence }) => confidence >= leastConfidence)
      .map(({ text, bbox: { x0, x1 } }) => ({
        text,
        x: x0 / scale,
        y: -bbox.y1 / scale,
        width: (x1 - x0) / scale,
        size,
      }))
  })
}
