import type postgres from 'postgres'

/**
 * Postgres' own arrays of one dimension, said once. The driver would ask every new connection for them, which costs
 * a query each time, and where the connection is lost during that very query nobody catches its error: the process
 * would end.
 */

type Reader = (text: string) => unknown

const [bool, int2, int4, int8, text, varchar, float4, float8, uuid] = [
  1000, 1005, 1007, 1016, 1009, 1015, 1021, 1022, 2951,
]

function arraysOf(to: number, from: number[], read: Reader): postgres.PostgresType {
  return {
    to,
    from,
    serialize: arrayText,
    parse: (array: string) => elementsOf(array).map(each => (each === null ? null : read(each))),
  }
}

export const arrayTypes: Record<string, postgres.PostgresType> = {
  numbers: arraysOf(int4, [int2, int4, float4, float8], Number),
  // As with single ones: a bigint may be more than a number can hold.
  texts: arraysOf(text, [text, varchar, uuid, int8], each => each),
  booleans: arraysOf(bool, [bool], each => each === 't'),
}

/** `{"a","b",null}`; what already is text stays as it is. */
export function arrayText(elements: unknown): unknown {
  if (!Array.isArray(elements)) return elements
  return `{${elements.map(each => (each === null || each === undefined ? 'null' : quoted(String(each)))).join(',')}}`
}

function quoted(element: string): string {
  return `"${element.replace(/[\\"]/g, '\\$&')}"`
}

/** A quoted element, or a bare one; `{` and `}` stand around all of them. */
const element = /"((?:[^"\\]|\\.)*)"|([^,{}]+)/gs

export function elementsOf(array: string): (string | null)[] {
  return [...array.matchAll(element)].map(([, inQuotes, bare]) =>
    inQuotes === undefined ? (bare === 'NULL' ? null : (bare as string)) : inQuotes.replace(/\\(.)/gs, '$1'),
  )
}
