import { longestUrl, metadataFault } from '../bounds.ts'
import { sourceFault } from '../source-name.ts'
import type { Json, SourceDocument } from '../terms.ts'
import { cleanLine } from './clean-text.ts'
import { compose, type Block } from './compose.ts'
import { primaryLanguage } from './language-tag.ts'
import { toJson } from './to-json.ts'

export type Metadata = { readonly [key: string]: Json }

/** What a reader finds in one file, row or body. What the author wrote there wins over the loader's options. */
export interface Content {
  readonly blocks: readonly Block[]
  readonly title?: string | undefined
  readonly url?: string | undefined
  readonly language?: string | undefined
  readonly metadata?: Metadata
  /** Something to tell the user although the document is good. */
  readonly warning?: string | undefined
}

/** What the loader knows of a document beside its content. */
export interface Naming {
  readonly source: string
  readonly fallbackTitle: string
  readonly language?: string | undefined
  readonly metadata?: Metadata
}

/** Thrown by a reader; the message is for the user, and follows the file's name. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
}

/** Throws an {@link UnreadableError} where no document can be stored under its name, or has more metadata than is kept. */
export function documentOf(content: Content, naming: Naming): SourceDocument {
  const metadata = { ...naming.metadata, ...content.metadata }
  const unnamed = sourceFault(naming.source)
  if (unnamed !== null) throw new UnreadableError(`has a source that ${unnamed}`)
  const fault = metadataFault(metadata)
  if (fault !== null) throw new UnreadableError(fault)
  const composed = compose(content.blocks, { title: content.title, fallbackTitle: naming.fallbackTitle })
  return {
    source: cleanLine(naming.source),
    ...composed,
    url: webUrl(content.url),
    language: primaryLanguage(content.language) ?? primaryLanguage(naming.language),
    metadata,
  }
}

/** Only addresses that a browser may be sent to: a citation becomes a link. */
function webUrl(url: string | undefined): string | null {
  const trimmed = url?.trim() ?? ''
  return trimmed.length <= longestUrl && /^https?:\/\//i.test(trimmed) && URL.canParse(trimmed) ? trimmed : null
}

/** Metadata of loosely typed fields: JSON only, and nothing that is empty. */
export function metadataOf(fields: Iterable<readonly [string, unknown]>): Metadata {
  const entries: [string, Json][] = []
  for (const [key, value] of fields) {
    const json = toJson(value)
    if (json !== undefined && json !== null && json !== '') entries.push([cleanLine(key), json])
  }
  return Object.fromEntries(entries)
}
