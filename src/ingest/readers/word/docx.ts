import type { Content } from '../content.ts'
import { readFlow, type FlowBlock } from './flow.ts'

/** Reads a Word document: the text as Word shows it, with the numbers that it makes. */
export async function readDocx(bytes: Buffer): Promise<Content> {
  return readFlow(await docxBlocks(bytes))
}

export async function docxBlocks(bytes: Buffer): Promise<readonly FlowBlock[]> {
  // Imported on demand, because most documents are not Word.
  const { readingAs } = await import('../zip.ts')
  const { wordBlocks } = await import('./word-package.ts')
  return readingAs('a Word document (.docx)', bytes, () => wordBlocks(bytes))
}
