import { createFieldScanner, type FieldScanner } from './csv-fields.ts'
import { layoutOf } from './csv-layout.ts'
import { longestLineBytes, type LineRead } from './lines.ts'

/** `line` is the line on which the record begins. */
export type CsvRecord =
  { readonly line: number; readonly fields: readonly string[] } | { readonly line: number; readonly fault: string }

/** Lines that tell the layout of a file. They are kept in memory, so their number and size are limited. */
const layoutLines = 100
const layoutCharacters = 1_000_000

/**
 * The records of a CSV file, starting with the header, which has empty fields if the file has none; all others fit the
 * header. An unclosed quote would swallow the lines below it. The record in which it opens is then a fault, and reading
 * continues with the next line.
 */
export async function* csvRecords(lines: AsyncIterable<LineRead>, isTabbed = false): AsyncGenerator<CsvRecord> {
  let waiting: LineRead[] | null = []
  let characters = 0
  let records: RecordReader | null = null
  for await (const line of lines) {
    if (records !== null) {
      yield* records.push(line)
      continue
    }
    waiting!.push(line)
    if ('text' in line) characters += line.text.length
    if (waiting!.length < layoutLines && characters < layoutCharacters) continue
    records = yield* begin(waiting!, isTabbed)
    waiting = null
  }
  records ??= yield* begin(waiting!, isTabbed)
  yield* records.end()
}

function* begin(lines: readonly LineRead[], isTabbed: boolean): Generator<CsvRecord, RecordReader> {
  const readable = lines.filter(line => 'text' in line).filter(line => line.text.trim() !== '' || line.text === '\t')
  const layout = layoutOf(readable, isTabbed)
  const records = createRecordReader(createFieldScanner(layout.delimiter), layout.header === null ? layout.width : null)
  if (layout.header === null && readable.length > 0)
    yield { line: layout.first, fields: Array.from({ length: layout.width }, () => '') }
  for (const line of lines) {
    // A line above the header that cannot be read may be the header.
    if (line.number >= layout.first) yield* records.push(line)
    else if ('fault' in line) yield { line: line.number, fault: line.fault }
  }
  return records
}

interface RecordReader {
  push(line: LineRead): Generator<CsvRecord>
  end(): Generator<CsvRecord>
}

interface OpenLine {
  readonly number: number
  readonly text: string
  /** Number of complete fields of the record at the end of the line. */
  readonly complete: number
}

function createRecordReader(scanner: FieldScanner, knownWidth: number | null): RecordReader {
  /** Lines of the open record, kept in case its quote is never closed and they must be read again. */
  let openLines: OpenLine[] = []
  let openLength = 0
  let width = knownWidth

  function* push(line: LineRead): Generator<CsvRecord> {
    if ('fault' in line) {
      yield* end()
      yield { line: line.number, fault: line.fault }
      return
    }
    if (openLines.length === 0 && line.text.trim() === '') return
    const fields = scanner.push(line.text)
    openLines.push({ ...line, complete: scanner.complete })
    openLength += line.text.length
    if (fields !== null) yield* close(fields)
    else if (openLength > longestLineBytes) yield* giveUp(null)
  }

  function* close(fields: readonly string[]): Generator<CsvRecord> {
    // Spreadsheets export empty rows as ",,,"; skip them.
    if (fields.every(isBlank)) release()
    else if (fits(fields)) yield { line: release()[0]!.number, fields }
    // A quote further down closed the record, and the fields in between are wrong.
    else if (openLines.length > 1) yield* giveUp(fields)
    else yield { line: release()[0]!.number, fault: `has ${fields.length} fields, the header has ${width}` }
  }

  /** The header always fits. Extra fields are accepted if they are empty. */
  function fits(fields: readonly string[]): boolean {
    width ??= fields.length
    return fields.length >= width && fields.slice(width).every(isBlank)
  }

  function* end(): Generator<CsvRecord> {
    while (openLines.length > 0) yield* giveUp(null)
  }

  /**
   * Handles an open record that never ends (`fields` is null) or ends with fields that do not fit. Its first line is a
   * fault, and each line below is tried as the beginning of a record.
   *
   * Such a record would end where the first one ended, with a known number of fields, so only one that can fit is read
   * to its end again. Otherwise each of n open quotes would read all lines below it. The last line may begin a record
   * that continues.
   */
  function* giveUp(fields: readonly string[] | null): Generator<CsvRecord> {
    const [first, ...rest] = release()
    scanner.reset()
    yield { line: first!.number, fault: unclosed }
    let mayRead = fields !== null
    for (const [i, line] of rest.entries()) {
      if (i === rest.length - 1 && fields !== null) return yield* push(line)
      const own = scanner.push(line.text)
      if (own !== null) {
        yield* alone(line, own)
        continue
      }
      if (mayRead && mayFit(scanner.complete, line, fields!)) {
        const whole = readOn(rest.slice(i + 1))
        if (whole !== null && fits(whole)) return yield { line: line.number, fields: whole }
        mayRead = false
      }
      scanner.reset()
      yield { line: line.number, fault: unclosed }
    }
  }

  function* alone({ number, text }: OpenLine, fields: readonly string[]): Generator<CsvRecord> {
    openLines = [{ number, text, complete: 0 }]
    if (text.trim() === '') release()
    else yield* close(fields)
  }

  /** Whether a record that begins with this line has room for the fields that the first record had from here on. */
  function mayFit(own: number, line: OpenLine, fields: readonly string[]): boolean {
    const below = fields.length - line.complete
    const spare = own + below - (width ?? 0)
    return spare >= 0 && fields.slice(Math.max(fields.length - spare, line.complete + 1)).every(isBlank)
  }

  function readOn(lines: readonly OpenLine[]): string[] | null {
    let fields: string[] | null = null
    for (const line of lines) fields = scanner.push(line.text)
    return fields
  }

  function release(): OpenLine[] {
    const lines = openLines
    openLines = []
    openLength = 0
    return lines
  }

  return { push, end }
}

const unclosed = 'has a quote that is not closed'

function isBlank(field: string): boolean {
  return field.trim() === ''
}
