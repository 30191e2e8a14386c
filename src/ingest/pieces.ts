/**
 * Transfer of drafts from the process that makes them to the one that stores them. They are sent in pieces, so that no
 * message is large enough to block the receiver.
 */
import { contentHash, type PreparedFrom } from './prepare.ts'
import { draftChunks, languageOf, type Draft, type DraftChunk, type DraftHead, type DraftModel } from './draft.ts'
import type { FileColumns, ReadFault, SourceDocument } from './terms.ts'

export type Piece =
  /** Number of further bytes of the files that have been read. */
  | { readonly kind: 'bytes'; readonly count: number }
  | { readonly kind: 'fault'; readonly fault: ReadFault }
  | { readonly kind: 'unchanged'; readonly source: string; readonly characters: number }
  | { readonly kind: 'document'; readonly head: DraftHead }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'chunks'; readonly chunks: readonly DraftChunk[] }
  /** How the columns of a file are used; comes before its first document. */
  | { readonly kind: 'columns'; readonly columns: FileColumns }
  /** What is kept of the document. */
  | { readonly kind: 'original'; readonly original: Draft['original'] }
  /** End of the document. */
  | { readonly kind: 'end' }
  /** The following pieces belong to this file of the task. */
  | { readonly kind: 'file'; readonly index: number }
  /** What the process is working on. Only sent in careful mode, to find the document that ends the process. */
  | { readonly kind: 'at'; readonly work: 'reading' | 'drafting'; readonly line?: number | undefined }

/** Identifies a document before drafting, to find out whether it is already stored with identical content. */
export interface Known {
  readonly source: string
  readonly hash: Uint8Array
}

/** A message. The answer to `pieces` is null; the answer to `known` says which of the documents to draft. */
export type Part = { readonly pieces: readonly Piece[] } | { readonly known: readonly Known[] }
export type Answer = readonly boolean[] | null

/** Approximate maximum of characters per message. */
const messageCharacters = 2 ** 19

export type SayPart = (part: Part, isNew?: boolean) => Promise<Answer>

export interface Packer {
  add(piece: Piece): Promise<void>
  flush(): Promise<void>
}

/** Combines pieces into messages. */
export function createPacker(say: SayPart): Packer {
  let pieces: Piece[] = []
  let characters = 0

  async function add(piece: Piece): Promise<void> {
    pieces.push(piece)
    characters += sizeOf(piece)
    if (characters >= messageCharacters) await flush()
  }

  async function flush(): Promise<void> {
    const full = pieces
    pieces = []
    characters = 0
    if (full.length > 0) await say({ pieces: full })
  }

  return { add, flush }
}

/** Approximate size of a piece in characters, with an allowance for each object. */
export function sizeOf(piece: Piece): number {
  if (piece.kind === 'text') return piece.text.length
  if (piece.kind === 'document') return 500 + piece.head.title.length + JSON.stringify(piece.head.metadata).length
  if (piece.kind === 'chunks') return piece.chunks.reduce((sum, chunk) => sum + sizeOfChunk(chunk), 0)
  if (piece.kind === 'original') return typeof piece.original === 'object' ? (piece.original?.content.length ?? 0) : 0
  return 200
}

function sizeOfChunk({ title, terms, windows, units, sections = [], tableHeader = '' }: DraftChunk): number {
  const ofTerms = terms.reduce((sum, term) => sum + term.length + 8, 0)
  const ofSections = sections.reduce((sum, { headings }) => sum + headings.join().length + 50, tableHeader.length)
  const ofUnits = units === undefined ? 0 : units.heads.join().length + units.units.length * 30
  const ofWindows = windows.reduce((sum, window) => sum + window.text.length + 50, 0)
  return 100 + title.length + ofTerms + ofSections + ofUnits + ofWindows
}

/**
 * Drafts a document piece by piece, so that only the chunks of one message are in memory.
 * Text that is too long for one message is split.
 */
export async function addDraft(
  packer: Packer,
  document: SourceDocument,
  model: DraftModel,
  { original = null, from = 'original' }: DraftOrigin = {},
): Promise<void> {
  const { text, sections: _sections, keywords: _keywords, ...head } = document
  const language = languageOf(document, model)
  const hash = contentHash(document, { from, chunking: model.chunking })
  await packer.add({ kind: 'document', head: { ...head, language, hash } })
  for (let at = 0; at < text.length; at += messageCharacters)
    await packer.add({ kind: 'text', text: text.slice(at, at + messageCharacters) })
  for (const chunk of draftChunks(document, language, model)) await packer.add({ kind: 'chunks', chunks: [chunk] })
  await packer.add({ kind: 'original', original })
  await packer.add({ kind: 'end' })
}

export interface DraftOrigin {
  /** What is kept of the document. */
  readonly original?: Draft['original']
  readonly from?: PreparedFrom
}

/** Thrown when a draft is far larger than its document, for example with a long heading repeated in every chunk. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}

/** Limit of a draft's size as a multiple of its text, and the limit that applies to small documents. */
const maxGrowth = 12
const minLimitCharacters = 2 ** 25

/** Reassembles documents from their pieces, one document at a time. */
export function createAssembler(): { take(piece: Piece): Draft | null } {
  let head: DraftHead | null = null
  let text = ''
  let chunks: DraftChunk[] = []
  let original: Draft['original'] = null
  let characters = 0

  function take(piece: Piece): Draft | null {
    characters += sizeOf(piece)
    if (characters > Math.max(minLimitCharacters, text.length * maxGrowth)) throw new TooLargeError()
    if (piece.kind === 'document') [head, text, chunks, characters] = [piece.head, '', [], sizeOf(piece)]
    if (piece.kind === 'original') original = piece.original
    if (piece.kind === 'text') text += piece.text
    if (piece.kind === 'chunks') for (const chunk of piece.chunks) chunks.push(chunk)
    return piece.kind === 'end' && head !== null ? finish({ ...head, text, chunks, original }) : null
  }

  function finish(draft: Draft): Draft {
    head = null
    original = null
    chunks = []
    characters = 0
    return draft
  }

  return { take }
}
