import { createFieldScanner, detectDelimiter, type FieldScanner } from './csv-fields.ts'
import { longestLineBytes, type LineRead } from './lines.ts'

/** `line` is the one on which the record begins. */
export type CsvRecord =
  | { readonly line: number; readonly fields: readonly string[] }
  | { readonly line: number; readonly fault: string }

/**
 * The records of CSV lines, the header first; all others fit it. A quote that is not closed would swallow the
 * lines below: the record where it opens is a fault then, and reading goes on with the line after.
 */
export async function* csvRecords(lines: AsyncIterable<LineRead>): AsyncGenerator<CsvRecord> {
  let records: RecordReader | null = null
  for await (const line of lines) {
    if (records === null && 'text' in line && line.text.trim() !== '') {
      records = createRecordReader(createFieldScanner(detectDelimiter(line.text)))
    }
    if (records !== null) yield* records.push(line)
    else if ('fault' in line) yield { line: line.number, fault: line.fault }
  }
  if (records !== null) yield* records.end()
}

interface RecordReader {
  push(line: LineRead): Generator<CsvRecord>
  end(): Generator<CsvRecord>
}

function createRecordReader(scanner: FieldScanner): RecordReader {
  /** The lines of the record that is open, kept to read them again if its quote is never closed. */
  let held: LineRead[] = []
  let heldLength = 0
  let width: number | null = null

  function* push(line: LineRead): Generator<CsvRecord> {
    if ('fault' in line) {
      yield* end()
      yield { line: line.number, fault: line.fault }
      return
    }
    if (held.length === 0 && line.text.trim() === '') return
    held.push(line)
    heldLength += line.text.length
    const fields = scanner.push(line.text)
    if (fields === null) {
      if (heldLength > longestLineBytes) yield* giveUp()
    } else if (fields.every(field => field.trim() === '')) {
      // Spreadsheets export empty rows as ",,,".
      release()
    } else if (fits(fields)) {
      yield { line: release()[0]!.number, fields }
    } else if (held.length > 1) {
      // Some quote further down has closed it, and the fields between are wrong.
      yield* giveUp()
    } else {
      yield { line: release()[0]!.number, fault: `has ${fields.length} fields, the header has ${width}` }
    }
  }

  /** The header always does. More fields than it has are well if they are empty. */
  function fits(fields: readonly string[]): boolean {
    width ??= fields.length
    return fields.length >= width && fields.slice(width).every(field => field.trim() === '')
  }

  function* end(): Generator<CsvRecord> {
    while (held.length > 0) yield* giveUp()
  }

  function* giveUp(): Generator<CsvRecord> {
    const [first, ...rest] = release()
    scanner.reset()
    yield { line: first!.number, fault: 'has a quote that is not closed' }
    for (const line of rest) yield* push(line)
  }

  function release(): LineRead[] {
    const lines = held
    held = []
    heldLength = 0
    return lines
  }

  return { push, end }
}
