import { stat } from 'node:fs/promises'
import type { ReadResult } from '../../terms.ts'
import { encodingFault } from '../encoding/utf8.ts'
import { documentOf, metadataOf, UnreadableError } from '../content.ts'
import { JsonScanner } from './json-structure.ts'
import { cellsIn, filled, isObject } from './json-fields.ts'
import { objectOf, readJsonl } from './jsonl.ts'
import { longestLineBytes, utf8Chunks, type LineOptions } from './lines.ts'
import { documentsOfObjects, type ObjectRead } from './object-rows.ts'
import type { RowFile } from './row.ts'

/** Larger files are read only if they are rows, which are read one by one. */
const largestWholeBytes = 64 * 2 ** 20
/** An array is the content of a file, not a detail of it, if it is this share of the text. */
const mainShare = 0.5
/** Deeper levels take memory of the parser that no heap limit bounds. */
const deepest = 10_000
/** Values of one document, because each becomes a line. */
const mostValues = 200_000

/**
 * A JSON file: an array of objects, or an object with one array of objects that is most of it, is rows. Anything else
 * is one document of lines like "path: value".
 */
export async function* readJson(path: string, file: RowFile, options: LineOptions = {}): AsyncGenerator<ReadResult> {
  const { onBytes, ...silent } = options
  const scanner = await structureOf(path, silent)
  const { size: bytes } = await stat(path)
  if (isLines(scanner)) return yield* readJsonl(path, file, options)
  const rows = rowsIn(scanner)
  if (rows !== undefined) yield* documentsOfObjects(itemsOf(path, rows, options), file)
  else if (bytes > largestWholeBytes)
    throw new UnreadableError(
      `is larger than ${largestWholeBytes / 2 ** 20} MB and no array of objects; split it into smaller files`,
    )
  else {
    if (scanner.deepest > deepest) throw new RangeError('nested too deeply')
    yield { document: documentOf(await contentOf(path, silent), file) }
    onBytes?.(bytes)
  }
}

async function structureOf(path: string, options: LineOptions): Promise<JsonScanner> {
  const scanner = new JsonScanner()
  for await (const text of textOf(path, options)) scanner.push(text)
  return scanner
}

async function* textOf(path: string, options: LineOptions): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of utf8Chunks(path, options)) yield decoder.decode(chunk, { stream: true })
    yield decoder.decode()
  } catch (error) {
    if (error instanceof TypeError) throw new UnreadableError(options.encoding?.refusal ?? encodingFault)
    throw error
  }
}

/** Whether the file has several objects one after the other. */
function isLines({ tops }: JsonScanner): boolean {
  return tops.length > 1 && tops[0] === 'object'
}

/** Where the rows are: null for the topmost array, the key of another array, or undefined if there are none. */
function rowsIn({ tops, values, total, firstItem }: JsonScanner): string | null | undefined {
  if (tops[0] === 'array') return firstItem === 'object' ? null : undefined
  const arrays = values.filter(value => value.kind === 'array' && value.first === 'object')
  const [rows] = arrays
  return arrays.length === 1 && rows!.key !== null && rows!.length >= total * mainShare ? rows!.key : undefined
}

async function* itemsOf(path: string, key: string | null, options: LineOptions): AsyncGenerator<ObjectRead> {
  const scanner = new JsonScanner(key, longestLineBytes)
  const read = ({ line, text }: { line: number; text: string | null }): ObjectRead =>
    text === null ? { line, fault: `is longer than ${longestLineBytes / 2 ** 20} MB` } : objectOf(text, line)
  for await (const text of textOf(path, options)) for (const item of scanner.push(text)) yield read(item)
  const { items, isWhole } = scanner.end()
  for (const item of items) yield read(item)
  if (!isWhole && items.length === 0) throw new UnreadableError('is not valid JSON: it ends too early')
}

async function contentOf(path: string, options: LineOptions) {
  let text = ''
  for await (const part of textOf(path, options)) text += part
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new UnreadableError(`is not valid JSON: ${error.message.replace(/\s+/g, ' ').slice(0, 200)}`)
  }
  const lines = cellsIn(value, { isNumbered: true, most: mostValues }).map(
    ([name, each]) => `${name === '' ? '- ' : `${name}: `}${each}`,
  )
  if (lines.length === 0) throw new UnreadableError('has no text')
  const fields = isObject(value) ? value : {}
  return {
    blocks: [{ kind: 'text', text: lines.join('\n') } as const],
    title: filled(fields, ['title', 'name'])?.value,
    language: filled(fields, ['language', 'lang'])?.value,
    url: filled(fields, ['url'])?.value,
    metadata: metadataOf(isObject(fields['metadata']) ? Object.entries(fields['metadata']) : []),
  }
}
