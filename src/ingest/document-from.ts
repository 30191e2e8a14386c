import { AskError } from '../errors.ts'
import { documentOf, type Content, type Metadata } from './readers/content.ts'
import { readHtml } from './readers/html/html.ts'
import { readMarkdown } from './readers/markdown/markdown.ts'
import { readText } from './readers/text.ts'
import { isTooDeep } from './readers/too-deep.ts'
import type { SourceDocument } from './terms.ts'

/** Formats of a text that does not come from a file. */
const textFormats = ['markdown', 'text', 'html'] as const
export type TextFormat = (typeof textFormats)[number]

export interface DocumentInput {
  readonly source: string
  readonly text: string
  /**
   * Defaults to Markdown. Plain prose is the same when read as Markdown, but Markdown read as plain text would lose its
   * headings, and with them the titles of its passages.
   */
  readonly format?: TextFormat | undefined
  /** Takes precedence over a title in the text. */
  readonly title?: string | null | undefined
  readonly url?: string | null | undefined
  readonly language?: string | null | undefined
  readonly metadata?: Metadata | undefined
}

const readers = { markdown: readMarkdown, text: readText, html: readHtml }

/** A document that was read, with the problems that did not prevent it. */
export interface ReadInput {
  readonly document: SourceDocument
  readonly warnings: readonly string[]
}

/** Reads a document of `PUT /documents`. Fields of the request take precedence over what the text states. */
export function readInput(input: DocumentInput): ReadInput {
  const content = contentOf(input)
  const document = documentOf(
    {
      blocks: content.blocks,
      title: input.title ?? content.title,
      url: input.url ?? content.url,
      language: input.language ?? content.language,
      metadata: { ...content.metadata, ...input.metadata },
    },
    { source: input.source, fallbackTitle: nameIn(input.source) },
  )
  return { document, warnings: content.warnings ?? [] }
}

export function documentFrom(input: DocumentInput): SourceDocument {
  return readInput(input).document
}

function contentOf(input: DocumentInput): Content {
  try {
    return readers[input.format ?? 'markdown'](input.text)
  } catch (cause) {
    if (!isTooDeep(cause)) throw cause
    throw new AskError('invalid_request', { detail: `The text of ${input.source} is nested too deeply.`, cause })
  }
}

/** The last segment of a path or URL, without its extension. */
function nameIn(source: string): string {
  const last = source.split('/').findLast(part => part !== '') ?? source
  return last.replace(/\.[a-z]{2,8}$/i, '')
}
