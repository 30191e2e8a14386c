import { tableText } from '../../src/eval/report/markdown.ts'
import { briefTables, type TextTable } from '../../src/eval/report/tables.ts'
import type { AnswersMeasured } from '../../src/eval/answers/measure.ts'
import { barsTable } from './bars.ts'
import type { LeftOut } from './settings.ts'
import type { Results, SetupResults } from './results.ts'

/** eval/results.md: the bars, then the tables of each setup with how and when they were measured. */
export function pageOf(results: Results, leftOut: readonly LeftOut[]): string {
  return [
    '# Answers, measured',
    'Written by `npm run eval:answers`. A setup that a run leaves out keeps the figures of an earlier one; each section says when it was measured. Intervals are 95 %. [Evaluation](../docs/guides/evaluation.md#whole-answers) explains the figures; the sets are not part of the project.',
    '## Bars',
    tableText(barsTable(results)),
    ...leftOut.map(({ title, why }) => `Not measured in the last run: ${title}, because ${why}.`),
    ...Object.values(results.setups).map(sectionOf),
  ]
    .join('\n\n')
    .concat('\n')
}

function sectionOf({ title, command, commit, date, sample, seconds, sets, ranking, renewed }: SetupResults): string {
  const tables = [
    ...briefTables(sets as readonly AnswersMeasured[]),
    ...(ranking.length === 0 ? [] : [rankingTable(ranking)]),
  ]
  return [
    `## With ${title}`,
    `\`${command}\` at ${commit}, ${date}, at most ${sample} questions of each kind and language per set; ${Math.round(seconds)} s.${renewed ? ` ${renewed.sets.join(', ')}: \`npm run eval:answers -- --small\` at ${renewed.commit}, ${renewed.date}.` : ''}`,
    ...tables.map(table => `### ${table.title}\n\n${tableText(table)}`),
  ].join('\n\n')
}

function rankingTable(ranking: SetupResults['ranking']): TextTable {
  return {
    title: 'Ranking',
    columns: ['', 'questions', 'nDCG@10, words', 'nDCG@10, vectors', 'nDCG@10, both', 'R@5, both'],
    rows: ranking
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, arms }) => [
        name,
        String(arms.fused.questions),
        arms.lexical.ndcg10.toFixed(3),
        arms.vector.ndcg10.toFixed(3),
        arms.fused.ndcg10.toFixed(3),
        arms.fused.recall5.toFixed(3),
      ]),
  }
}
