import { readLines } from '../ingest/readers/rows/lines.ts'

/** Collects all errors in the files of a set, to report them together. */
export interface Faults {
  add(path: string, line: number | undefined, reason: string): void
  /** Throws if there are any. */
  throwIfAny(): void
}

/** More errors at a time do not help. */
const maxShown = 10

export function createFaults(): Faults {
  const lines: string[] = []
  return {
    add: (path, line, reason) => void lines.push(`${path}${line === undefined ? '' : `:${line}`}: ${reason}`),
    throwIfAny() {
      if (lines.length === 0) return
      const more = lines.length > maxShown ? [`and ${lines.length - maxShown} more errors`] : []
      throw new Error([...lines.slice(0, maxShown), ...more].join('\n'))
    },
  }
}

export interface JsonRow {
  readonly line: number
  readonly id: string
  readonly text: string
  readonly title: string | undefined
  readonly language: string | undefined
  /** All fields of the row, as the file has them. */
  readonly fields: Fields
}

export type Fields = { readonly [key: string]: unknown }

/** Lines that are JSON objects, with their numbers. Others are faults. */
export async function* objectRows(
  path: string,
  faults: Faults,
): AsyncGenerator<{ readonly line: number; readonly fields: Fields }> {
  for await (const line of readLines(path)) {
    if ('text' in line && line.text.trim() === '') continue
    const fields = 'fault' in line ? line.fault : parsed(line.text)
    if (typeof fields === 'string') faults.add(path, line.number, fields)
    else yield { line: line.number, fields }
  }
}

/**
 * Rows of a corpus or of questions. Ids are unique and have no spaces, because spaces separate the columns of a TREC
 * run.
 */
export async function* jsonRows(path: string, faults: Faults): AsyncGenerator<JsonRow> {
  const firstLines = new Map<string, number>()
  for await (const { line, fields } of objectRows(path, faults)) {
    const row = rowOf(fields, line)
    if (typeof row === 'string') {
      faults.add(path, line, row)
      continue
    }
    const first = firstLines.get(row.id)
    firstLines.set(row.id, first ?? line)
    if (first === undefined) yield row
    else faults.add(path, line, `has the same id as line ${first}`)
  }
}

/** The row, or the reason why the line is not one. */
function rowOf(fields: Fields, line: number): JsonRow | string {
  const id = typeof fields['id'] === 'number' ? String(fields['id']) : fields['id']
  if (typeof id !== 'string' || !/^\S+$/.test(id)) return '"id" must be text without spaces, or a number'
  const body = fields['text']
  if (typeof body !== 'string' || body.trim() === '') return '"text" must be non-empty text'
  return { line, id, text: body, title: filled(fields['title']), language: filled(fields['lang']), fields }
}

function parsed(text: string): Fields | string {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Fields) : 'is not a JSON object'
  } catch {
    return 'is not valid JSON'
  }
}

export function filled(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}

export interface QrelsRow {
  readonly line: number
  readonly question: string
  readonly document: string
  readonly grade: number
}

/** Tab-separated question, document and grade, or the four columns of TREC. The first line may be a header. */
export async function* qrelsRows(path: string, faults: Faults): AsyncGenerator<QrelsRow> {
  for await (const line of readLines(path)) {
    if ('fault' in line) {
      faults.add(path, line.number, line.fault)
      continue
    }
    if (line.text.trim() === '') continue
    const columns = line.text.trim().split(line.text.includes('\t') ? '\t' : /\s+/)
    const [question = '', document = '', grade = ''] =
      columns.length >= 4 ? [columns[0], columns[2], columns[3]] : columns
    if (/^-?\d+$/.test(grade.trim())) yield { line: line.number, question, document, grade: Number(grade) }
    else if (line.number > 1)
      faults.add(path, line.number, 'must be a question id, a document id and an integer grade, separated by tabs')
  }
}
