/** Tables of reStructuredText, as rows of cells; the lines of a cell are read as blocks. */
export interface RstCell {
  readonly lines: readonly string[]
  readonly columns: number
  readonly rows: number
}

export interface RstTable {
  readonly head: readonly (readonly RstCell[])[]
  readonly body: readonly (readonly RstCell[])[]
}

/** A wider table would be drawn in a text of many megabytes. */
const widest = 200

export function isGridTop(line: string): boolean {
  return /^\+(?:-+\+)+$/.test(line)
}

/** The cells between the lines of `+---+---+`. A cell spans what no line divides. */
export function gridTable(lines: readonly string[]): RstTable | undefined {
  const columns = [...positions(lines[0]!, '+').take(widest)]
  for (const line of lines)
    for (const at of positions(line, '+')) if (!columns.includes(at) && columns.length < widest) columns.push(at)
  columns.sort((a, b) => a - b)
  const borders = lines.flatMap((line, i) => (/^[+|]/.test(line) && /\+(?:-+|=+)\+/.test(line) ? [i] : []))
  if (borders.length < 2 || columns.length < 2 || columns.length >= widest) return undefined
  const headEnd = lines.findIndex(line => /^\+(?:=+\+)+$/.test(line))
  const rows = borders.slice(0, -1).map((top, y) => ({ top, cells: rowCells(lines, borders, columns, y) }))
  const isHead = (row: { top: number }) => headEnd > 0 && row.top < headEnd
  return {
    head: rows.filter(isHead).map(row => row.cells),
    body: rows.filter(row => !isHead(row)).map(row => row.cells),
  }
}

function* positions(line: string, sign: string): Generator<number> {
  for (let at = line.indexOf(sign); at >= 0; at = line.indexOf(sign, at + 1)) yield at
}

function rowCells(
  lines: readonly string[],
  borders: readonly number[],
  columns: readonly number[],
  y: number,
): RstCell[] {
  const cells: RstCell[] = []
  const top = borders[y]!
  for (let x = 0; x < columns.length - 1; x++) {
    const left = columns[x]!
    // The cell begins here only if there is a line above it and one at its left.
    if (!isLine(lines[top]!, left, columns[x + 1]!) || !'|+'.includes(lines[top + 1]?.[left] ?? ' ')) continue
    let end = x + 1
    while (end < columns.length - 1 && !'|+'.includes(lines[top + 1]?.[columns[end]!] ?? ' ')) end += 1
    let bottom = y + 1
    while (bottom < borders.length - 1 && !isLine(lines[borders[bottom]!]!, left, columns[x + 1]!)) bottom += 1
    const inside = lines.slice(top + 1, borders[bottom]).map(line => line.slice(left + 1, columns[end]).trimEnd())
    cells.push({ lines: withoutIndent(inside), columns: end - x, rows: bottom - y })
    x = end - 1
  }
  return cells
}

function isLine(line: string, left: number, right: number): boolean {
  return /^[-=]+$/.test(line.slice(left + 1, right))
}

export function isSimpleTop(line: string): boolean {
  return /^={2,}(?: +={2,})+$/.test(line) || /^={2,}$/.test(line)
}

/** Columns are marked by runs of `=`; an empty first cell continues the row above; `---` joins columns. */
export function simpleTable(lines: readonly string[]): RstTable {
  const starts = [...lines[0]!.matchAll(/=+/g)].map(run => run.index)
  const borders = lines.flatMap((line, i) => (/^=[= ]*$/.test(line) ? [i] : []))
  const hasHead = borders.length > 2
  const rowsOf = (from: number, to: number): RstCell[][] => {
    const rows: string[][][] = []
    for (const line of lines.slice(from, to)) {
      if (line === '' || /^-[- ]*$/.test(line)) continue
      const cells = starts.map((start, i) => line.slice(start, starts[i + 1]).trimEnd())
      if (cells[0] === '' && rows.length > 0) cells.forEach((cell, i) => rows.at(-1)![i]!.push(cell))
      else rows.push(cells.map(cell => [cell]))
    }
    return rows.map(row => row.map(cell => ({ lines: cell, columns: 1, rows: 1 })))
  }
  const [, second = lines.length] = borders
  const last = borders.at(-1) ?? lines.length
  return hasHead ? { head: rowsOf(1, second), body: rowsOf(second + 1, last) } : { head: [], body: rowsOf(1, last) }
}

export function withoutIndent(lines: readonly string[]): string[] {
  const indent = lines.reduce(
    (least, line) => (line.trim() === '' ? least : Math.min(least, line.search(/\S/))),
    Infinity,
  )
  return lines.map(line => line.slice(Number.isFinite(indent) ? indent : 0).trimEnd())
}
