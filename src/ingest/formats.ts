import { extname } from 'node:path'
import type { Content, ReadingOptions } from './readers/content.ts'
import { readCsv } from './readers/csv.ts'
import { readDocx } from './readers/docx.ts'
import { readHtml } from './readers/html.ts'
import { readJsonl } from './readers/jsonl.ts'
import { readMarkdown } from './readers/markdown.ts'
import { readPdf } from './readers/pdf.ts'
import { readText } from './readers/text.ts'

/** `rows` is a stream of many documents; `text` and `bytes` are one document that is read as a whole. */
export type Format = { readonly name: string; readonly extensions: readonly string[] } & (
  | { readonly kind: 'rows'; readonly read: typeof readCsv }
  | { readonly kind: 'text'; readonly read: (text: string, extension: string) => Content }
  | { readonly kind: 'bytes'; readonly read: (bytes: Buffer, options: ReadingOptions) => Promise<Content> }
)

/** Every supported format, with its file extensions. */
export const knownFormats: readonly Format[] = [
  {
    name: 'Markdown',
    extensions: ['.md', '.markdown', '.mdx'],
    kind: 'text',
    read: (text, extension) => readMarkdown(text, { mdx: extension === '.mdx' }),
  },
  { name: 'plain text', extensions: ['.txt'], kind: 'text', read: readText },
  { name: 'HTML', extensions: ['.html', '.htm'], kind: 'text', read: readHtml },
  { name: 'PDF', extensions: ['.pdf'], kind: 'bytes', read: readPdf },
  { name: 'Word', extensions: ['.docx'], kind: 'bytes', read: readDocx },
  { name: 'CSV', extensions: ['.csv'], kind: 'rows', read: readCsv },
  { name: 'JSON lines', extensions: ['.jsonl', '.ndjson'], kind: 'rows', read: readJsonl },
]

/** For messages: `.md, .markdown, …`. */
export const knownEndings = knownFormats.flatMap(format => format.extensions).join(', ')

/** The format of a file by its extension in any case, or undefined if it is not supported. */
export function formatOf(path: string): Format | undefined {
  const extension = extname(path).toLowerCase()
  return knownFormats.find(format => format.extensions.includes(extension))
}
