import { isTableRow, tableHeaderAt } from '../../text/table-rows.ts'
import { areRowsOfOneTable, type Unit } from '../../text/units.ts'

/** What is known about a row of a table in a passage. */
export interface TableRow {
  /** The header above it; null if it is the header itself. */
  readonly header: string | null
  /** The table is short enough to be quoted as a whole. */
  readonly isOfSmallTable: boolean
}

const mostRows = 10
const mostCharacters = 700

/** For each unit of a text, what is known about it as a row; undefined for other units. */
export function tableRowsOf(
  text: string,
  units: readonly Unit[],
  headerBefore: string | null,
): (TableRow | undefined)[] {
  const tables = new Map<Unit, Unit[]>()
  let before: Unit | undefined
  for (const unit of units) {
    if (unit.kind === 'row') {
      const table = (areRowsOfOneTable(text, before, unit) && tables.get(before!)) || []
      table.push(unit)
      tables.set(unit, table)
    }
    before = unit
  }
  return units.map(unit => {
    const table = tables.get(unit)
    if (table === undefined) return undefined
    const isSmall = table.length <= mostRows && table.at(-1)!.end - table[0]!.start <= mostCharacters
    const first = table[0]!
    const known = first.start === 0 ? headerBefore : null
    const header = known ?? (unit === first ? null : text.slice(first.start, first.end))
    return { header, isOfSmallTable: isSmall && known === null }
  })
}

/** The header that a passage lacks when it is cut at `start`. */
export function headerWhenCut(text: string, start: number, headerBefore: string | undefined): string | undefined {
  if (start === 0 || !isTableRow(/^[^\n]*/.exec(text.slice(start))![0])) return start === 0 ? headerBefore : undefined
  return tableHeaderAt(text, start, headerBefore) ?? undefined
}
