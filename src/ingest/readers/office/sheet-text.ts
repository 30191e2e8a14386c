import { UnreadableError } from '../content.ts'
import type { Block } from '../compose.ts'
import { tableRow } from '../../../text/table-rows.ts'

/** A sheet of a workbook: the shown text of its filled cells. */
export interface Sheet {
  readonly name: string
  /** In order; without hidden rows and columns. */
  readonly rows: readonly SheetRow[]
}

export interface SheetRow {
  /** From 0. */
  readonly row: number
  /** Whether an empty row is above it. */
  readonly isAfterGap?: boolean
  readonly cells: readonly SheetCell[]
}

/** In order of columns. A merged cell is repeated in each cell that it covers. */
export interface SheetCell {
  readonly column: number
  readonly text: string
  /** Whether the cell holds a number, a date or a truth value. */
  readonly isValue: boolean
  /** The same for all cells that a merged cell covers. */
  readonly merged?: MergedArea
}

export interface MergedArea {
  readonly top: number
  readonly left: number
  readonly bottom: number
  readonly right: number
}

const mostCells = 1_000_000
/** Cells may share one long text, and be repeated. */
const mostCharacters = 64 * 2 ** 20

export type CellCount = (cells: number, characters: number) => void

/** Counts the filled cells of a workbook, and their text. */
export function createCellCount(): CellCount {
  let left = mostCells
  let charactersLeft = mostCharacters
  return (cells, characters) => {
    left -= cells
    charactersLeft -= characters
    if (left < 0) throw new UnreadableError(`has more than ${mostCells.toLocaleString('en')} filled cells; split it`)
    if (charactersLeft < 0) throw new UnreadableError('has too much text; split it into smaller documents')
  }
}

/**
 * A heading and text for each sheet. The only sheet of a workbook needs no heading if it has the name that programs
 * give it.
 */
export function sheetBlocks(sheets: readonly Sheet[]): Block[] {
  const filled = sheets.filter(({ rows }) => rows.length > 0)
  return filled.flatMap((sheet): Block[] => {
    const isNamed = filled.length > 1 || !/^\p{L}+ ?1$/u.test(sheet.name)
    const blocks = textsOf(sheet.rows).map((text): Block => ({ kind: 'text', text }))
    return isNamed ? [{ kind: 'heading', level: 2, text: sheet.name }, ...blocks] : blocks
  })
}

/** Lines above a table are text. The first row with several cells is its header. */
function textsOf(rows: readonly SheetRow[]): string[] {
  const texts: string[] = []
  const repeats = createRepeats(rows)
  let header: Table | null = null
  for (const group of groupsOf(rows)) {
    const start = group.findIndex(row => !isLine(row))
    const lines = start === -1 ? group : group.slice(0, start)
    if (lines.length > 0) texts.push(lines.map(row => row.cells[0]!.text).join('\n'))
    if (start === -1) continue
    const body = group.slice(start)
    const goesOn: boolean =
      header !== null && lines.length === 0 && repeats.has(header.header) && continues(body, header)
    const table: Table = goesOn ? { ...header!, body } : tableOf(body)
    header = table
    for (const text of tableTexts(table, repeats)) texts.push(text)
  }
  return texts
}

interface Repeats {
  /** Whether a header may be written once more. */
  readonly has: (header: SheetRow) => boolean
}

/** Headers are repeated in proportion to the sheet: a long one over thousands of short parts would outgrow memory. */
function createRepeats(rows: readonly SheetRow[]): Repeats {
  let left = 1_000_000 + 4 * rows.reduce((sum, row) => sum + sizeOf(row), 0)
  const sizes = new WeakMap<SheetRow, number>()
  return {
    has: header => {
      const size = sizes.get(header) ?? sizeOf(header)
      sizes.set(header, size)
      left -= size
      return left >= 0
    },
  }
}

function sizeOf({ cells }: SheetRow): number {
  return cells.reduce((sum, { text }) => sum + text.length + 3, 0)
}

interface Table {
  readonly header: SheetRow
  readonly body: readonly SheetRow[]
}

/** Rows without an empty one between them. */
function groupsOf(rows: readonly SheetRow[]): SheetRow[][] {
  const groups: SheetRow[][] = []
  for (const row of rows) {
    if (row.isAfterGap === true || groups.length === 0) groups.push([])
    groups.at(-1)!.push(row)
  }
  return groups
}

/** Whether a row has one text only, also if it is merged over many columns. */
function isLine({ cells }: SheetRow): boolean {
  return cells.every(cell => cell === cells[0] || isSameArea(cell, cells[0]!))
}

function isSameArea(a: SheetCell, b: SheetCell): boolean {
  return a.merged !== undefined && a.merged === b.merged
}

/** Whether rows below an empty one belong to the table above it, rather than having a header of their own. */
function continues(body: readonly SheetRow[], { header }: Table): boolean {
  const [first, second] = body as [SheetRow, SheetRow?]
  const columns = new Set(header.cells.map(cell => cell.column))
  if (!first.cells.every(cell => columns.has(cell.column))) return false
  const looksLikeHeader =
    first.cells.every(cell => !cell.isValue) &&
    second !== undefined &&
    second.cells.some(cell => cell.isValue && first.cells.some(above => above.column === cell.column))
  return !looksLikeHeader
}

/** A header with merged cells takes several rows, which are joined: `2026 Q1`. */
function tableOf(rows: readonly SheetRow[]): Table {
  const above = headerRows(rows)
  const texts = new Map<number, { cell: SheetCell; parts: string[] }>()
  for (const cell of above.flatMap(row => row.cells)) {
    const known = texts.get(cell.column)
    if (known === undefined) texts.set(cell.column, { cell, parts: [cell.text] })
    else if (!known.parts.includes(cell.text)) known.parts.push(cell.text)
  }
  const cells = [...texts.values()].map(({ cell, parts }) => ({ ...cell, text: parts.join(' ') }))
  const header = { row: above[0]!.row, cells: cells.sort((a, b) => a.column - b.column) }
  return { header, body: rows.slice(above.length) }
}

/** Rows down to the end of cells that are merged downwards, or one more below cells that are merged sideways. */
function headerRows(rows: readonly SheetRow[]): readonly SheetRow[] {
  const first = rows[0]!
  const areas = first.cells.map(cell => cell.merged).filter(area => area !== undefined)
  const bottom = areas.reduce((most, area) => Math.max(most, area.bottom), first.row)
  const isWide = bottom === first.row && areas.some(area => area.right > area.left)
  const last = Math.min(isWide ? bottom + 1 : bottom, first.row + 3)
  const above = rows.filter(row => row.row <= last)
  const isHeader = above.length < rows.length && !(isWide && above.at(-1)!.cells.some(cell => cell.isValue))
  return isHeader ? above : [first]
}

/** A row that is merged over the whole width is a title between two parts of the table; both have the header. */
function tableTexts(table: Table, repeats: Repeats): string[] {
  const columns = ownColumns([table.header, ...table.body])
  const [header, ...body] = [table.header, ...table.body].map(row => inColumns(row, columns))
  const rows = [header!, ...body]
  const sorted = [...columns].sort((a, b) => a - b)
  const isWide = isTooWide(rows, columns.size)
  const line = (row: SheetRow): string => rowLine(row, isWide ? row.cells.map(cell => cell.column) : sorted)
  const texts: string[] = []
  let part = [header!]
  const close = () => {
    if (part.length > (part[0] === header ? 1 : 0)) texts.push(part.map(line).join('\n'))
  }
  for (const row of body) {
    if (isBetween(row, columns.size)) {
      close()
      texts.push(row.cells[0]!.text)
      part = repeats.has(header!) ? [header!] : []
    } else {
      part.push(row)
    }
  }
  close()
  return body.length === 0 ? [line(header!)] : texts
}

/** Columns that have a cell of their own. Forms merge each cell over several columns; those say nothing new. */
function ownColumns(rows: readonly SheetRow[]): ReadonlySet<number> {
  const cells = rows.flatMap(row => row.cells)
  return new Set(
    cells.filter(({ merged, column }) => merged === undefined || merged.left === column).map(cell => cell.column),
  )
}

function inColumns(row: SheetRow, columns: ReadonlySet<number>): SheetRow {
  return { ...row, cells: row.cells.filter(({ column }) => columns.has(column)) }
}

function isBetween(row: SheetRow, width: number): boolean {
  return row.cells.length > 1 && row.cells.length === width && isLine(row)
}

/** A few cells far apart must not become millions of empty ones. */
function isTooWide(rows: readonly SheetRow[], columns: number): boolean {
  const filled = rows.reduce((sum, { cells }) => sum + cells.length, 0)
  return rows.length * columns > 50_000 + 8 * filled
}

function rowLine({ cells }: SheetRow, columns: readonly number[]): string {
  const texts = new Map(cells.map(({ column, text }) => [column, text]))
  return tableRow(columns.map(column => texts.get(column) ?? ''))
}

export interface Hidden {
  readonly row: (row: number) => boolean
  readonly column: (column: number) => boolean
}

/** Repeats merged cells in each cell that they cover, within bounds, and leaves out what is hidden. */
export function shownRows(rows: readonly SheetRow[], areas: readonly MergedArea[], hidden: Hidden): SheetRow[] {
  const byRow = new Map(rows.map(row => [row.row, new Map(row.cells.map(cell => [cell.column, cell]))]))
  let left = 50_000 + 4 * rows.reduce((sum, { cells }) => sum + cells.length, 0)
  let charactersLeft = 1_000_000 + 4 * rows.reduce((sum, row) => sum + sizeOf(row), 0)
  for (const area of areas) {
    const cell = byRow.get(area.top)?.get(area.left)
    const size = (area.bottom - area.top + 1) * (area.right - area.left + 1)
    if (cell === undefined || size > left || size * cell.text.length > charactersLeft) continue
    left -= size
    charactersLeft -= size * cell.text.length
    for (let row = area.top; row <= area.bottom; row++)
      for (let column = area.left; column <= area.right; column++)
        byRow.get(row)?.set(column, { ...cell, column, merged: area })
  }
  let last = -1
  let isAfterGap = false
  return rows.flatMap(({ row }): SheetRow[] => {
    isAfterGap ||= row > last + 1
    last = row
    const cells = [...byRow.get(row)!.values()].filter(({ column }) => !hidden.column(column))
    if (cells.length === 0 || hidden.row(row)) return []
    const shown = { row, cells: cells.sort((x, y) => x.column - y.column), isAfterGap }
    isAfterGap = false
    return [shown]
  })
}

/** What to report about what is hidden, or nothing. */
export function hiddenWarnings(sheets: readonly string[], withHidden: readonly string[]): string[] {
  return [
    ...(sheets.length > 0 ? [`has hidden sheets, which were left out: ${listed(sheets)}`] : []),
    ...(withHidden.length > 0 ? [`has hidden rows or columns, which were left out, in ${listed(withHidden)}`] : []),
  ]
}

function listed(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : ''
  return names.slice(0, 5).join(', ') + more
}

/** `[text](url)` if the URL says more than the text. */
export function linkText(text: string, url: string | undefined): string {
  if (url === undefined || !/^(?:https?:\/\/|mailto:|tel:)/i.test(url) || /[\s()]/.test(url)) return text
  const bare = url.replace(/^(?:https?:\/\/|mailto:|tel:)/i, '').replace(/\/$/, '')
  return text.includes(bare) || text.trim() === '' ? text : `[${text}](${url})`
}
