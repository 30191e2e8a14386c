import { cleanLine } from '../clean-text.ts'
import { isAskedAbout } from './value-kind.ts'

/** Which columns to ask about: by name, none, or by their content if undefined. */
export type WantedColumns = 'none' | readonly string[]

/** What became of the columns of a file other than its title and text. */
export interface ColumnChoice {
  /** Columns whose values are in the text as lines like "Price: 249". */
  readonly asked: readonly string[]
  /** Columns that are metadata only. Identifiers among them are also found by themselves. */
  readonly filtered: readonly string[]
}

/** A row before it is known which columns are asked about. */
export interface RowCells {
  /** Values by column name, as text. */
  readonly cells: readonly (readonly [name: string, value: string])[]
}

/** Rows whose values decide about the columns. They are kept in memory, so their number and size are limited. */
const sampleRows = 200
const sampleCharacters = 1_000_000

/** Chooses by the values of a sample, in order of appearance. */
export function chooseColumns(sample: readonly RowCells[], wanted: WantedColumns | undefined): ColumnChoice {
  const values = Map.groupBy(
    sample.flatMap(row => row.cells),
    ([name]) => name,
  )
  const names = [...values.keys()]
  const listed = Array.isArray(wanted) ? new Set(wanted.map(plain)) : null
  const isAsked = (name: string): boolean => {
    if (wanted === 'none') return false
    if (listed !== null) return listed.has(plain(name))
    return isAskedAbout(
      name,
      values.get(name)!.map(([, value]) => value),
    )
  }
  return { asked: names.filter(isAsked), filtered: names.filter(name => !isAsked(name)) }
}

function plain(name: string): string {
  return cleanLine(name).toLowerCase()
}

/** The first entries of a stream, which decide how all of them are read. The stream continues after them. */
export async function takeSample<T>(entries: AsyncIterator<T>, sizeOf: (entry: T) => number): Promise<T[]> {
  const sample: T[] = []
  for (let characters = 0; sample.length < sampleRows && characters < sampleCharacters;) {
    const next = await entries.next()
    if (next.done === true) break
    sample.push(next.value)
    characters += sizeOf(next.value)
  }
  return sample
}

/** Words of a name like `unit_price` or `unitPrice`, so that a question finds them. */
function labelOf(name: string): string {
  return (
    name
      .replace(/_+/g, ' ')
      .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
      .trim() || name
  )
}

/** The asked columns of a row as lines below its text. */
export function askedLines({ cells }: RowCells, choice: ColumnChoice): string[] {
  return linesOf(cells.filter(([name]) => choice.asked.includes(name)))
}

export function linesOf(cells: RowCells['cells']): string[] {
  return cells.filter(([, value]) => value !== '').map(([name, value]) => `${labelOf(name)}: ${value}`)
}

/** Maximum characters of the identifiers of a row that are indexed. */
const longestKeywords = 2000

/** What a row is found by although it is not in its text: the values of the other columns that are one token. */
export function keywordsOf({ cells }: RowCells, choice: ColumnChoice, id: string | undefined): string | undefined {
  const single = cells.flatMap(([name, value]) => (choice.filtered.includes(name) && isFindable(value) ? [value] : []))
  const words = [...(id !== undefined && isFindable(id.trim()) ? [cleanLine(id)] : []), ...single]
  const all = words.join('\n').slice(0, longestKeywords)
  return all === '' ? undefined : all
}

/** Nobody types more of an identifier; a vector or encoded bytes are longer. */
const longestFindable = 300

/** One token of some length; `true` or `3` would be found by chance. */
function isFindable(value: string): boolean {
  if (value.length < 3 || value.length > longestFindable) return false
  return /^\S+(?: \d\S*)?$/.test(value) && !/^(?:true|false|null|none)$/i.test(value)
}
