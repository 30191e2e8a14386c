import { createFieldScanner, detectDelimiter, type FieldScanner } from './csv-fields.ts'
import { longestLineBytes, type LineRead } from './lines.ts'

/** `line` is the one on which the record begins. */
export type CsvRecord =
  { readonly line: number; readonly fields: readonly string[] } | { readonly line: number; readonly fault: string }

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

interface HeldLine {
  readonly number: number
  readonly text: string
  /** Fields of the record that were complete when the line ended. */
  readonly complete: number
}

function createRecordReader(scanner: FieldScanner): RecordReader {
  /** The lines of the record that is open, kept to read them again if its quote is never closed. */
  let held: HeldLine[] = []
  let heldLength = 0
  let width: number | null = null

  function* push(line: LineRead): Generator<CsvRecord> {
    if ('fault' in line) {
      yield* end()
      yield { line: line.number, fault: line.fault }
      return
    }
    if (held.length === 0 && line.text.trim() === '') return
    const fields = scanner.push(line.text)
    held.push({ ...line, complete: scanner.complete })
    heldLength += line.text.length
    if (fields !== null) yield* close(fields)
    else if (heldLength > longestLineBytes) yield* giveUp(null)
  }

  function* close(fields: readonly string[]): Generator<CsvRecord> {
    // Spreadsheets export empty rows as ",,,".
    if (fields.every(isBlank)) release()
    else if (fits(fields)) yield { line: release()[0]!.number, fields }
    // Some quote further down has closed it, and the fields between are wrong.
    else if (held.length > 1) yield* giveUp(fields)
    else yield { line: release()[0]!.number, fault: `has ${fields.length} fields, the header has ${width}` }
  }

  /** The header always does. More fields than it has are well if they are empty. */
  function fits(fields: readonly string[]): boolean {
    width ??= fields.length
    return fields.length >= width && fields.slice(width).every(isBlank)
  }

  function* end(): Generator<CsvRecord> {
    while (held.length > 0) yield* giveUp(null)
  }

  /**
   * The record that is open does not end (null), or ends with fields that do not fit: its first line is a fault, those
   * below are read again, each as the beginning of a record. That they end where the first one ended is known, and with
   * how many fields; so none but one that can fit is read to the end again. (Else, of n open quotes, each reads all
   * lines below.) The last line may begin a record that goes on.
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

  function* alone({ number, text }: HeldLine, fields: readonly string[]): Generator<CsvRecord> {
    held = [{ number, text, complete: 0 }]
    if (text.trim() === '') release()
    else yield* close(fields)
  }

  /** Whether a record that begins with this line has room for what the one before it had from here on. */
  function mayFit(own: number, line: HeldLine, fields: readonly string[]): boolean {
    const below = fields.length - line.complete
    const spare = own + below - (width ?? 0)
    return spare >= 0 && fields.slice(Math.max(fields.length - spare, line.complete + 1)).every(isBlank)
  }

  function readOn(lines: readonly HeldLine[]): string[] | null {
    let fields: string[] | null = null
    for (const line of lines) fields = scanner.push(line.text)
    return fields
  }

  function release(): HeldLine[] {
    const lines = held
    held = []
    heldLength = 0
    return lines
  }

  return { push, end }
}

const unclosed = 'has a quote that is not closed'

function isBlank(field: string): boolean {
  return field.trim() === ''
}
