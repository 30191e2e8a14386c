/** Rows of tables in plain text: lines `| a | b |`, the header first. */

const row = /^[^\S\n]*\|.*\|[^\S\n]*$/

/** A row of a table as a line. Bars and line ends within a cell would divide it. */
export function tableRow(cells: readonly string[]): string {
  return `| ${cells.map(cell => cell.replace(/\s+/g, ' ').trim().replaceAll('|', '¦')).join(' | ')} |`
}

/** Whether a line is a row of a table. */
export function isTableRow(line: string): boolean {
  return row.test(line)
}

/**
 * The header of the table that the line at `offset` is a row of: the first of the rows without a line between them.
 * Null if the line is that header or no row. If the rows reach back to the start of the text, the table may have begun
 * before it, and `before` is its header.
 */
export function tableHeaderAt(text: string, offset: number, before: string | null = null): string | null {
  let line = lineAt(text, offset)
  if (!isTableRow(line.text)) return null
  const own = line.start
  while (line.start > 0) {
    const above = lineAt(text, line.start - 1)
    if (!isTableRow(above.text)) return line.start === own ? null : line.text.trim()
    line = above
  }
  return before ?? (line.start === own ? null : line.text.trim())
}

function lineAt(text: string, offset: number): { readonly start: number; readonly text: string } {
  const start = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1
  const end = text.indexOf('\n', offset)
  return { start, text: text.slice(start, end === -1 ? text.length : end) }
}
