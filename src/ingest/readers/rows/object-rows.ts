import { maxMetadataBytes } from '../../bounds.ts'
import type { Json, ReadResult } from '../../terms.ts'
import { meaningOf, type Meaning } from './columns.ts'
import { metadataOf, type Metadata } from '../content.ts'
import { cellsIn, filled, isObject, type Fields } from './json-fields.ts'
import { chooseColumns, takeSample } from './row-columns.ts'
import { createRowDocuments, faultAt, type Row, type RowFile } from './row.ts'
import { isTooDeep } from '../too-deep.ts'

/** An object of JSON lines or of a JSON array, or the reason why it cannot be read. */
export type ObjectRead =
  | { readonly line: number; readonly fields: Fields; readonly size: number }
  | { readonly line: number; readonly fault: string }

type RowRead = { readonly row: Row; readonly warning?: string; readonly size: number } | { readonly fault: ReadResult }

/** Objects as documents: `{id?, title?, text|answer|content|body, question?, url?, lang?, metadata?}`. */
export async function* documentsOfObjects(
  objects: AsyncIterable<ObjectRead>,
  file: RowFile,
): AsyncGenerator<ReadResult> {
  const rows = rowsOf(objects, file)
  try {
    const sample = await takeSample(rows, each => ('row' in each ? each.size : 0))
    const choice = chooseColumns(
      sample.flatMap(each => ('row' in each ? each.row : [])),
      file.columns,
    )
    const documentOfRow = createRowDocuments(file, choice)
    const resultsOf = (each: RowRead): ReadResult[] => {
      if ('fault' in each) return [each.fault]
      const warnings = each.warning === undefined ? [] : [faultAt(file, each.row.line, each.warning)]
      return [...warnings, documentOfRow(each.row)]
    }
    for (const each of sample) yield* resultsOf(each)
    for await (const each of rows) yield* resultsOf(each)
  } finally {
    await rows.return(undefined)
  }
}

async function* rowsOf(objects: AsyncIterable<ObjectRead>, file: RowFile): AsyncGenerator<RowRead, void> {
  for await (const each of objects) {
    if ('fault' in each) yield { fault: faultAt(file, each.line, each.fault) }
    else yield rowRead(each, file)
  }
}

function rowRead({ fields, line, size }: Extract<ObjectRead, { fields: Fields }>, file: RowFile): RowRead {
  try {
    return { ...rowOf(fields, line), size }
  } catch (error) {
    if (isTooDeep(error)) return { fault: faultAt(file, line, 'is nested too deeply') }
    throw error
  }
}

const bodies = ['text', 'answer', 'content', 'body']

function rowOf(fields: Fields, line: number): { row: Row; warning?: string } {
  const { question, body, stated, title } = rolesIn(fields)
  // A name that serves as the title stays metadata.
  const reserved = new Set(['id', 'url', 'language', 'lang', 'metadata', body?.key, stated?.key])
  const others = Object.entries(fields).filter(([key]) => !reserved.has(key))
  const isBodyKnown =
    body !== undefined || question !== undefined || bodies.some(key => typeof fields[key] === 'string')
  const hasBody = isBodyKnown || others.length === 0
  const shown = cellsIn(
    Object.fromEntries([...(title === undefined ? [] : [[title.key, title.value] as const]), ...others]),
  )
  const given = metadataOf(isObject(fields['metadata']) ? Object.entries(fields['metadata']) : [])
  const { metadata, dropped } = withinLimit(metadataOf(others), given)
  const row: Row = {
    line,
    id: idOf(fields),
    title: title?.value,
    isQuestion: question !== undefined,
    text: hasBody ? (body?.value ?? '') : undefined,
    url: filled(fields, ['url'])?.value,
    language: filled(fields, ['language', 'lang'])?.value,
    metadata,
    cells: shown.filter(([name]) => name !== title?.key),
    shown,
  }
  if (dropped.length === 0) return { row }
  return {
    row,
    warning: `has too much metadata; not kept: ${dropped.join(', ')} (lists and objects outside "metadata")`,
  }
}

/** The fields that are the question, the text and the title; `stated` is the question or the title by its usual name. */
function rolesIn(fields: Fields) {
  const question = filled(fields, ['question']) ?? named(fields, 'question')
  const listed = filled(fields, question ? ['answer', 'text', 'content', 'body'] : bodies)
  const body = listed ?? named(fields, 'answer') ?? named(fields, 'text')
  const stated = question ?? filled(fields, ['title'])
  return { question, body, stated, title: stated ?? named(fields, 'title') }
}

function idOf({ id }: Fields): string | undefined {
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined
}

/** A field whose name means this in another language. */
function named(fields: Fields, meaning: Meaning): { key: string; value: string } | undefined {
  const keys = Object.keys(fields).filter(key => meaningOf(key) === meaning && !['q', 'a'].includes(key.toLowerCase()))
  return filled(fields, keys)
}

/** Leaves out the largest lists and objects outside `metadata` if all of it is too large: these may be vectors. */
function withinLimit(loose: Metadata, stated: Metadata): { metadata: Metadata; dropped: readonly string[] } {
  const all = { ...loose, ...stated }
  const sizeOf = (value: Json): number => Buffer.byteLength(JSON.stringify(value))
  let excess = sizeOf(all) - maxMetadataBytes
  if (excess <= 0) return { metadata: all, dropped: [] }
  const nested = Object.entries(loose).filter(([key, value]) => typeof value === 'object' && !(key in stated))
  const largest = nested.map(([key, value]) => ({ key, size: sizeOf(value) })).sort((a, b) => b.size - a.size)
  const dropped: string[] = []
  for (const { key, size } of largest) {
    if (excess <= 0) break
    dropped.push(key)
    excess -= size
  }
  return { metadata: Object.fromEntries(Object.entries(all).filter(([key]) => !dropped.includes(key))), dropped }
}
