import type { RowCells } from './row-columns.ts'

export type Fields = { readonly [key: string]: unknown }

/** Values of one object that are read; what is beyond stays metadata. */
const maxCells = 500
const maxDepth = 16

/**
 * The values in a JSON value by their paths: `place.city`, `tags`. Values with the same path, such as those of a list,
 * are joined with commas; with `isNumbered`, items of a list get paths of their own: `steps[2].text`.
 */
export function cellsIn(value: unknown, { isNumbered = false, most = maxCells } = {}): RowCells['cells'] {
  const cells = new Map<string, string>()
  const add = (path: string, text: string): void => {
    const before = cells.get(path)
    if (before === undefined && cells.size >= most) return
    cells.set(path, before === undefined ? text : `${before}, ${text}`)
  }
  const visit = (path: string, inner: unknown, depth: number): void => {
    if (inner === null || inner === '' || depth > maxDepth) return
    if (typeof inner === 'string') add(path, inner.trim())
    else if (typeof inner !== 'object') add(path, JSON.stringify(inner))
    else if (!Array.isArray(inner))
      for (const [key, each] of Object.entries(inner)) visit(path === '' ? key : `${path}.${key}`, each, depth + 1)
    else if (isNumbered && inner.some(each => typeof each === 'object'))
      inner.forEach((each, i) => visit(`${path}[${i + 1}]`, each, depth + 1))
    else for (const each of inner) visit(path, each, depth + 1)
  }
  visit('', value, 0)
  return [...cells]
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The first of these keys whose value is non-empty text. */
export function filled(fields: Fields, keys: readonly string[]): { key: string; value: string } | undefined {
  for (const key of keys) {
    const value = fields[key]
    if (typeof value === 'string' && value.trim() !== '') return { key, value }
  }
  return undefined
}
