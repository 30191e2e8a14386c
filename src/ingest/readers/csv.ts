import type { ReadResult } from '../terms.ts'
import { cleanLine, cleanText } from './clean-text.ts'
import { meaningOf, type Meaning } from './columns.ts'
import { metadataOf } from './content.ts'
import { csvRecords } from './csv-records.ts'
import { readLines, type LineOptions } from './lines.ts'
import { createRowDocuments, faultAt, type Row, type RowFile } from './row.ts'

/**
 * The rows of a CSV file as documents. A file with a question and an answer column is an FAQ: the question becomes the
 * title and the answer the text. Otherwise a text column becomes the text; without one, the text is a list of lines
 * like "column: value". Only a header that cannot be read ends the file.
 */
export async function* readCsv(path: string, file: RowFile, options: LineOptions = {}): AsyncGenerator<ReadResult> {
  const documentOfRow = createRowDocuments(file)
  let columns: readonly Column[] | null = null
  for await (const record of csvRecords(readLines(path, options))) {
    if ('fault' in record) {
      yield faultAt(file, record.line, record.fault)
      if (columns === null) return
    } else if (columns === null) {
      columns = columnsOf(record.fields)
    } else {
      yield documentOfRow(rowOf(columns, record))
    }
  }
}

interface Column {
  readonly name: string
  /** Role of the column. If two columns match a role, only the first gets it. */
  readonly meaning: Meaning | undefined
}

/** Maximum characters of a column name, because the name is repeated with each of its values. */
const longestName = 200

function columnsOf(header: readonly string[]): Column[] {
  const taken = new Set<Meaning>()
  const columns = header.map((field, i): Column => {
    const name = cleanLine(field.slice(0, longestName)) || `column ${i + 1}`
    const meaning = meaningOf(name)
    if (meaning === undefined || taken.has(meaning)) return { name, meaning: undefined }
    taken.add(meaning)
    return { name, meaning }
  })
  return taken.has('question') && taken.has('answer') ? columns : columns.map(withoutHalfFaq)
}

/** A question or answer column without its counterpart (such as one called "a") is an ordinary column. */
function withoutHalfFaq(column: Column): Column {
  const isHalf = column.meaning === 'question' || column.meaning === 'answer'
  return isHalf ? { name: column.name, meaning: undefined } : column
}

function rowOf(columns: readonly Column[], record: { line: number; fields: readonly string[] }): Row {
  const cells = columns.map((column, i) => ({ ...column, value: cleanText(record.fields[i] ?? '').trim() }))
  const valueOf = (meaning: Meaning): string | undefined => cells.find(cell => cell.meaning === meaning)?.value
  const body: Meaning | undefined = (['answer', 'text'] as const).find(meaning => valueOf(meaning) !== undefined)
  const title: Meaning = valueOf('question') === undefined ? 'title' : 'question'
  const used: (Meaning | undefined)[] = ['id', 'url', 'language', title, body]
  const others = cells.filter(cell => cell.meaning === undefined || !used.includes(cell.meaning))
  return {
    line: record.line,
    id: valueOf('id'),
    title: valueOf(title),
    text: body === undefined ? asLines(cells) : valueOf(body)!,
    url: valueOf('url'),
    language: valueOf('language'),
    metadata: metadataOf(others.map(cell => [cell.name, numberIfExact(cell.value)])),
  }
}

function asLines(cells: readonly { name: string; meaning: Meaning | undefined; value: string }[]): string {
  const shown = cells.filter(cell => cell.value !== '' && !['id', 'language', 'url'].includes(cell.meaning ?? ''))
  return shown.map(cell => `${cell.name}: ${cell.value}`).join('\n')
}

/** CSV has no types. "2024" becomes a number, so that range filters work; "007", "+7 701" and "1.50" stay text. */
function numberIfExact(value: string): string | number {
  const number = Number(value)
  return Number.isSafeInteger(Math.trunc(number)) && String(number) === value ? number : value
}
