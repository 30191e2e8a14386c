import type { Fall } from './baseline.ts'
import type { Figures } from './figures.ts'
import { fewestQuestions, type Lesson } from './learn.ts'
import { retrievers, type Measured } from './measure.ts'

const columns = ['nDCG@10', 'R@5', 'R@10', 'MRR@10', 'empty', 'p50 ms', 'p95 ms'] as const

/** The results as text: one row per retriever, then one row per language if there are several. */
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

function rowsOf({ name, arms: figures, languages }: Measured): Row[] {
  return [
    ...retrievers.map((retriever): Row => [`${name} ${retriever}`, cellsOf(figures[retriever])]),
    ...Object.entries(languages).map(([language, each]): Row => [`${name} fused, ${language}`, cellsOf(each)]),
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
    ...(answered === null ? [] : [`wrongly on ${percent(1 - answered)} of ${fused.questions} answerable questions`]),
    ...(refused === null ? [] : [`rightly on ${percent(refused)} of ${unanswerable} unanswerable questions`]),
  ]
  return `${name}: abstained ${parts.join(', ')}`
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`
}

/** One line about a figure that fell. */
export function fallLine({ variant, row, figure, from, to }: Fall): string {
  const what = `${variant} ${row}: ${figure}`
  return to === null
    ? `${what} was ${share(from)} and is no longer measured`
    : `${what} fell from ${share(from)} to ${share(to)}`
}

/** What was learned in one language, as text: the outcome, then the curve. */
export function lessonText({ language, questions, inUse, choice, learned }: Lesson): string {
  const summary = `${language}, ${questions} questions, vector weight ${weight(inUse)} in use`
  if (choice === null) return `${summary}: nothing learned, at least ${fewestQuestions} questions are needed`
  const { heldOut, curve } = choice
  const verdict = `nDCG@10 on held-out questions: ${share(heldOut.chosen)} learned, ${share(heldOut.inUse)} current`
  const outcome =
    learned === null
      ? `kept the current weight instead of ${weight(choice.weight)}, because learning did worse (${verdict})`
      : `learned ${weight(learned)} (${verdict})`
  return [`${summary}: ${outcome}`, ...curve.map(point => `  ${weight(point.weight)}  ${share(point.ndcg10)}`)].join(
    '\n',
  )
}

function weight(value: number): string {
  return value.toFixed(2)
}
