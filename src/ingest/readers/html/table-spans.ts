import type { Element, Nodes } from 'hast'

/** Limits of browsers (HTML standard, "Attributes common to td and th elements"). */
const widestSpan = 1000
const highestSpan = 65_534

/**
 * Keeps the size of tables in proportion to their content. A cell that spans a billion columns would become a billion
 * cells. So would ten thousand short rows below one of a hundred thousand cells, because all rows are padded to the
 * longest.
 *
 * Spans are limited as in browsers. If a table would still grow to far more cells than it has, its spans are dropped;
 * if that is not enough, it is divided into tables of equally long rows.
 */
export function boundTables(tree: Nodes): void {
  const waiting = elementsIn(tree, 'table')
  for (let table = waiting.pop(); table !== undefined; table = waiting.pop()) {
    for (const child of table.children) for (const nested of tablesBelow(child)) waiting.push(nested)
    const rows = elementsOf(table, 'tr').map(cellsOf)
    for (const cell of rows.flat()) clampSpans(cell)
    if (growsTooLarge(rows)) for (const cell of rows.flat()) dropSpans(cell)
    if (growsTooLarge(rows)) divide(table)
  }
}

/** A table may grow to fifty thousand cells plus four for each cell that it has. */
const maxGrownCells = 50_000
const maxGrowthFactor = 4
/** Column limit for tables with spans, because expanding spans takes time quadratic in the length of the row. */
const widestWithSpans = 5000

function growsTooLarge(rows: readonly (readonly Element[])[]): boolean {
  const cells = rows.reduce((sum, row) => sum + row.length, 0)
  const widths = widthsOf(rows)
  const columns = widths.reduce((a, b) => Math.max(a, b), 0)
  const hasSpans = rows.some(row => row.some(cell => spanOf(cell, 'colSpan') > 1 || spanOf(cell, 'rowSpan') > 1))
  return rows.length * columns > maxGrownCells + maxGrowthFactor * cells || (hasSpans && columns > widestWithSpans)
}

/** Width of each row: its own cells and those that extend into it from above. */
function widthsOf(rows: readonly (readonly Element[])[]): number[] {
  const changes = Array.from({ length: rows.length + 1 }, () => 0)
  rows.forEach((row, at) => {
    for (const cell of row) {
      const columns = spanOf(cell, 'colSpan')
      const end = Math.min(rows.length, at + spanOf(cell, 'rowSpan'))
      changes[at]! += columns
      changes[end]! -= columns
    }
  })
  let width = 0
  return changes.slice(0, rows.length).map(change => (width += change))
}

export function spanOf({ properties }: Element, name: 'colSpan' | 'rowSpan'): number {
  return Math.max(1, Number.parseInt(String(properties[name] ?? 1), 10) || 1)
}

function clampSpans({ properties }: Element): void {
  if ('colSpan' in properties) properties['colSpan'] = clamped(properties['colSpan'], 1, widestSpan)
  if ('rowSpan' in properties) properties['rowSpan'] = clamped(properties['rowSpan'], 0, highestSpan)
}

function clamped(value: unknown, min: number, max: number): number {
  const number = Number.parseInt(String(value), 10)
  return Number.isNaN(number) || number < min ? 1 : Math.min(number, max)
}

function dropSpans({ properties }: Element): void {
  delete properties['colSpan']
  delete properties['rowSpan']
}

/** Divides a table into tables of equally long rows, in order. */
function divide(table: Element): void {
  const rows = elementsOf(table, 'tr')
  const tables: Element[] = []
  let before = -1
  for (const row of rows) {
    const { length } = cellsOf(row)
    if (length === before) tables.at(-1)!.children.push(row)
    else tables.push({ type: 'element', tagName: 'table', properties: {}, children: [row] })
    before = length
  }
  table.tagName = 'div'
  table.children = tables
}

export function cellsOf(row: Element): Element[] {
  return row.children
    .filter(child => child.type === 'element')
    .filter(({ tagName }) => tagName === 'td' || tagName === 'th')
}

export function elementsOf(table: Element, name: string): Element[] {
  return table.children.flatMap(child => elementsIn(child, name))
}

/** The outermost tables inside a part of a table. */
function tablesBelow(part: Nodes): Element[] {
  return part.type === 'element' ? part.children.flatMap(child => elementsIn(child, 'table')) : []
}

/** The outermost elements with this name. Nested tables are not searched, because they are tables of their own. */
function elementsIn(top: Nodes, name: string): Element[] {
  const found: Element[] = []
  const waiting: Nodes[] = [top]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.type === 'element' && node.tagName === name) found.push(node)
    else if ('children' in node && !(node.type === 'element' && node.tagName === 'table'))
      for (const child of node.children.toReversed()) waiting.push(child)
  }
  return found
}
