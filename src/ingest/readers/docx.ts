import type { Content } from './content.ts'
import { asUnreadable, refuseOle } from './word/container.ts'
import { readFlow, type FlowBlock } from './word/flow.ts'

/** Reads a Word document: the text as Word shows it, with the numbers that it makes. */
export async function readDocx(bytes: Buffer): Promise<Content> {
  return readFlow(await docxFlow(bytes))
}

export async function docxFlow(bytes: Buffer): Promise<readonly FlowBlock[]> {
  refuseOle(bytes, '.docx')
  // Imported on demand, because most documents are not Word.
  const { wordBlocks } = await import('./word/word-package.ts')
  try {
    return await wordBlocks(bytes)
  } catch (error) {
    throw asUnreadable(error, 'a Word document (.docx)')
  }
}
