import { relationshipsOf } from './office-parts.ts'
import { linkText, shownRows, type CellCount, type MergedArea, type SheetCell, type SheetRow } from './sheet-text.ts'
import type { NumberText } from './xlsx-numbers.ts'
import { createRichText, unescaped } from './xlsx-strings.ts'
import { walkXml, type Attributes } from '../xml.ts'
import type { Archive } from '../zip.ts'

export interface Workbook {
  readonly archive: Archive
  readonly strings: readonly string[]
  readonly textOf: NumberText
  readonly countCells: CellCount
}

export interface SheetContent {
  readonly rows: readonly SheetRow[]
  readonly hidesRows: boolean
}

/** Reads the cells of a worksheet as a stream. Empty cells take no memory, however many there are. */
export async function readSheet(workbook: Workbook, part: string): Promise<SheetContent> {
  const collected = createCollector(workbook)
  await walkXml(workbook.archive.stream(part), collected.handlers)
  const urls = await linkTargets(workbook.archive, part, collected.links)
  const rows = collected.rows.map(({ row, cells }) => ({
    row,
    cells: cells.map(cell => withLink(cell, urls.get(`${row}:${cell.column}`))),
  }))
  const isHidden = (column: number) => collected.hiddenColumns.some(([from, to]) => column >= from && column <= to)
  const hidesRows = rows.some(
    ({ row, cells }) => collected.hiddenRows.has(row) || cells.some(({ column }) => isHidden(column)),
  )
  const hidden = { row: (row: number) => collected.hiddenRows.has(row), column: isHidden }
  return { rows: shownRows(rows, collected.areas, hidden), hidesRows }
}

function withLink(cell: SheetCell, url: string | undefined): SheetCell {
  return url === undefined ? cell : { ...cell, text: linkText(cell.text, url) }
}

/** A cell that is being read. */
interface OpenCell {
  readonly column: number
  readonly type: string
  readonly style: number
  value: string
  formula: string
}

/** Limits for sheets that name millions of them. */
const mostAreas = 50_000
const mostLinks = 100_000
const mostColumnRanges = 1000

interface Link {
  readonly ref: string
  readonly id: string
}

function createCollector(workbook: Workbook) {
  const rows: { row: number; cells: SheetCell[] }[] = []
  const areas: MergedArea[] = []
  const links: Link[] = []
  const hiddenRows = new Set<number>()
  const hiddenColumns: (readonly [number, number])[] = []
  const inline = createRichText()
  let row = -1
  let column = -1
  let cell: OpenCell | null = null
  let part: 'v' | 'f' | 'is' | null = null

  function open(name: string, attributes: Attributes): void {
    if (name === 'row') enterRow(attributes)
    else if (name === 'c') enterCell(attributes)
    else if (cell !== null && (name === 'v' || name === 'f' || name === 'is')) enterPart(name)
    else if (part === 'is') inline.handlers.open(name, attributes)
    else openOther(name, attributes)
  }

  function enterRow(attributes: Attributes): void {
    row = indexOf(attributes['r'], row + 1)
    column = -1
    if (isTrue(attributes['hidden'])) hiddenRows.add(row)
  }

  function enterCell({ r, t = 'n', s = '0' }: Attributes): void {
    column = r === undefined ? column + 1 : placeOf(r).column
    cell = { column, type: t, style: Number(s), value: '', formula: '' }
  }

  function enterPart(name: 'v' | 'f' | 'is'): void {
    part = name
    if (name === 'is') inline.start()
  }

  function openOther(name: string, attributes: Attributes): void {
    if (name === 'mergeCell' && areas.length < mostAreas) areas.push(areaOf(attributes['ref'] ?? ''))
    else if (name === 'hyperlink' && links.length < mostLinks)
      links.push({ ref: attributes['ref'] ?? '', id: attributes['r:id'] ?? '' })
    else if (name === 'col' && isTrue(attributes['hidden']) && hiddenColumns.length < mostColumnRanges)
      hiddenColumns.push([Number(attributes['min']) - 1, Number(attributes['max']) - 1])
  }

  function text(more: string): void {
    if (cell === null || part === null) return
    if (part === 'v') cell.value += more
    else if (part === 'f') cell.formula += more
    else inline.handlers.text!(more)
  }

  function close(name: string): void {
    if (name === 'c' && cell !== null) leaveCell(cell)
    if (part === 'is' && name !== 'is') inline.handlers.close(name)
    if (part === name && cell !== null) {
      if (name === 'is') cell.value = inline.end()
      part = null
    }
  }

  function leaveCell(read: OpenCell): void {
    cell = null
    const shown = shownText(read, workbook)
    if (shown.trim() === '') return
    workbook.countCells(1, shown.length)
    const last = rows.at(-1)
    const added = { column: read.column, text: shown, isValue: isValue(read.type) }
    if (last?.row === row) last.cells.push(added)
    else rows.push({ row, cells: [added] })
  }

  return { handlers: { open, close, text }, rows, areas, links, hiddenRows, hiddenColumns }
}

function isValue(type: string): boolean {
  return type === 'n' || type === 'd' || type === 'b'
}

function shownText({ type, value, style, formula }: OpenCell, { strings, textOf }: Workbook): string {
  switch (type) {
    case 's':
      return strings[Number(value)] ?? ''
    case 'inlineStr':
      return value
    case 'str':
      return linkText(unescaped(value), /^HYPERLINK\("([^"]+)"/i.exec(formula)?.[1])
    case 'b':
      return value === '' ? '' : isTrue(value) ? 'TRUE' : 'FALSE'
    case 'd':
      return value.replace(/T00:00(?::00)?(?:\.0+)?Z?$/, '').replace('T', ' ')
    case 'e':
      return ''
    default:
      return value === '' || !Number.isFinite(Number(value)) ? '' : textOf(Number(value), style)
  }
}

function isTrue(value: string | undefined): boolean {
  return value === '1' || value === 'true'
}

function indexOf(number: string | undefined, usual: number): number {
  return number === undefined ? usual : Number(number) - 1
}

/** `B3` → column 1, row 2. */
function placeOf(reference: string): { row: number; column: number } {
  const [, letters = '', digits = ''] = /^\$?([A-Za-z]{1,3})\$?(\d*)/.exec(reference) ?? []
  const column = [...letters.toUpperCase()].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0)
  return { row: Number(digits) - 1, column: column - 1 }
}

function areaOf(reference: string): MergedArea {
  const [from = '', to = from] = reference.split(':')
  const [start, end] = [placeOf(from), placeOf(to)]
  return { top: start.row, left: start.column, bottom: end.row, right: end.column }
}

/** URLs by the place of their cell, `row:column`. A link over a range is that of its first cell. */
async function linkTargets(archive: Archive, part: string, links: readonly Link[]): Promise<Map<string, string>> {
  const targets = new Map<string, string>()
  if (links.length === 0) return targets
  const relationships = await relationshipsOf(archive, part)
  for (const { ref, id } of links) {
    const relationship = relationships.get(id)
    const { row, column } = placeOf(ref)
    if (relationship?.isExternal === true) targets.set(`${row}:${column}`, relationship.target)
  }
  return targets
}
