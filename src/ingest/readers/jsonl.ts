import type { ReadResult } from '../terms.ts'
import { metadataOf } from './content.ts'
import { readLines, type LineOptions } from './lines.ts'
import { createRowDocuments, faultAt, type Row, type RowFile } from './row.ts'
import { isTooDeep } from './too-deep.ts'

type Fields = { readonly [key: string]: unknown }

/** JSON lines as documents: `{id?, title?, text|answer|content|body, question?, url?, lang?, metadata?}`. */
export async function* readJsonl(path: string, file: RowFile, options: LineOptions = {}): AsyncGenerator<ReadResult> {
  const documentOfRow = createRowDocuments(file)
  const documentOf = (fields: Fields, line: number) => {
    try {
      return documentOfRow(rowOf(fields, line))
    } catch (error) {
      if (isTooDeep(error)) return faultAt(file, line, 'is nested too deeply')
      throw error
    }
  }
  for await (const line of readLines(path, options)) {
    if ('fault' in line) {
      yield faultAt(file, line.number, line.fault)
    } else if (line.text.trim() !== '') {
      const fields = parse(line.text)
      yield typeof fields === 'string' ? faultAt(file, line.number, fields) : documentOf(fields, line.number)
    }
  }
}

/** The fields of the row, or the reason why it cannot be read. */
function parse(line: string): Fields | string {
  try {
    const value: unknown = JSON.parse(line)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Fields) : 'is not a JSON object'
  } catch {
    return 'is not valid JSON'
  }
}

function rowOf(fields: Fields, line: number): Row {
  const question = filled(fields, ['question'])
  const body = filled(fields, question ? ['answer', 'text', 'content', 'body'] : ['text', 'answer', 'content', 'body'])
  const title = question ?? filled(fields, ['title'])
  const language = filled(fields, ['language', 'lang'])
  const used = new Set(['id', 'url', 'language', 'lang', 'metadata', body?.key, title?.key])
  const { id } = fields
  return {
    line,
    id: typeof id === 'string' || typeof id === 'number' ? String(id) : undefined,
    title: title?.value,
    text: body?.value ?? '',
    url: filled(fields, ['url'])?.value,
    language: language?.value,
    metadata: {
      ...metadataOf(Object.entries(fields).filter(([key, value]) => !used.has(key) && typeof value !== 'object')),
      ...metadataOf(Object.entries(asRecord(fields['metadata']))),
    },
  }
}

/** The first of these keys whose value is non-empty text. */
function filled(fields: Fields, keys: readonly string[]): { key: string; value: string } | undefined {
  for (const key of keys) {
    const value = fields[key]
    if (typeof value === 'string' && value.trim() !== '') return { key, value }
  }
  return undefined
}

function asRecord(value: unknown): object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}
