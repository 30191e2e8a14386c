import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { recordOf } from '../eval/answers/records.ts'
import type { AnswersReport } from './eval-answers.ts'

/** Writes all that was measured into a folder: for people, and for programs. */
export async function writeReport(folder: string, { model, sets, answered }: AnswersReport): Promise<void> {
  await mkdir(folder, { recursive: true })
  const records = answered.flatMap(({ set, asked }) => asked.map(each => recordOf(set, each)))
  await writeFile(join(folder, 'results.json'), `${JSON.stringify({ model, sets }, null, 1)}\n`)
  await writeFile(join(folder, 'questions.jsonl'), records.map(record => `${JSON.stringify(record)}\n`).join(''))
}
