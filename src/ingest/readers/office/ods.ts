import type { Content } from '../content.ts'
import { odfTitle, openOdf, positionOf } from './odf.ts'
import {
  createCellCount,
  hiddenWarnings,
  linkText,
  sheetBlocks,
  shownRows,
  type CellCount,
  type MergedArea,
  type Sheet,
  type SheetCell,
} from './sheet-text.ts'
import { scriptRun, type Position } from '../html/superscripts.ts'
import { walkXml, type Attributes } from '../xml.ts'
import { readingAs } from '../zip.ts'

/** Reads an OpenDocument spreadsheet: each sheet under its name, with its values as they are shown. */
export async function readOds(bytes: Buffer): Promise<Content> {
  return await readingAs('an OpenDocument spreadsheet (.ods)', bytes, async () => {
    const archive = await openOdf(bytes, 'spreadsheet')
    const collector = createCollector()
    await walkXml(archive.stream('content.xml'), collector)
    return {
      title: await odfTitle(archive),
      blocks: sheetBlocks(collector.sheets),
      warnings: hiddenWarnings(collector.hidden, collector.withHidden),
    }
  })
}

/** Repeated filled cells and rows are read as often as this at most; repeated empty ones only count. */
const mostRepeats = 10_000

interface OpenSheet {
  readonly name: string
  readonly isHidden: boolean
  readonly rows: { row: number; cells: SheetCell[] }[]
  readonly areas: MergedArea[]
  readonly hiddenRows: Set<number>
  readonly hiddenColumns: (readonly [number, number])[]
  row: number
  nextColumn: number
}

/** A cell that is being read, with the text of its paragraphs. */
interface OpenCell {
  readonly attributes: Attributes
  readonly text: CellText
}

type CellText = ReturnType<typeof createCellText>

/** Collects the shown text of a cell, without its comment. */
function createCellText(positions: ReadonlyMap<string, Position>) {
  const paragraphs: string[] = []
  const spans: string[] = []
  let link: string | undefined
  let linkStart = 0
  let isParagraph = false

  function open(name: string, attributes: Attributes): void {
    if (name === 'p') {
      paragraphs.push('')
      isParagraph = true
    } else if (name === 'span') spans.push(attributes['text:style-name'] ?? '')
    else if (name === 'a') {
      link = attributes['xlink:href']
      linkStart = paragraphs.at(-1)?.length ?? 0
    } else if (name === 's' || name === 'tab' || name === 'line-break') add(' ')
  }

  function close(name: string): void {
    if (name === 'p') isParagraph = false
    else if (name === 'span') spans.pop()
    else if (name === 'a') {
      const text = paragraphs.pop() ?? ''
      paragraphs.push(text.slice(0, linkStart) + linkText(text.slice(linkStart), link))
    }
  }

  function add(text: string): void {
    const way = spans.map(name => positions.get(name)).findLast(each => each !== undefined)
    if (!isParagraph) return
    const before = paragraphs.pop()!
    paragraphs.push(before + (way === undefined ? text : scriptRun(text, way, before)))
  }

  return { open, close, add, end: () => paragraphs.join('\n').trim() }
}

/** Collects the names of styles that hide a sheet, and of those that raise or lower text. */
function createStyles() {
  const hiding = new Set<string>()
  const positions = new Map<string, Position>()
  let style = ''

  function open(name: string, attributes: Attributes): void {
    if (name === 'style') style = attributes['style:name'] ?? ''
    else if (name === 'table-properties' && attributes['table:display'] === 'false') hiding.add(style)
    else if (name === 'text-properties') {
      const way = positionOf(attributes['style:text-position'] ?? '')
      if (way !== null) positions.set(style, way)
    }
  }

  return { open, hiding, positions }
}

function createCollector() {
  const sheets: Sheet[] = []
  const hidden: string[] = []
  const withHidden: string[] = []
  const styles = createStyles()
  const countCells = createCellCount()
  let sheet: OpenSheet | null = null
  let row: OpenRow | null = null
  let cell: OpenCell | null = null
  let unread = 0

  function open(name: string, attributes: Attributes): void {
    if (name === 'annotation' || unread > 0) unread += 1
    else if (cell !== null) cell.text.open(name, attributes)
    else if (name === 'table') sheet = openSheet(attributes, styles.hiding)
    else if (sheet === null) styles.open(name, attributes)
    else if (name === 'table-column') addColumns(sheet, attributes)
    else if (name === 'table-row') row = enterRow(sheet, attributes)
    else if (name === 'table-cell' || name === 'covered-table-cell')
      cell = { attributes, text: createCellText(styles.positions) }
  }

  function close(name: string): void {
    if (unread > 0) unread -= 1
    else if (cell !== null && name !== 'table-cell' && name !== 'covered-table-cell') cell.text.close(name)
    else if (cell !== null && sheet !== null && row !== null) {
      leaveCell(sheet, row, cell, countCells)
      cell = null
    } else if (name === 'table-row' && sheet !== null && row !== null) {
      leaveRow(sheet, row, countCells)
      row = null
    } else if (name === 'table' && sheet !== null) {
      leaveSheet(sheet)
      sheet = null
    }
  }

  function leaveSheet(read: OpenSheet): void {
    if (read.isHidden) return void hidden.push(read.name)
    const isHidden = (column: number) => read.hiddenColumns.some(([from, to]) => column >= from && column <= to)
    const hides = read.rows.some(
      each => read.hiddenRows.has(each.row) || each.cells.some(({ column }) => isHidden(column)),
    )
    if (hides) withHidden.push(read.name)
    const rows = shownRows(read.rows, read.areas, { row: at => read.hiddenRows.has(at), column: isHidden })
    sheets.push({ name: read.name, rows })
  }

  const text = (more: string): void => {
    if (unread === 0) cell?.text.add(more)
  }

  return { open, close, text, sheets, hidden, withHidden }
}

interface OpenRow {
  readonly cells: SheetCell[]
  readonly repeats: number
}

function enterRow(sheet: OpenSheet, attributes: Attributes): OpenRow {
  sheet.nextColumn = 0
  if (isHiddenBy(attributes)) sheet.hiddenRows.add(sheet.row)
  return { cells: [], repeats: repeatsOf(attributes, 'rows') }
}

function leaveCell(sheet: OpenSheet, row: OpenRow, { attributes, text }: OpenCell, count: CellCount): void {
  const shown = shownText(attributes, text.end())
  const repeats = repeatsOf(attributes, 'columns')
  const column = sheet.nextColumn
  sheet.nextColumn += repeats
  if (shown === '') return
  const isValue = (attributes['office:value-type'] ?? 'string') !== 'string'
  const filled = Math.min(repeats, mostRepeats)
  count(filled, filled * shown.length)
  for (let i = 0; i < filled; i++) row.cells.push({ column: column + i, text: shown, isValue })
  addArea(sheet, column, attributes)
}

function leaveRow(sheet: OpenSheet, { cells, repeats }: OpenRow, count: CellCount): void {
  const filled = cells.length === 0 ? 0 : Math.min(repeats, mostRepeats)
  const again = Math.max(0, filled - 1)
  count(again * cells.length, again * cells.reduce((sum, { text }) => sum + text.length, 0))
  const isHidden = sheet.hiddenRows.has(sheet.row)
  for (let i = 0; i < filled; i++) {
    sheet.rows.push({ row: sheet.row + i, cells })
    if (isHidden) sheet.hiddenRows.add(sheet.row + i)
  }
  sheet.row += repeats
}

function openSheet(attributes: Attributes, hidingStyles: ReadonlySet<string>): OpenSheet {
  return {
    name: attributes['table:name'] ?? '',
    isHidden: hidingStyles.has(attributes['table:style-name'] ?? ''),
    rows: [],
    areas: [],
    hiddenRows: new Set(),
    hiddenColumns: [],
    row: 0,
    nextColumn: 0,
  }
}

function isHiddenBy(attributes: Attributes): boolean {
  const visibility = attributes['table:visibility']
  return visibility === 'collapse' || visibility === 'filter'
}

function repeatsOf(attributes: Attributes, of: 'rows' | 'columns'): number {
  return Math.max(1, Math.trunc(Number(attributes[`table:number-${of}-repeated`] ?? 1)) || 1)
}

function addColumns(sheet: OpenSheet, attributes: Attributes): void {
  const repeats = repeatsOf(attributes, 'columns')
  const from = sheet.nextColumn
  if (isHiddenBy(attributes) && sheet.hiddenColumns.length < 1000) sheet.hiddenColumns.push([from, from + repeats - 1])
  sheet.nextColumn += repeats
}

const mostAreas = 50_000

function addArea(sheet: OpenSheet, column: number, attributes: Attributes): void {
  const columns = Number(attributes['table:number-columns-spanned'] ?? 1) || 1
  const rows = Number(attributes['table:number-rows-spanned'] ?? 1) || 1
  if (columns * rows < 2 || sheet.areas.length >= mostAreas) return
  sheet.areas.push({ top: sheet.row, left: column, bottom: sheet.row + rows - 1, right: column + columns - 1 })
}

/** Dates as ISO if they have a day; everything else as it is shown. */
function shownText(attributes: Attributes, shown: string): string {
  const date = attributes['office:date-value']
  const hasDay = (shown.match(/\d+/g) ?? []).length > 1 && !/^\d{1,2}[./-]\d{4}$/.test(shown)
  if (attributes['office:value-type'] !== 'date' || date === undefined || !hasDay) return shown
  return date.replace(/T00:00:00(?:\.0+)?$/, '').replace('T', ' ')
}
