import type { Fall } from './baseline.ts'
import type { Figures } from './figures.ts'
import { fewestQuestions, type Lesson } from './learn.ts'
import { arms, type Measured } from './measure.ts'

const columns = ['nDCG@10', 'R@5', 'R@10', 'MRR@10', 'empty', 'p50 ms', 'p95 ms'] as const

/** What was measured, for people: a row an arm, then a row a language where there are several. */
export function table(measured: readonly Measured[]): string {
  const rows = measured.flatMap(rowsOf)
  const width = Math.max(...rows.map(([label]) => label.length))
  const lines = rows.map(
    ([label, cells]) =>
      `${label.padEnd(width)}  ${cells.map((cell, i) => cell.padStart(columns[i]?.length ?? 0)).join('  ')}`,
  )
  return [`${''.padEnd(width)}  ${columns.join('  ')}`, ...lines, ...measured.map(abstentionLine)].join('\n')
}

type Row = readonly [label: string, cells: readonly string[]]

function rowsOf({ name, arms: byArm, languages }: Measured): Row[] {
  return [
    ...arms.map((arm): Row => [`${name} ${arm}`, cellsOf(byArm[arm])]),
    ...Object.entries(languages).map(([language, figures]): Row => [`${name} fused, ${language}`, cellsOf(figures)]),
  ]
}

function cellsOf({ ndcg10, recall5, recall10, mrr10, empty, p50Ms, p95Ms }: Figures): string[] {
  return [...[ndcg10, recall5, recall10, mrr10].map(share), String(empty), p50Ms.toFixed(1), p95Ms.toFixed(1)]
}

function share(value: number): string {
  return value.toFixed(4)
}

function abstentionLine({ name, arms: { fused }, abstention: { answered, unanswerable, refused } }: Measured): string {
  const parts = [
    ...(answered === null
      ? []
      : [`${percent(1 - answered)} of ${fused.questions} answerable questions abstained from`]),
    ...(refused === null ? [] : [`${percent(refused)} of ${unanswerable} unanswerable ones rightly`]),
  ]
  return `${name}: ${parts.join(', ')}`
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`
}

/** What fell, in a line. */
export function fallLine({ variant, row, figure, from, to }: Fall): string {
  const what = `${variant} ${row}: ${figure}`
  return to === null
    ? `${what} was ${share(from)} and is not measured any more`
    : `${what} fell from ${share(from)} to ${share(to)}`
}

/** What was learned, for people: the curve, then what became of it. */
export function lessonText({ language, questions, inUse, choice, learned }: Lesson): string {
  const about = `${language}, ${questions} questions, vector weight ${weight(inUse)} in use`
  if (choice === null) return `${about}: nothing learned, it takes ${fewestQuestions} questions`
  const { heldOut, curve } = choice
  const verdict = `on held-out questions nDCG@10 ${share(heldOut.chosen)} by learning, ${share(heldOut.inUse)} as it is`
  const outcome =
    learned === null
      ? `${weight(choice.weight)} looked best, but ${verdict}: left as it is`
      : `learned ${weight(learned)}; ${verdict}`
  return [`${about}: ${outcome}`, ...curve.map(point => `  ${weight(point.weight)}  ${share(point.ndcg10)}`)].join('\n')
}

function weight(value: number): string {
  return value.toFixed(2)
}
