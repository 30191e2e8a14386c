import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { QuestionResult } from './ask-all.ts'

/**
 * Writes a TREC run: `question Q0 document rank score tag`, one line per document. The score is the reciprocal rank,
 * because only the order matters and scores of different questions are not comparable.
 */
export async function writeRun(folder: string, tag: string, results: readonly QuestionResult[]): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${tag}.run`)
  await writeFile(path, results.flatMap(each => linesOf(each, tag)).join(''))
  return path
}

function linesOf({ question, ranked }: QuestionResult, tag: string): string[] {
  return ranked.map(
    (document, index) => `${question.id} Q0 ${document} ${index + 1} ${(1 / (index + 1)).toFixed(6)} ${tag}\n`,
  )
}
