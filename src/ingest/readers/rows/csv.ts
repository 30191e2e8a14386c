import { extname } from 'node:path'
import type { ReadResult } from '../../terms.ts'
import { cleanLine, cleanText } from '../clean-text.ts'
import { meaningOf, type Meaning } from './columns.ts'
import { metadataOf } from '../content.ts'
import { isQuestion } from './csv-layout.ts'
import { csvRecords, type CsvRecord } from './csv-records.ts'
import { readLines, type LineOptions } from './lines.ts'
import { chooseColumns, takeSample } from './row-columns.ts'
import { createRowDocuments, faultAt, type Row, type RowFile } from './row.ts'

/**
 * The rows of a CSV file as documents. A file with a question and an answer column is an FAQ: the question becomes the
 * title and the answer the text. Otherwise a text column becomes the text; without one, the text is a list of lines
 * like "column: value". The other columns that hold words or amounts become such lines below the text. Only a header
 * that cannot be read ends the file.
 */
export async function* readCsv(path: string, file: RowFile, options: LineOptions = {}): AsyncGenerator<ReadResult> {
  const isTabbed = /^\.(?:tsv|tab)$/i.test(extname(path))
  const records = csvRecords(readLines(path, options), isTabbed)
  try {
    const header = await records.next()
    if (header.done === true) return
    if ('fault' in header.value) return yield faultAt(file, header.value.line, header.value.fault)
    const sample = await takeSample(records, record => ('fields' in record ? record.fields.join('').length : 0))
    const columns = columnsOf(header.value.fields, sample)
    const rows = sample.flatMap(record => ('fields' in record ? rowOf(columns, record) : []))
    const documentOfRow = createRowDocuments(file, chooseColumns(rows, file.columns))
    const resultOf = (record: CsvRecord): ReadResult =>
      'fault' in record ? faultAt(file, record.line, record.fault) : documentOfRow(rowOf(columns, record))
    for (const record of sample) yield resultOf(record)
    for await (const record of records) yield resultOf(record)
  } finally {
    await records.return(undefined)
  }
}

interface Column {
  readonly name: string
  /** Role of the column. If two columns match a role, only the first gets it. */
  readonly meaning: Meaning | undefined
}

/** Maximum characters of a column name, because the name is repeated with each of its values. */
const longestName = 200

function columnsOf(header: readonly string[], sample: readonly CsvRecord[]): Column[] {
  const taken = new Set<Meaning>()
  const names = uniqueNames(header.map((field, i) => cleanLine(field.slice(0, longestName)) || `column ${i + 1}`))
  const columns = names.map((name): Column => {
    const meaning = meaningOf(name)
    if (meaning === undefined || taken.has(meaning)) return { name, meaning: undefined }
    taken.add(meaning)
    return { name, meaning }
  })
  if (taken.has('question') && taken.has('answer')) return columns
  return faqByContent(columns.map(withoutHalfFaq), sample, header)
}

/** The second "Price" becomes "Price 2", because values are known by the names of their columns. */
function uniqueNames(names: readonly string[]): string[] {
  const seen = new Set<string>()
  return names.map(name => {
    let unique = name
    for (let count = 2; seen.has(unique); count += 1) unique = `${name} ${count}`
    seen.add(unique)
    return unique
  })
}

/** A question or answer column without its counterpart (such as one called "a") is an ordinary column. */
function withoutHalfFaq(column: Column): Column {
  const isHalf = column.meaning === 'question' || column.meaning === 'answer'
  return isHalf ? { name: column.name, meaning: undefined } : column
}

const faqShare = 0.8

/**
 * An FAQ whose columns have unknown names: one column holds questions, and the longest of the others is the answer.
 * A single column without a header is text.
 */
function faqByContent(columns: readonly Column[], sample: readonly CsvRecord[], header: readonly string[]): Column[] {
  const rows = sample.flatMap(record => ('fields' in record ? [record.fields] : []))
  const isHeadless = header.every(field => field.trim() === '')
  if (columns.length === 1) return isHeadless ? [{ name: 'text', meaning: 'text' }] : [...columns]
  const measured = columns.map((column, i) => {
    const values = rows.map(fields => (fields[i] ?? '').trim()).filter(value => value !== '')
    return {
      isFree: column.meaning === undefined || column.meaning === 'title',
      questions: values.length < 2 ? 0 : values.filter(isQuestion).length / values.length,
      length: values.reduce((sum, value) => sum + value.length, 0),
    }
  })
  const question = measured.findIndex(({ isFree, questions }) => isFree && questions >= faqShare)
  if (question === -1) return [...columns]
  const known = columns.findIndex(({ meaning }) => meaning === 'text')
  const longest = measured.reduce(
    (best, { isFree, length }, i) =>
      i !== question && isFree && (best === -1 || length > measured[best]!.length) ? i : best,
    -1,
  )
  const answer = known === -1 ? longest : known
  if (answer === -1) return [...columns]
  return columns.map(({ name, meaning }, i) => ({
    name,
    meaning: i === question ? 'question' : i === answer ? 'answer' : meaning,
  }))
}

function rowOf(columns: readonly Column[], record: { line: number; fields: readonly string[] }): Row {
  const cells = columns.map((column, i) => ({ ...column, value: cleanText(record.fields[i] ?? '').trim() }))
  const valueOf = (meaning: Meaning): string | undefined => cells.find(cell => cell.meaning === meaning)?.value
  const body: Meaning | undefined = (['answer', 'text'] as const).find(meaning => valueOf(meaning) !== undefined)
  const title: Meaning = valueOf('question') === undefined ? 'title' : 'question'
  const used: (Meaning | undefined)[] = ['id', 'url', 'language', title, body]
  const others = cells.filter(cell => cell.meaning === undefined || !used.includes(cell.meaning))
  const shown = cells.filter(cell => !['id', 'language', 'url'].includes(cell.meaning ?? ''))
  return {
    line: record.line,
    id: valueOf('id'),
    title: valueOf(title),
    isQuestion: title === 'question',
    text: body === undefined ? undefined : valueOf(body)!,
    url: valueOf('url'),
    language: valueOf('language'),
    metadata: metadataOf(others.map(cell => [cell.name, numberIfExact(cell.value)])),
    cells: others.map(cell => [cell.name, cell.value] as const),
    shown: shown.map(cell => [cell.name, cell.value] as const),
  }
}

/** CSV has no types. "2024" becomes a number, so that range filters work; "007", "+7 701" and "1.50" stay text. */
function numberIfExact(value: string): string | number {
  const number = Number(value)
  return Number.isSafeInteger(Math.trunc(number)) && String(number) === value ? number : value
}
