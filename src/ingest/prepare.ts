import { createHash } from 'node:crypto'
import type { SourceDocument } from './terms.ts'

/** Increase this when chunking, analysis or windows change, so that documents loaded before count as changed. */
const preparationVersion = 3

export function documentId(collection: string, source: string): string {
  const hex = createHash('sha256').update(`${collection}\0${source}`).digest('hex')
  // UUID version 8 (RFC 9562), whose remaining bits are free for applications.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Hash of everything that the stored rows are derived from. If it is equal, there is nothing to do. */
export function contentHash(document: SourceDocument): Buffer {
  const { title, url, language, metadata, text, sections, keywords } = document
  return createHash('sha256')
    .update(
      JSON.stringify([
        preparationVersion,
        title,
        url,
        language,
        metadata,
        text,
        sections,
        ...(keywords === undefined ? [] : [keywords]),
      ]),
    )
    .digest()
}
