import type postgres from 'postgres'

/**
 * Types of one-dimensional Postgres arrays, declared statically. The driver would query them on every new connection.
 * That costs a round trip, and if the connection is lost during that query nothing catches its error and the process
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
  // As with single values, a bigint may exceed the range of a number.
  texts: arraysOf(text, [text, varchar, uuid, int8], each => each),
  booleans: arraysOf(bool, [bool], each => each === 't'),
}

/** Formats an array literal, `{"a","b",null}`. Text is returned unchanged. */
export function arrayText(elements: unknown): unknown {
  if (!Array.isArray(elements)) return elements
  return `{${elements.map(each => (each === null || each === undefined ? 'null' : quoted(String(each)))).join(',')}}`
}

function quoted(element: string): string {
  return `"${element.replace(/[\\"]/g, '\\$&')}"`
}

/** A quoted or a bare element; `{` and `}` enclose the list. */
const element = /"((?:[^"\\]|\\.)*)"|([^,{}]+)/gs

export function elementsOf(array: string): (string | null)[] {
  return [...array.matchAll(element)].map(([, inQuotes, bare]) =>
    inQuotes === undefined ? (bare === 'NULL' ? null : (bare as string)) : inQuotes.replace(/\\(.)/gs, '$1'),
  )
}
