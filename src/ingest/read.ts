import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, resolve } from 'node:path'
import { maxPlainOriginalBytes } from './bounds.ts'
import type { FoundFile } from './find-files.ts'
import { formatOf, type Format } from './formats.ts'
import { declaredInMarkup, decodeText, encodingOfFile } from './readers/encoding/encoding.ts'
import {
  documentOf,
  UnreadableError,
  type Content,
  type Metadata,
  type Naming,
  type ReadingOptions,
} from './readers/content.ts'
import { readMails, type MailDeps } from './read-mails.ts'
import type { WantedColumns } from './readers/rows/row-columns.ts'
import { isTooDeep } from './readers/too-deep.ts'
import type { KeptFile, ReadResult, SourceDocument } from './terms.ts'

export { knownFormats } from './formats.ts'

/** A document that is read as a whole needs several times its size in memory. Rows of CSV and JSON lines do not. */
const largestDocumentBytes = 64 * 2 ** 20

/** Options for all documents of a file. */
export interface FileOptions {
  /** Language of documents that do not state one. */
  readonly language?: string | undefined
  /** Added to the metadata of every document; a document's own metadata takes precedence. */
  readonly metadata?: Metadata
  /** Columns of files of rows to ask about; by default those that hold words or amounts. */
  readonly columns?: WantedColumns | undefined
  /** Web address of the document; takes precedence over its own. */
  readonly url?: string | null | undefined
  /** How scanned pages are read, or undefined if they are not. */
  readonly ocr?: ReadingOptions['ocr']
}

export interface FileToRead extends FoundFile {
  readonly options: FileOptions
}

export interface ReadOptions extends FileOptions, ReadProgress {}

interface ReadProgress {
  /** Called with the number of further bytes that are finished, of those that {@link FoundFile.bytes} counts. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/**
 * The documents of one file, in order. What cannot be read yields a fault, and reading continues. Memory use does not
 * depend on the length of CSV and JSON lines files.
 */
export async function* readFound(file: FileToRead, progress: ReadProgress = {}): AsyncGenerator<ReadResult> {
  const { url } = file.options
  for await (const result of named(readOne(file, { ...file.options, ...progress }), file.source)) {
    yield url !== undefined && 'document' in result ? { ...result, document: { ...result.document, url } } : result
  }
}

/** Adds the source to faults, because readers only know the path. */
async function* named(results: AsyncIterable<ReadResult>, source: string): AsyncGenerator<ReadResult> {
  for await (const result of results) yield 'fault' in result ? { fault: { ...result.fault, source } } : result
}

async function* readOne(file: FoundFile, options: ReadOptions): AsyncGenerator<ReadResult> {
  const format = formatOf(file.path)!
  const naming: Naming = {
    source: file.source,
    fallbackTitle: nameOf(file.path),
    language: options.language,
    metadata: options.metadata ?? {},
  }
  try {
    if (format.kind === 'rows') yield* readRows({ path: file.path, shown: file.path }, format, naming, options)
    else if (format.kind === 'mail') yield* orEmpty('mails', readMails(file, format.isMany, naming, mailDeps(options)))
    else yield* readWhole(file, format, naming, options)
  } catch (error) {
    yield { fault: { path: file.path, reason: reasonOf(error) } }
  }
  if (format.kind === 'text' || format.kind === 'bytes') options.onBytes?.(file.bytes)
}

/** A file in which nothing was found is a fault: an export that failed leaves one. */
async function* orEmpty(content: string, results: AsyncIterable<ReadResult>): AsyncGenerator<ReadResult> {
  let isEmpty = true
  for await (const result of results) {
    isEmpty = false
    yield result
  }
  if (isEmpty) throw new UnreadableError(`has no ${content}`)
}

/** The file's name as a title, or the folder's name for README and index files, which many folders have. */
function nameOf(path: string): string {
  const name = basename(path, extname(path))
  return /^(?:readme|index)$/i.test(name) ? basename(dirname(resolve(path))) : name
}

function mailDeps(options: ReadOptions): MailDeps {
  return {
    largestBytes: largestDocumentBytes,
    contentOf: (bytes, format, extension) => contentOf(bytes, format, extension, options),
    // The bytes of an attachment are counted with those of its mail.
    rowsOf: (path, shown, format, naming) => readRows({ path, shown }, format, naming, { columns: options.columns }),
    reasonOf,
    onBytes: options.onBytes,
  }
}

type WholeFormat = Extract<Format, { kind: 'text' | 'bytes' }>
type RowsFormat = Extract<Format, { kind: 'rows' }>

/** `shown` is the name of the file in the report. */
async function* readRows(
  { path, shown }: { readonly path: string; readonly shown: string },
  format: RowsFormat,
  naming: Naming,
  { columns, onBytes }: ReadOptions,
): AsyncGenerator<ReadResult> {
  const encoding = await encodingOfFile(path)
  if (encoding.warning !== undefined) yield { fault: { path: shown, reason: encoding.warning } }
  yield* orEmpty('rows', format.read(path, { ...naming, shown, columns }, { onBytes, encoding }))
}

async function* readWhole(
  file: FoundFile,
  format: WholeFormat,
  naming: Naming,
  options: FileOptions,
): AsyncGenerator<ReadResult> {
  if (file.bytes > largestDocumentBytes) {
    throw new UnreadableError(`is larger than ${largestDocumentBytes / 2 ** 20} MB; split it into smaller documents`)
  }
  const bytes = await readFile(file.path)
  const content = await contentOf(bytes, format, extname(file.path).toLowerCase(), options)
  for (const reason of content.warnings ?? []) yield { fault: { path: file.path, reason } }
  const document = documentOf(content, naming)
  if (document.text.trim() === '') throw new UnreadableError('has no text')
  const kept = { name: basename(file.path), naming, url: options.url, bytes }
  yield bytes.length > maxPlainOriginalBytes ? { document } : { document, kept }
}

/** Reads the document of a file that was kept. Throws an {@link UnreadableError} if this version cannot. */
export async function readAgain(
  { name, naming, url, bytes }: KeptFile,
  options: ReadingOptions = {},
): Promise<SourceDocument> {
  const format = formatOf(name)
  if (format === undefined || format.kind === 'rows' || format.kind === 'mail')
    throw new UnreadableError('has a format that is not read any more')
  const document = documentOf(await contentOf(Buffer.from(bytes), format, extname(name).toLowerCase(), options), naming)
  if (document.text.trim() === '') throw new UnreadableError('has no text')
  return url === undefined ? document : { ...document, url }
}

async function contentOf(
  bytes: Buffer,
  format: WholeFormat,
  extension: string,
  options: ReadingOptions,
): Promise<Content> {
  if (format.kind === 'bytes') return format.read(bytes, options)
  const isMarkup = /^\.(?:x?html?|xml)$/.test(extension)
  const { text, warning } = decodeText(bytes, isMarkup ? declaredInMarkup : undefined)
  const content = await format.read(text, extension)
  return warning === undefined ? content : { ...content, warnings: [warning, ...(content.warnings ?? [])] }
}

function reasonOf(error: unknown): string {
  if (error instanceof UnreadableError) return error.message
  if (isTooDeep(error)) return 'is nested too deeply'
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
  return `cannot be read${code}`
}
