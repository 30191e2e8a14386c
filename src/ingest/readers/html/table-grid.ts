import type { Element, ElementContent, Nodes, Root } from 'hast'
import { cellsOf, elementsOf, spanOf } from './table-spans.ts'

/**
 * Lays tables out so that each row can be read by itself: a value is in every cell that it spans, header rows are one
 * row, a caption and a row across the whole table at the top stand above, and nested tables follow. Spans must have
 * been bounded before (table-spans.ts).
 */
export function layOutTables(parent: Root | Element): void {
  const children: (ElementContent | Root['children'][number])[] = []
  for (const child of parent.children) {
    if (child.type !== 'element') {
      children.push(child)
      continue
    }
    layOutTables(child)
    if (child.tagName !== 'table') children.push(child)
    else for (const each of laidOut(child)) children.push(each)
  }
  parent.children = children as typeof parent.children
}

function laidOut(table: Element): Element[] {
  const rows = elementsOf(table, 'tr')
  const nested = new Map(rows.flatMap(cellsOf).map(cell => [cell, tablesIn(cell)]))
  const inner = [...nested.values()].flat()
  if (inner.length > 0 && isLayout(table, rows)) return rows.flatMap(cellsOf).map(cell => ({ ...cell, tagName: 'div' }))
  for (const [cell, tables] of nested) if (tables.length > 0) withoutTables(cell)
  const captions = elementsOf(table, 'caption').map(caption => ({ ...caption, tagName: 'p' }))
  const grid = gridOf(rows)
  const titles = titleRows(grid)
  const headers = headerCount(rows, grid, titles.length)
  const header = grid.slice(titles.length, titles.length + headers)
  const body = grid.slice(titles.length + headers)
  const children = [...(headers > 0 ? [joinedHeader(header)] : []), ...body].map(rowElement)
  const own: Element = { type: 'element', tagName: 'table', properties: {}, children }
  return [
    ...captions,
    ...titles.map(cell => ({ ...cell, tagName: 'p' })),
    ...(children.length > 0 ? [own] : []),
    ...inner,
  ]
}

function tablesIn(top: Element): Element[] {
  return elementsOf(top, 'table')
}

function withoutTables(element: Element): void {
  element.children = element.children.filter(child => child.type !== 'element' || child.tagName !== 'table')
  for (const child of element.children) if (child.type === 'element') withoutTables(child)
}

/** A table that only places things on the page: no header cells, and nowhere two cells with words side by side. */
function isLayout(table: Element, rows: readonly Element[]): boolean {
  if (['presentation', 'none'].includes(String(table.properties['role']))) return true
  if (rows.some(row => cellsOf(row).some(({ tagName }) => tagName === 'th'))) return false
  return rows.every(row => cellsOf(row).filter(cell => tablesIn(cell).length === 0 && hasText(cell)).length < 2)
}

function hasText(node: Nodes): boolean {
  if (node.type === 'text') return node.value.trim() !== ''
  return 'children' in node && node.children.some(hasText)
}

type Grid = readonly (readonly Element[])[]

/** Copies of long cells are bounded in all, because a cell may span a thousand columns and more rows. */
const maxCopied = 100_000
const empty: Element = { type: 'element', tagName: 'td', properties: {}, children: [] }

/** The cells of each row, with those that extend into it. */
function gridOf(rows: readonly Element[]): Grid {
  let copied = 0
  const grid: Element[][] = rows.map(() => [])
  // Columns still taken by a cell from above: that cell, and the first row that it does not reach.
  const above = new Map<number, { readonly cell: Element; readonly end: number }>()
  for (const [y, row] of rows.entries()) {
    const line = grid[y]!
    let x = 0
    const fillAbove = () => {
      for (let span = above.get(x); span !== undefined && span.end > y; span = above.get(x)) {
        line[x] = copyOf(span.cell)
        x += 1
      }
    }
    for (const cell of cellsOf(row)) {
      fillAbove()
      const end = y + Math.min(spanOf(cell, 'rowSpan'), rows.length - y)
      const width = spanOf(cell, 'colSpan')
      for (let column = 0; column < width; column++, x++) {
        line[x] = column === 0 ? cell : copyOf(cell)
        if (end > y + 1) above.set(x, { cell, end })
        else above.delete(x)
      }
    }
    fillAbove()
    for (const [column, span] of above) if (column > x && span.end > y) line[column] = copyOf(span.cell)
    for (let column = 0; column < line.length; column++) line[column] ??= empty
  }
  return grid

  function copyOf(cell: Element): Element {
    const length = lengthOf(cell)
    if (copied + length > maxCopied) return empty
    copied += length
    return cell
  }
}

const lengths = new WeakMap<Element, number>()

function lengthOf(cell: Element): number {
  const known = lengths.get(cell)
  if (known !== undefined) return known
  const count = (node: Nodes): number =>
    node.type === 'text'
      ? node.value.length
      : 'children' in node
        ? node.children.reduce((sum, each) => sum + 1 + count(each), 0)
        : 0
  const length = count(cell)
  lengths.set(cell, length)
  return length
}

/** Rows at the top that are one cell across the table: its title. */
function titleRows(grid: Grid): Element[] {
  const titles: Element[] = []
  for (const row of grid) {
    if (row.length < 2 || titles.length === grid.length - 1 || !isOneCell(row)) break
    titles.push(row[0]!)
  }
  return titles
}

function isOneCell(row: readonly Element[]): boolean {
  return row.every(cell => cell === row[0])
}

/** The rows at the top that are headers: those in `<thead>`, else those of header cells only. */
function headerCount(rows: readonly Element[], grid: Grid, from: number): number {
  let count = 0
  while (from + count < rows.length && isHeaderRow(grid[from + count]!)) count += 1
  // A table of header cells only has one header.
  return from + count === rows.length ? Math.min(count, 1) : count
}

function isHeaderRow(row: readonly Element[]): boolean {
  const filled = row.filter(hasText)
  return filled.length > 0 && filled.every(cell => cell.tagName === 'th' && !isRowHeader(cell))
}

function isRowHeader({ properties }: Element): boolean {
  return properties['scope'] === 'row' || properties['scope'] === 'rowgroup'
}

/** For each column the headers above it, each once: "Hours" over "Weekdays" is "Hours Weekdays". */
function joinedHeader(rows: Grid): Element[] {
  if (rows.length === 1) return [...rows[0]!]
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0)
  return Array.from({ length: width }, (_, x) => {
    const cells = new Set(rows.map(row => row[x] ?? empty).filter(hasText))
    const children = [...cells].flatMap(({ children }, i): ElementContent[] => [
      ...(i === 0 ? [] : [{ type: 'text' as const, value: ' ' }]),
      ...children,
    ])
    return { type: 'element', tagName: 'th', properties: {}, children }
  })
}

/** A row across the whole table is one cell: a title of the rows below it. */
function rowElement(cells: readonly Element[]): Element {
  const own = cells.length > 1 && isOneCell(cells) ? cells.slice(0, 1) : [...cells]
  return { type: 'element', tagName: 'tr', properties: {}, children: own.map(plainCell) }
}

function plainCell(cell: Element): Element {
  return { type: 'element', tagName: 'td', properties: {}, children: cell.children }
}
