import type { Content } from '../content.ts'
import { readFlow, type FlowBlock } from './flow.ts'

/** Reads a text document of LibreOffice and others (OpenDocument), with the numbers that it shows. */
export async function readOdt(bytes: Buffer): Promise<Content> {
  return readFlow(await odtBlocks(bytes))
}

export async function odtBlocks(bytes: Buffer): Promise<readonly FlowBlock[]> {
  const { readingAs } = await import('../zip.ts')
  const { openDocumentBlocks } = await import('./odt-package.ts')
  return readingAs('an OpenDocument text (.odt)', bytes, () => openDocumentBlocks(bytes))
}
