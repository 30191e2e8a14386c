import { allTables, type TextTable } from './rows.ts'
import type { AnswersMeasured } from './measure.ts'

/** All tables as text for a terminal. */
export function answersTable(sets: readonly AnswersMeasured[]): string {
  return allTables(sets).map(textOf).join('\n\n')
}

export function textOf({ title, columns, rows }: TextTable): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map(row => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [title, line(columns), ...rows.map(line)].join('\n')
}
