import { longestUrl, metadataFault } from '../bounds.ts'
import { sourceFault } from '../source-name.ts'
import type { Json, SourceDocument } from '../terms.ts'
import { cleanLine, cleanText } from './clean-text.ts'
import { compose, type Block } from './compose.ts'
import { primaryLanguage } from './language-tag.ts'
import { toJson } from './to-json.ts'

export type Metadata = { readonly [key: string]: Json }

/** Content of one file, row or request body. It takes precedence over the loader's options. */
export interface Content {
  readonly blocks: readonly Block[]
  readonly title?: string | undefined
  readonly url?: string | undefined
  readonly language?: string | undefined
  readonly metadata?: Metadata
  /** Words that find the document although they are not in its text, such as the identifiers of a row. */
  readonly keywords?: string | undefined
  /** Problems to report although the document is usable: sentences that follow the file name. The exit code is then 3. */
  readonly warnings?: readonly string[]
}

/** Settings that a reader of one file may need. */
export interface ReadingOptions {
  /** How scanned pages are read, or undefined if they are not. */
  readonly ocr?: OcrOptions | undefined
}

export interface OcrOptions {
  /** As Tesseract names them, such as `eng`. */
  readonly languages: readonly string[]
  /** Folder with language data; undefined for the packages. */
  readonly data: string | undefined
  /** CPU time for one document, of which recognition takes a part. */
  readonly cpuSeconds: number
}

/** What the loader knows about a document apart from its content. */
export interface Naming {
  readonly source: string
  readonly fallbackTitle: string
  readonly language?: string | undefined
  readonly metadata?: Metadata
}

/** Thrown by a reader. The message is for the user and follows the file name. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
}

/** Throws an {@link UnreadableError} if the source is not a valid name or the metadata is too large. */
export function documentOf(content: Content, naming: Naming): SourceDocument {
  const metadata = { ...naming.metadata, ...content.metadata }
  const sourceReason = sourceFault(naming.source)
  if (sourceReason !== null) throw new UnreadableError(`has a source that ${sourceReason}`)
  const fault = metadataFault(metadata)
  if (fault !== null) throw new UnreadableError(fault)
  const composed = compose(content.blocks, { title: content.title, fallbackTitle: naming.fallbackTitle })
  return {
    source: cleanLine(naming.source),
    ...composed,
    url: webUrl(content.url),
    language: primaryLanguage(content.language) ?? primaryLanguage(naming.language),
    metadata,
    ...(content.keywords !== undefined && { keywords: cleanText(content.keywords) }),
  }
}

/** Only http and https URLs, because a citation becomes a link. */
function webUrl(url: string | undefined): string | null {
  const trimmed = url?.trim() ?? ''
  return trimmed.length <= longestUrl && /^https?:\/\//i.test(trimmed) && URL.canParse(trimmed) ? trimmed : null
}

/** Converts loosely typed fields to metadata: JSON values only, without empty ones. */
export function metadataOf(fields: Iterable<readonly [string, unknown]>): Metadata {
  const entries: [string, Json][] = []
  for (const [key, value] of fields) {
    const json = toJson(value)
    if (json !== undefined && json !== null && json !== '') entries.push([cleanLine(key), json])
  }
  return Object.fromEntries(entries)
}
