import { createHash } from 'node:crypto'
import { sourceFault } from '../source-name.ts'
import type { ReadResult } from '../terms.ts'
import { cleanLine, cleanText } from './clean-text.ts'
import { documentOf, UnreadableError, type Metadata, type Naming } from './content.ts'
import { createSeenRows } from './seen-rows.ts'

/** A row of a table or of JSON lines, independent of the names of its columns. */
export interface Row {
  readonly line: number
  readonly id?: string | undefined
  readonly title?: string | undefined
  readonly text: string
  readonly url?: string | undefined
  readonly language?: string | undefined
  readonly metadata: Metadata
}

/** The file that the rows are in. `shown` is its name in messages; the rest applies to all rows. */
export interface RowFile extends Naming {
  readonly shown: string
}

/**
 * Turns the rows of a file into documents. The source is `file#id` or, for a row without an id, `file#` and a hash of
 * the title, so that a question whose answer is edited stays the same document. Without a title it is a hash of the
 * text. Line numbers are not used, because inserting a row at the top would rename and re-embed every row below.
 */
export function createRowDocuments(file: RowFile): (row: Row) => ReadResult {
  const seen = createSeenRows()

  return function documentOfRow(row) {
    const text = cleanText(row.text).trim()
    if (text === '') return faultAt(file, row.line, 'has no text')
    const names = namesOf({ ...row, text })
    const firstLines = names.map(name => seen.firstLine(name, row.line))
    const free = names[firstLines.indexOf(null)]
    const invalid = free === undefined ? null : sourceFault(`${file.source}#${free}`)
    if (invalid !== null) return faultAt(file, row.line, `has a source (file name and id) that ${invalid}`)
    if (free !== undefined) return resultNamed(file, free, { ...row, text })
    const what = cleanLine(row.id ?? '') === '' ? 'is the same row as' : 'has the same id as'
    return faultAt(file, row.line, `${what} line ${firstLines.at(-1)}`)
  }
}

export function faultAt(file: RowFile, line: number, reason: string): ReadResult {
  return { fault: { path: file.shown, line, reason } }
}

/** Possible names of a row, of which the first free one is used. Two answers to one question are two documents. */
function namesOf(row: Row): string[] {
  const id = cleanLine(row.id ?? '')
  if (id !== '') return [id]
  const title = cleanLine(row.title ?? '')
  return title === '' ? [hashOf(row.text)] : [hashOf(title), hashOf(`${title}\n${row.text}`)]
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function resultNamed(file: RowFile, name: string, row: Row): ReadResult {
  try {
    return { document: documentNamed(file, name, row), line: row.line }
  } catch (error) {
    if (error instanceof UnreadableError) return faultAt(file, row.line, error.message)
    throw error
  }
}

function documentNamed(file: RowFile, name: string, row: Row): ReturnType<typeof documentOf> {
  const { title, text, url, language, metadata } = row
  const content = { blocks: [{ kind: 'text', text } as const], title, url, language, metadata }
  return documentOf(content, { ...file, source: `${file.source}#${name}` })
}
