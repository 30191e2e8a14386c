import { createHash } from 'node:crypto'
import { chunkingMark, defaultChunking } from './chunk-settings.ts'
import type { ChunkSettings, PreparationMarks, SourceDocument } from './terms.ts'

/**
 * Increase this when reading, chunking, analysis or windows change. Documents prepared before then are outdated: the
 * next load prepares them again, and so does `askwell reindex`.
 */
const preparationVersion = 4

/** Set in the version of a document that was prepared from its stored text, because its original was not kept. */
const fromStoredText = 0x8000

/** Length of a hash that begins with a mark. Hashes of older versions of Askwell have 32 bytes and no mark. */
const markedHashBytes = 36

/** What a document was prepared from: what was received, or only the text that is stored. */
export type PreparedFrom = 'original' | 'stored text'

export function documentId(collection: string, source: string): string {
  const hex = createHash('sha256').update(`${collection}\0${source}`).digest('hex')
  // UUID version 8 (RFC 9562), whose remaining bits are free for applications.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/**
 * The first four bytes of a document's hash: the version of preparation, and the chunk settings of its collection. In
 * the hash, because whatever replaces a document replaces it too, older versions of Askwell included.
 */
export function preparationMark(from: PreparedFrom, chunking: ChunkSettings = defaultChunking): Buffer {
  return Buffer.concat([versionMark(from), chunkingMark(chunking)])
}

function versionMark(from: PreparedFrom): Buffer {
  const mark = Buffer.alloc(2)
  mark.writeUInt16BE(preparationVersion | (from === 'original' ? 0 : fromStoredText))
  return mark
}

/** The marks of this version. */
export const preparationMarks: PreparationMarks = {
  read: versionMark('original'),
  restored: versionMark('stored text'),
}

/**
 * Identifies everything that the stored rows are derived from. If it is equal, there is nothing to do. That of a
 * document prepared from its stored text differs from any that loading makes, so that the next load replaces it.
 */
export function contentHash(
  document: SourceDocument,
  {
    from = 'original',
    chunking = defaultChunking,
  }: { readonly from?: PreparedFrom; readonly chunking?: ChunkSettings | undefined } = {},
): Buffer {
  const { title, url, language, metadata, text, sections, keywords } = document
  const digest = createHash('sha256')
    .update(JSON.stringify([title, url, language, metadata, text, sections, keywords]))
    .digest()
  return Buffer.concat([preparationMark(from, chunking), digest])
}

/** Whether a document with this hash was prepared from its stored text. */
export function isFromStoredText(hash: Buffer): boolean {
  return hash.length === markedHashBytes && (hash.readUInt16BE() & fromStoredText) !== 0
}
