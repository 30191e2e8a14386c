import type { Report } from './report.ts'
import type { TextTable } from './tables.ts'

export function markdownOf({ title, facts, tables, examples }: Report): string {
  return [
    `# ${title}`,
    facts.map(([name, value]) => `- ${inline(name)}: ${inline(value)}`).join('\n'),
    'Intervals are 95 %: of Wilson for shares, by bootstrap for the rest.',
    ...tables.map(table => `## ${inline(table.title)}\n\n${tableText(table)}`),
    ...(examples.length === 0 ? [] : ['## What went wrong']),
    ...examples.map(
      ({ title: heading, total, shown }) =>
        `### ${inline(heading)} (${shown.length} of ${total})\n\n${tableText({
          title: '',
          columns: ['question', 'kind', 'answer', 'wanted'],
          rows: shown.map(each => [each.question, each.kind, each.answer, each.wanted]),
        })}`,
    ),
  ]
    .join('\n\n')
    .concat('\n')
}

export function tableText({ columns, rows }: TextTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map(inline).join(' | ')} |`
  return [line(columns), `|${columns.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

/** Text that cannot end a cell, begin markup or load anything. */
function inline(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\|`*_<>[\]#!&]/g, character => `\\${character}`)
    .trim()
}
