import type { ReadResult } from '../../terms.ts'
import { isObject, type Fields } from './json-fields.ts'
import { readLines, type LineOptions } from './lines.ts'
import { documentsOfObjects, type ObjectRead } from './object-rows.ts'
import type { RowFile } from './row.ts'

/** JSON lines as documents; a line is an object. */
export async function* readJsonl(path: string, file: RowFile, options: LineOptions = {}): AsyncGenerator<ReadResult> {
  yield* documentsOfObjects(objectsOf(path, options), file)
}

async function* objectsOf(path: string, options: LineOptions): AsyncGenerator<ObjectRead> {
  for await (const line of readLines(path, options)) {
    if ('fault' in line) yield { line: line.number, fault: line.fault }
    else if (line.text.trim() !== '') yield objectOf(line.text, line.number)
  }
}

/** The fields of the object, or the reason why it cannot be read. */
export function objectOf(text: string, line: number): ObjectRead {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { line, fault: 'is not valid JSON' }
  }
  return isObject(value)
    ? { line, fields: value as Fields, size: text.length }
    : { line, fault: 'is not a JSON object' }
}
