import { briefTables, type TextTable } from '../eval/report/tables.ts'
import { decimal, percent } from '../eval/report/words.ts'
import type { AnswersReport } from './eval-answers.ts'
import type { Judgement } from './eval-judge.ts'

/** The tables for a terminal; the rest is in the report. */
export function answersText({ sets, judgement }: Pick<AnswersReport, 'sets' | 'judgement'>): string {
  return [...briefTables(sets), ...(judgement === null ? [] : [judgeTable(judgement)])].map(textOf).join('\n\n')
}

export function judgeTable({ model, sets }: Judgement): TextTable {
  return {
    title: `Judged by ${model}`,
    columns: [
      '',
      'answers',
      'claims',
      'faithful',
      'citation recall',
      'citation precision',
      'relevant',
      'complete',
      'unusable',
    ],
    rows: sets.map(({ name, figures }) => [
      name,
      String(figures.answers),
      String(figures.claims),
      decimal(figures.faithfulness),
      decimal(figures.citationRecall),
      decimal(figures.citationPrecision),
      decimal(figures.relevance),
      decimal(figures.completeness),
      percent(figures.unusable),
    ]),
  }
}

/** Columns padded with spaces. */
export function textOf({ title, columns, rows }: TextTable): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map(row => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [title, line(columns), ...rows.map(line)].join('\n')
}
