import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { htmlOf } from '../eval/report/html.ts'
import { markdownOf } from '../eval/report/markdown.ts'
import { recordOf } from '../eval/report/records.ts'
import { reportOf } from '../eval/report/report.ts'
import { version } from '../version.ts'
import type { AnswersOptions, AnswersReport } from './eval-answers.ts'
import { judgeTable } from './eval-words.ts'

/** Writes all that was measured into a folder: `report.md` and `report.html` for people, JSON for programs. */
export async function writeReport(folder: string, measured: AnswersReport, options: AnswersOptions): Promise<void> {
  const { model, sets, answered, judgement } = measured
  const extraTables = judgement === null ? [] : [judgeTable(judgement)]
  const report = reportOf({ facts: factsOf(measured, options), sets, answered, extraTables })
  const records = answered.flatMap(({ set, asked }) => asked.map(each => recordOf(set, each)))
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'report.md'), markdownOf(report))
  await writeFile(join(folder, 'report.html'), htmlOf(report))
  await writeFile(join(folder, 'results.json'), `${JSON.stringify({ model, sets, judgement }, null, 1)}\n`)
  await writeFile(join(folder, 'questions.jsonl'), records.map(record => `${JSON.stringify(record)}\n`).join(''))
}

function factsOf({ model, answered, judgement }: AnswersReport, { sample, seed, url }: AnswersOptions) {
  const questions = answered.reduce((sum, { asked }) => sum + asked.length, 0)
  return [
    ['date', new Date().toISOString().slice(0, 16).replace('T', ' ')],
    ['version', version],
    url === undefined ? (['embeddings', model ?? ''] as const) : (['service', url] as const),
    [
      'questions',
      sample === undefined ? String(questions) : `${questions}: at most ${sample} of each kind, seed ${seed}`,
    ],
    ...(judgement === null ? [] : [['judge', judgement.model] as const]),
  ] as const
}
