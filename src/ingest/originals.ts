/** What is kept of a document to prepare it again with newer readers, and how it is read again. */
import { deflateSync, inflateSync } from 'node:zlib'
import { maxPlainOriginalBytes } from './bounds.ts'
import type { DocumentInput } from './document-from.ts'
import { UnreadableError, type ReadingOptions } from './readers/content.ts'
import type { ChunkPlace, KeptFile, Original, ReadDocument, Restorable, Section, SourceDocument } from './terms.ts'

/** `sections` keeps the structure of the stored text, but nothing that a newer reader could read. */
export type Keep = 'no' | 'sections' | 'yes'

/** Limit of an original in bytes, compressed. Of a larger document only the sections are kept. */
export const maxOriginalBytes = 2 * 2 ** 20
/** Files have at most 64 MB, texts less; their sections may have more as JSON. */
const maxInflatedBytes = 256 * 2 ** 20

/** Of a document that a request gave as text. */
export function givenOriginal(input: DocumentInput, document: SourceDocument, keep: Keep): Original | null {
  const whole = keep === 'yes' ? packed('given', [Buffer.from(JSON.stringify(input))]) : null
  return whole ?? sectionsOriginal(document, keep)
}

/** Of a document of a file. Rows of a file are kept as sections. */
export function fileOriginal(result: ReadDocument, keep: Keep): Original | null {
  const whole = keep === 'yes' && result.kept ? packed('file', fileParts(result.kept)) : null
  return whole ?? sectionsOriginal(result.document, keep)
}

export function sectionsOriginal({ language, sections, keywords }: SourceDocument, keep: Keep): Original | null {
  return keep === 'no' ? null : packed('sections', [Buffer.from(JSON.stringify({ language, sections, keywords }))])
}

function packed(kind: Original['kind'], parts: readonly Uint8Array[]): Original | null {
  if (parts.reduce((sum, part) => sum + part.length, 0) > maxPlainOriginalBytes) return null
  const content = deflateSync(Buffer.concat(parts))
  return content.length > maxOriginalBytes ? null : { kind, content }
}

/** A header as JSON, its length in front of it, and the bytes of the file. */
function fileParts({ bytes, ...header }: KeptFile): Uint8Array[] {
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(json.length)
  return [length, json, bytes]
}

export interface Restored {
  readonly document: SourceDocument
  /** Whether the readers of this version have read what was received. */
  readonly isReadAgain: boolean
}

/**
 * The document as this version reads it or, if its original was not kept, as it was read. Throws an
 * {@link UnreadableError} if what was kept is damaged or of a newer version.
 */
export async function restore(
  { original, places, ...stored }: Restorable,
  options: ReadingOptions = {},
): Promise<Restored> {
  // The language of a document without an original may be stated or detected; it is not detected again.
  if (original === null)
    return { document: { ...stored, sections: sectionsOfChunks(places, stored.title) }, isReadAgain: false }
  const kept = unpacked(original)
  if ('sections' in kept) return { document: { ...stored, ...kept }, isReadAgain: false }
  if ('bytes' in kept) {
    const { readAgain } = await import('./read.ts')
    return { document: await readAgain(kept, options), isReadAgain: true }
  }
  const { documentFrom } = await import('./document-from.ts')
  return { document: documentFrom(kept), isReadAgain: true }
}

type KeptSections = Pick<SourceDocument, 'language' | 'sections' | 'keywords'>

/** Throws an {@link UnreadableError} without a word of the content, because the message is logged. */
function unpacked({ kind, content }: Original): KeptSections | KeptFile | DocumentInput {
  if (!kinds.includes(kind))
    throw new UnreadableError('was kept by a newer version of Askwell; reindex it with that one')
  try {
    const plain = inflateSync(content, { maxOutputLength: maxInflatedBytes })
    const kept = kind === 'file' ? fileIn(plain) : (JSON.parse(plain.toString()) as object)
    if (fieldsOf[kind].every(field => field in kept)) return kept as KeptSections | KeptFile | DocumentInput
  } catch {
    // damaged
  }
  throw new UnreadableError('cannot be read again, because what was kept of it is damaged; load it again')
}

/** Without these it is damaged. */
const fieldsOf = {
  given: ['source', 'text'],
  file: ['name', 'naming'],
  sections: ['language', 'sections'],
} as const satisfies Record<Original['kind'], readonly string[]>

const kinds = Object.keys(fieldsOf)

function fileIn(plain: Buffer): KeptFile {
  const end = 4 + plain.readUInt32BE()
  const header = JSON.parse(plain.toString('utf8', 4, end)) as Omit<KeptFile, 'bytes'>
  return { ...header, bytes: plain.subarray(end) }
}

/** What is kept of it from now on; `kept` for what is stored already. */
export function keptOf(original: Original | null, document: SourceDocument, keep: Keep): Original | 'kept' | null {
  const isRight = original !== null && keep !== 'no' && (keep === 'yes' || original.kind === 'sections')
  return isRight ? 'kept' : sectionsOriginal(document, keep)
}

/** The sections of a document as far as its chunks, in order, show them. */
export function sectionsOfChunks(chunks: readonly ChunkPlace[], title: string): Section[] {
  const sections: { start: number; end: number; headings: string[]; page?: number; anchor?: string }[] = []
  let before: ChunkPlace | undefined
  for (const chunk of chunks) {
    const last = sections.at(-1)
    if (last && before?.title === chunk.title && before.anchor === chunk.anchor && before.page === chunk.page)
      last.end = chunk.end
    else
      sections.push({
        start: Math.max(last?.end ?? 0, chunk.start),
        end: chunk.end,
        headings: headingsOf(chunk.title, title),
        ...(chunk.page !== null && { page: chunk.page }),
        ...(chunk.anchor !== null && { anchor: chunk.anchor }),
      })
    before = chunk
  }
  return sections
}

const between = ' › '

function headingsOf(path: string, title: string): string[] {
  return path.startsWith(`${title}${between}`) ? path.slice(title.length + between.length).split(between) : []
}
