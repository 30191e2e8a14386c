import { extname } from 'node:path'
import { readAsciidoc } from './readers/asciidoc.ts'
import type { Content, ReadingOptions } from './readers/content.ts'
import { readCsv } from './readers/rows/csv.ts'
import { readDocx } from './readers/word/docx.ts'
import { readIpynb } from './readers/ipynb.ts'
import { readHtml, readXhtml } from './readers/html/html.ts'
import { readJson } from './readers/rows/json.ts'
import { readJsonl } from './readers/rows/jsonl.ts'
import { readMarkdown } from './readers/markdown/markdown.ts'
import { readOdt } from './readers/word/odt.ts'
import { readPdf } from './readers/pdf/pdf.ts'
import { readRtf } from './readers/word/rtf.ts'
import { readSubtitles } from './readers/subtitles.ts'
import { readRst } from './readers/rst/rst.ts'
import { readText } from './readers/text.ts'

/**
 * `rows` is a stream of many documents; `text` and `bytes` are one document that is read as a whole. `mail` is one mail,
 * or with `isMany` a mailbox of any size, with attachments.
 */
export type Format = { readonly name: string; readonly extensions: readonly string[] } & (
  | { readonly kind: 'rows'; readonly read: typeof readCsv }
  | { readonly kind: 'text'; readonly read: (text: string, extension: string) => Content | Promise<Content> }
  | { readonly kind: 'bytes'; readonly read: (bytes: Buffer, options: ReadingOptions) => Promise<Content> }
  | { readonly kind: 'mail'; readonly isMany: boolean }
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
  { name: 'XHTML', extensions: ['.xhtml', '.xht'], kind: 'text', read: readXhtml },
  { name: 'AsciiDoc', extensions: ['.adoc', '.asciidoc'], kind: 'text', read: readAsciidoc },
  { name: 'reStructuredText', extensions: ['.rst', '.rest'], kind: 'text', read: readRst },
  { name: 'PDF', extensions: ['.pdf'], kind: 'bytes', read: readPdf },
  { name: 'Word', extensions: ['.docx', '.docm', '.dotx'], kind: 'bytes', read: readDocx },
  { name: 'OpenDocument text', extensions: ['.odt', '.fodt'], kind: 'bytes', read: readOdt },
  { name: 'Rich Text Format', extensions: ['.rtf'], kind: 'bytes', read: readRtf },
  {
    name: 'Excel',
    extensions: ['.xlsx', '.xlsm'],
    kind: 'bytes',
    read: async bytes => await (await import('./readers/office/xlsx.ts')).readXlsx(bytes),
  },
  {
    name: 'PowerPoint',
    extensions: ['.pptx', '.pptm', '.ppsx'],
    kind: 'bytes',
    read: async bytes => await (await import('./readers/office/pptx.ts')).readPptx(bytes),
  },
  {
    name: 'OpenDocument spreadsheet',
    extensions: ['.ods'],
    kind: 'bytes',
    read: async bytes => await (await import('./readers/office/ods.ts')).readOds(bytes),
  },
  {
    name: 'OpenDocument presentation',
    extensions: ['.odp'],
    kind: 'bytes',
    read: async bytes => await (await import('./readers/office/odp.ts')).readOdp(bytes),
  },
  { name: 'Jupyter notebook', extensions: ['.ipynb'], kind: 'text', read: readIpynb },
  { name: 'subtitles', extensions: ['.srt', '.vtt'], kind: 'text', read: readSubtitles },
  {
    name: 'EPUB',
    extensions: ['.epub'],
    kind: 'bytes',
    read: async bytes => await (await import('./readers/epub.ts')).readEpub(bytes),
  },
  { name: 'mail', extensions: ['.eml'], kind: 'mail', isMany: false },
  { name: 'mailbox', extensions: ['.mbox'], kind: 'mail', isMany: true },
  { name: 'CSV', extensions: ['.csv', '.tsv', '.tab'], kind: 'rows', read: readCsv },
  { name: 'JSON lines', extensions: ['.jsonl', '.ndjson'], kind: 'rows', read: readJsonl },
  { name: 'JSON', extensions: ['.json'], kind: 'rows', read: readJson },
]

/** For messages: `.md, .markdown, …`. */
export const knownEndings = knownFormats.flatMap(format => format.extensions).join(', ')

/** The format of a file by its extension in any case, or undefined if it is not supported. */
export function formatOf(path: string): Format | undefined {
  const extension = extname(path).toLowerCase()
  return knownFormats.find(format => format.extensions.includes(extension))
}
