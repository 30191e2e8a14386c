import { createFieldScanner, detectDelimiter, type FieldScanner } from './csv-fields.ts'
import { longestLineBytes, type LineRead } from './lines.ts'

/** `line` is the one on which the record begins. */
export type CsvRecord =
  | { readonly line: number; readonly fields: readonly string[] }
  | { readonly line: number; readonly fault: string }

/**
 * The records of CSV lines, the header first. A quote that is never closed would swallow the rest of the file:
 * the record where it opens is a fault then, and reading goes on with the line after.
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
    if (fields !== null) yield { line: release()[0]!.number, fields }
    else if (heldLength > longestLineBytes) yield* giveUp()
  }

  function* end(): Generator<CsvRecord> {
    while (held.length > 0) yield* giveUp()
  }

  function* giveUp(): Generator<CsvRecord> {
    const [first, ...rest] = release()
    scanner.reset()
    yield { line: first!.number, fault: 'has a quote that is never closed' }
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
