import { detectDelimiter, createFieldScanner } from './csv-fields.ts'
import { meaningOf } from './columns.ts'
import { kindOf } from './value-kind.ts'

/** How a CSV file is written, told by its first lines. */
export interface CsvLayout {
  readonly delimiter: string
  /** Number of the header's line, or null if the file begins with data. */
  readonly header: number | null
  /** Lines before this one are titles above the table, or a `sep=` line. */
  readonly first: number
  /** Number of columns, if there is no header that tells it. */
  readonly width: number
}

export interface NumberedLine {
  readonly number: number
  readonly text: string
}

interface TriedRecord {
  readonly line: number
  readonly fields: readonly string[]
}

/** Occurs in no text, for a file of one column. */
const noDelimiter = '\0'
const delimiters = [',', ';', '\t', '|']

/**
 * The layout by the first lines of the file. The delimiter is the one that divides most of them into the same number of
 * fields; `sep=;` states it. The header is the first record with as many fields as the records below it.
 */
export function layoutOf(lines: readonly NumberedLine[], isTabbed: boolean): CsvLayout {
  const stated = statedDelimiter(lines[0]?.text ?? '')
  const table = stated === undefined ? lines : lines.slice(1)
  const first = table[0]
  if (first === undefined) return { delimiter: ',', header: null, first: 1, width: 1 }
  const delimiter = stated ?? delimiterOf(table, isTabbed)
  const records = recordsOf(table, delimiter)
  const width = usualWidth(records)
  const start = startOf(records, width) ?? { line: first.number, fields: [] }
  const below = records.slice(records.indexOf(start) + 1).map(record => record.fields)
  if (below.length > 0 && isData(start.fields, below))
    return { delimiter, header: null, first: start.line, width: Math.max(width, start.fields.length) }
  return { delimiter, header: start.line, first: start.line, width }
}

/** The delimiter of a line `sep=;`, as Excel writes it. */
function statedDelimiter(line: string): string | undefined {
  return /^"?sep=(.)"?[\s,;]*$/i.exec(line)?.[1]
}

function delimiterOf(table: readonly NumberedLine[], isTabbed: boolean): string {
  if (isTabbed && table.some(line => line.text.includes('\t'))) return '\t'
  return bestDelimiter(table) ?? (table.length > 1 ? noDelimiter : detectDelimiter(table[0]!.text))
}

/** The first record of the table, with titles above it left out. */
function startOf(records: readonly TriedRecord[], width: number): TriedRecord | undefined {
  const candidate = records.find(record => fits(record, width))
  // Rows that are all wider than the header are faults of the rows, unless the wider record names columns.
  const isBelowHeader = candidate !== undefined && candidate !== records[0] && !namesColumns(candidate.fields)
  return isBelowHeader ? records[0] : candidate
}

function recordsOf(lines: readonly NumberedLine[], delimiter: string): TriedRecord[] {
  const scanner = createFieldScanner(delimiter)
  const records: TriedRecord[] = []
  let begin: number | null = null
  for (const { number, text } of lines) {
    if (begin === null && text.trim() === '') continue
    begin ??= number
    const fields = scanner.push(text)
    if (fields === null) continue
    if (fields.some(field => field.trim() !== '')) records.push({ line: begin, fields })
    begin = null
  }
  return records
}

/** Undefined if no delimiter divides the lines. */
function bestDelimiter(lines: readonly NumberedLine[]): string | undefined {
  let best: { readonly delimiter: string; readonly share: number; readonly width: number } | undefined
  for (const delimiter of delimiters) {
    const records = recordsOf(lines, delimiter)
    const width = modeOf(records.map(record => record.fields.length).filter(length => length > 1))
    if (width === null) continue
    const count = records.filter(record => record.fields.length === width).length
    // Sentences with commas in one column.
    const isProse =
      records[0]!.fields.length === 1 && records.filter(record => record.fields.length === 1).length >= count
    if (isProse) continue
    const share = count / records.length
    if (best === undefined || share > best.share || (share === best.share && width > best.width))
      best = { delimiter, share, width }
  }
  return best?.delimiter
}

/** The most frequent number, of equally frequent ones the largest. */
function modeOf(numbers: readonly number[]): number | null {
  const counts = new Map<number, number>()
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1)
  let mode: number | null = null
  for (const [number, count] of counts) {
    const most = mode === null ? 0 : counts.get(mode)!
    if (count > most || (count === most && number > mode!)) mode = number
  }
  return mode
}

/** The usual number of fields without empty ones at the end, which spreadsheets add. */
function usualWidth(records: readonly TriedRecord[]): number {
  return modeOf(records.map(({ fields }) => fields.findLastIndex(isFilled) + 1)) ?? 1
}

function fits({ fields }: TriedRecord, width: number): boolean {
  const filled = fields.filter(isFilled).length
  return fields.length >= width && filled >= Math.min(2, width) && filled * 2 >= width
}

/** A header has different words over most columns. */
function namesColumns(fields: readonly string[]): boolean {
  const filled = fields.filter(isFilled).map(field => field.trim())
  const areWords = filled.every(field => kindOf(field) === 'words' && field.length <= 60 && !/[.!?]$/.test(field))
  return filled.length > 1 && areWords && new Set(filled).size * 2 > filled.length
}

/** Kinds of values that do not name a column. */
const dataKinds = new Set(['amount', 'integer', 'url', 'time', 'identifier', 'code', 'flag'])

/** Whether the first record is a row: it has values where the rows below have values of the same kind. */
function isData(fields: readonly string[], below: readonly (readonly string[])[]): boolean {
  if (fields.some(field => meaningOf(field) !== undefined)) return false
  const columns = fields.map((field, i) => ({
    value: field.trim(),
    others: below.map(each => (each[i] ?? '').trim()).filter(each => each !== ''),
  }))
  if (columns.some(({ value, others }) => isNamed(value, others))) return false
  return columns.some(({ value, others }) => isAlike(value, others)) || isSentenceOverSentences(columns)
}

/** A word over a column of numbers, or a statement over a column of questions, is a name. */
function isNamed(value: string, others: readonly string[]): boolean {
  if (value === '' || others.length === 0 || kindOf(value) !== 'words' || /\d/.test(value)) return false
  return mostly(others, each => dataKinds.has(kindOf(each)))
}

function isAlike(value: string, others: readonly string[]): boolean {
  if (value === '' || others.length === 0) return false
  if (isQuestion(value)) return mostly(others, isQuestion)
  const kind = kindOf(value)
  // Years head columns of numbers.
  if (/^(?:19|20)\d\d$/.test(value)) return false
  if (/\d/.test(value) && kind === 'words') return mostly(others, each => shapeOf(each) === shapeOf(value))
  return dataKinds.has(kind) && mostly(others, each => kindOf(each) === kind)
}

/** `2026-03-01` and `2025-11-30` have one shape. */
function shapeOf(value: string): string {
  return value.replace(/\d/g, '9').replace(/\p{L}+/gu, 'A')
}

function isSentenceOverSentences(columns: readonly { value: string; others: readonly string[] }[]): boolean {
  return columns.some(({ value, others }) => isSentence(value) && others.length > 0 && mostly(others, isSentence))
}

function isSentence(value: string): boolean {
  return /\s\S+[.!。]$/.test(value)
}

export function isQuestion(value: string): boolean {
  return /[?？؟]\s*$/.test(value)
}

function mostly<T>(values: readonly T[], test: (value: T) => boolean): boolean {
  return values.filter(test).length * 2 > values.length
}

function isFilled(field: string): boolean {
  return field.trim() !== ''
}
