/**
 * How drafts travel from the process that makes them to the one that stores them: in pieces, so that no message is large
 * and none holds the other side up.
 */
import { contentHash } from './prepare.ts'
import { draftChunks, languageOf, type Draft, type DraftChunk, type DraftHead, type DraftModel } from './draft.ts'
import type { ReadFault, SourceDocument } from './terms.ts'

export type Piece =
  /** So many more bytes of the files are read. */
  | { readonly kind: 'bytes'; readonly count: number }
  | { readonly kind: 'fault'; readonly fault: ReadFault }
  | { readonly kind: 'unchanged'; readonly source: string; readonly characters: number }
  | { readonly kind: 'document'; readonly head: DraftHead }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'chunks'; readonly chunks: readonly DraftChunk[] }
  /** The document has come to its end. */
  | { readonly kind: 'end' }
  /** What follows is of this file of the task. */
  | { readonly kind: 'file'; readonly index: number }
  /** What the process is at, told only where it must be known whose fault a loss is. */
  | { readonly kind: 'at'; readonly work: 'reading' | 'drafting'; readonly line?: number | undefined }

/** What is known of a document before it is drafted: enough to see whether it is stored just so already. */
export interface Known {
  readonly source: string
  readonly hash: Uint8Array
}

/** `pieces` are answered with nothing, `known` with which of the documents are to be drafted. */
export type Part = { readonly pieces: readonly Piece[] } | { readonly known: readonly Known[] }
export type Answer = readonly boolean[] | null

/** About how many characters a message has. */
const messageCharacters = 2 ** 19

export type SayPart = (part: Part, isNew?: boolean) => Promise<Answer>

export interface Packer {
  add(piece: Piece): Promise<void>
  flush(): Promise<void>
}

/** Puts pieces together into messages, and cuts texts that are too long for one. */
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

/** In characters, with something for each object. */
export function sizeOf(piece: Piece): number {
  if (piece.kind === 'text') return piece.text.length
  if (piece.kind === 'document') return 500 + piece.head.title.length + JSON.stringify(piece.head.metadata).length
  if (piece.kind === 'chunks') return piece.chunks.reduce((sum, chunk) => sum + sizeOfChunk(chunk), 0)
  return 200
}

function sizeOfChunk({ title, terms, windows }: DraftChunk): number {
  const ofTerms = terms.reduce((sum, term) => sum + term.length + 8, 0)
  return 100 + title.length + ofTerms + windows.reduce((sum, window) => sum + window.text.length + 50, 0)
}

/** Drafts a document piece by piece; no more of its chunks than fit a message are held. */
export async function addDraft(packer: Packer, document: SourceDocument, model: DraftModel): Promise<void> {
  const { text, sections: _, ...head } = document
  const language = languageOf(document)
  await packer.add({ kind: 'document', head: { ...head, language, hash: contentHash(document) } })
  for (let at = 0; at < text.length; at += messageCharacters)
    await packer.add({ kind: 'text', text: text.slice(at, at + messageCharacters) })
  for (const chunk of draftChunks(document, language, model)) await packer.add({ kind: 'chunks', chunks: [chunk] })
  await packer.add({ kind: 'end' })
}

/** A document that comes to far more than it is: a heading of a megabyte above ten thousand paragraphs. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}

/** Times the length of its text, and what the smallest document may come to. */
const mostGrowth = 12
const leastCharacters = 2 ** 25

/** Puts the pieces of one document after the other together again. */
export function createAssembler(): { take(piece: Piece): Draft | null } {
  let head: DraftHead | null = null
  let text = ''
  let chunks: DraftChunk[] = []
  let characters = 0

  function take(piece: Piece): Draft | null {
    characters += sizeOf(piece)
    if (characters > Math.max(leastCharacters, text.length * mostGrowth)) throw new TooLargeError()
    if (piece.kind === 'document') [head, text, chunks, characters] = [piece.head, '', [], sizeOf(piece)]
    if (piece.kind === 'text') text += piece.text
    if (piece.kind === 'chunks') for (const chunk of piece.chunks) chunks.push(chunk)
    return piece.kind === 'end' && head !== null ? finish({ ...head, text, chunks }) : null
  }

  function finish(draft: Draft): Draft {
    head = null
    chunks = []
    characters = 0
    return draft
  }

  return { take }
}
