import { AskError } from '../errors.ts'
import { documentOf, type Content, type Metadata } from './readers/content.ts'
import { readHtml } from './readers/html.ts'
import { readMarkdown } from './readers/markdown.ts'
import { readText } from './readers/text.ts'
import { isTooDeep } from './readers/too-deep.ts'
import type { SourceDocument } from './terms.ts'

/** How a text that comes without a file is written. */
export const textFormats = ['markdown', 'text', 'html'] as const
export type TextFormat = (typeof textFormats)[number]

export interface DocumentInput {
  readonly source: string
  readonly text: string
  /**
   * Markdown unless said otherwise: plain prose reads the same as Markdown, while Markdown read as plain text
   * would lose its headings, and with them the titles of its passages.
   */
  readonly format?: TextFormat | undefined
  /** Wins over a title in the text. */
  readonly title?: string | null | undefined
  readonly url?: string | null | undefined
  readonly language?: string | null | undefined
  readonly metadata?: Metadata | undefined
}

const readers = { markdown: readMarkdown, text: readText, html: readHtml }

/** A document from a text and what its sender says of it, for `PUT /documents`. The sender's word wins. */
export function documentFrom(input: DocumentInput): SourceDocument {
  const content = contentOf(input)
  return documentOf(
    {
      blocks: content.blocks,
      title: input.title ?? content.title,
      url: input.url ?? content.url,
      language: input.language ?? content.language,
      metadata: { ...content.metadata, ...input.metadata },
    },
    { source: input.source, fallbackTitle: nameIn(input.source) },
  )
}

function contentOf(input: DocumentInput): Content {
  try {
    return readers[input.format ?? 'markdown'](input.text)
  } catch (cause) {
    if (!isTooDeep(cause)) throw cause
    throw new AskError('invalid_request', { detail: `The text of ${input.source} is nested too deeply.`, cause })
  }
}

/** The last part of a path or address, without its ending. */
function nameIn(source: string): string {
  const last = source.split('/').findLast(part => part !== '') ?? source
  return last.replace(/\.[a-z]{2,8}$/i, '')
}
