import { UnreadableError, type Content } from '../content.ts'
import { readFlow } from './flow.ts'

/** Reads Rich Text Format, as word processors and mail programs write it. */
export async function readRtf(bytes: Buffer): Promise<Content> {
  if (
    !/^\s*\{\\rtf/.test(
      bytes
        .subarray(0, 64)
        .toString('latin1')
        .replace(/^\u00ef\u00bb\u00bf/, ''),
    )
  ) {
    throw new UnreadableError('is damaged or not Rich Text Format (.rtf)')
  }
  const { rtfBlocks } = await import('./rtf-reader.ts')
  return readFlow(rtfBlocks(bytes))
}
