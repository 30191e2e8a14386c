import { createHash } from 'node:crypto'
import { sourceFault } from '../../source-name.ts'
import type { ReadResult } from '../../terms.ts'
import { cleanLine, cleanText } from '../clean-text.ts'
import { documentOf, UnreadableError, type Metadata, type Naming } from '../content.ts'
import { askedLines, keywordsOf, linesOf, type ColumnChoice, type RowCells, type WantedColumns } from './row-columns.ts'
import { createSeenRows } from './seen-rows.ts'

/** A row of a table or of JSON lines, independent of the names of its columns. */
export interface Row extends RowCells {
  readonly line: number
  readonly id?: string | undefined
  readonly title?: string | undefined
  /** Whether the title is a question, so that a row without an answer has no text. */
  readonly isQuestion: boolean
  /** Undefined if the row has no column for its text, which then consists of its cells. */
  readonly text: string | undefined
  /** All cells that can be the text of a row without a text column, including its title. */
  readonly shown?: RowCells['cells'] | undefined
  readonly url?: string | undefined
  readonly language?: string | undefined
  readonly metadata: Metadata
}

/** The file that the rows are in. `shown` is its name in messages; the rest applies to all rows. */
export interface RowFile extends Naming {
  readonly shown: string
  readonly columns?: WantedColumns | undefined
}

/**
 * Turns the rows of a file into documents. The source is `file#id` or, for a row without an id, `file#` and a hash of
 * the title, so that a question whose answer is edited stays the same document. Without a title it is a hash of the
 * text. Line numbers are not used, because inserting a row at the top would rename and re-embed every row below.
 */
export function createRowDocuments(file: RowFile, choice: ColumnChoice): (row: Row) => ReadResult {
  const seen = createSeenRows()
  let isFirst = true

  function documentOfRow(row: Row): ReadResult {
    const text = cleanText(textOf(row, choice)).trim()
    if (text === '') return faultAt(file, row.line, 'has no text')
    // Names depend on the row's own text only, so that another choice of columns renames nothing.
    const names = namesOf(row, cleanText(ownText(row)).trim() || text)
    const firstLines = names.map(name => seen.firstLine(name, row.line))
    const free = names[firstLines.indexOf(null)]
    const invalid = free === undefined ? null : sourceFault(`${file.source}#${free}`)
    if (invalid !== null) return faultAt(file, row.line, `has a source (file name and id) that ${invalid}`)
    if (free !== undefined) return resultNamed(file, free, { ...row, text }, keywordsOf(row, choice, row.id))
    const what = cleanLine(row.id ?? '') === '' ? 'is the same row as' : 'has the same id as'
    return faultAt(file, row.line, `${what} line ${firstLines.at(-1)}`)
  }

  return row => {
    const result = documentOfRow(row)
    if (!isFirst || 'fault' in result || choice.asked.length + choice.filtered.length === 0) return result
    isFirst = false
    return { ...result, columns: { path: file.shown, ...choice } }
  }
}

function textOf(row: Row, choice: ColumnChoice): string {
  if (row.text === undefined) {
    if (choice.asked.length === 0) return ownText(row)
    return linesOf((row.shown ?? row.cells).filter(([name]) => !choice.filtered.includes(name))).join('\n')
  }
  const text = row.text.trim()
  if (text === '' && row.isQuestion) return ''
  return [...(text === '' ? [] : [text]), ...askedLines(row, choice)].join('\n')
}

/** The text column, or all cells as they are named in the file. */
function ownText({ text, cells, shown = cells }: Row): string {
  if (text !== undefined) return text
  const filled = shown.filter(([, value]) => value !== '')
  return filled.map(([name, value]) => `${name}: ${value}`).join('\n')
}

export function faultAt(file: RowFile, line: number, reason: string): ReadResult {
  return { fault: { path: file.shown, line, reason } }
}

/** Possible names of a row, of which the first free one is used. Two answers to one question are two documents. */
function namesOf(row: Row, text: string): string[] {
  const id = cleanLine(row.id ?? '')
  if (id !== '') return [id]
  const title = cleanLine(row.title ?? '')
  return title === '' ? [hashOf(text)] : [hashOf(title), hashOf(`${title}\n${text}`)]
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

type FilledRow = Row & { readonly text: string }

function resultNamed(file: RowFile, name: string, row: FilledRow, keywords: string | undefined): ReadResult {
  try {
    return { document: documentNamed(file, name, row, keywords), line: row.line }
  } catch (error) {
    if (error instanceof UnreadableError) return faultAt(file, row.line, error.message)
    throw error
  }
}

function documentNamed(
  file: RowFile,
  name: string,
  row: FilledRow,
  keywords: string | undefined,
): ReturnType<typeof documentOf> {
  const { title, text, url, language, metadata } = row
  const content = { blocks: [{ kind: 'text', text } as const], title, url, language, metadata, keywords }
  return documentOf(content, { ...file, source: `${file.source}#${name}` })
}
