import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Asked } from './ask-all.ts'

/**
 * Writes a TREC run: `question Q0 document rank score tag`, a line a document. The score is one over the rank: the
 * order is what was shown, and a score of one question means nothing beside another's.
 */
export async function writeRun(folder: string, tag: string, asked: readonly Asked[]): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${tag}.run`)
  await writeFile(path, asked.flatMap(each => linesOf(each, tag)).join(''))
  return path
}

function linesOf({ question, ranked }: Asked, tag: string): string[] {
  return ranked.map(
    (document, index) => `${question.id} Q0 ${document} ${index + 1} ${(1 / (index + 1)).toFixed(6)} ${tag}\n`,
  )
}
