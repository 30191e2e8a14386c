import { createHash } from 'node:crypto'
import type { PreparedChunk, PreparedDocument } from '../adapters/document-rows.ts'
import type { Embedder } from '../ask/embedder.ts'
import { analyze, indexTerms } from '../text/analyze.ts'
import { detectLanguage } from '../text/language.ts'
import { chunk as chunksOf } from './chunk.ts'
import { windowsOf, windowText } from './windows.ts'
import type { Chunk, SourceDocument } from './terms.ts'

/** Raise it when chunking, analysis or windows change: documents loaded before count as changed. */
const preparationVersion = 3

export function documentId(collection: string, source: string): string {
  const hex = createHash('sha256').update(`${collection}\0${source}`).digest('hex')
  // A version 8 UUID (RFC 9562): the layout of the rest is ours.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Of everything that the stored rows are made from: equal hash, nothing to do. */
export function contentHash(document: SourceDocument): Buffer {
  const { title, url, language, metadata, text, sections } = document
  return createHash('sha256').update(JSON.stringify([preparationVersion, title, url, language, metadata, text, sections])).digest()
}

/** Chunks, analyses and embeds documents; the embedding calls of all of them are made together. */
export function preparerWith(embedder: Embedder) {
  return async function prepare(collection: string, documents: readonly SourceDocument[], signal: AbortSignal): Promise<PreparedDocument[]> {
    const drafts = documents.map(document => draftOf(document, embedder))
    const texts = drafts.flatMap(draft => draft.chunks.flatMap(each => each.windows.map(window => window.text)))
    const vectors = texts.length > 0 ? await embedder.embed(texts, signal, 'passage') : []
    let next = 0
    const take = () => {
      const vector = vectors[next++]
      if (!vector) throw new Error('the embedder returned fewer vectors than texts')
      return vector
    }
    return drafts.map(draft => finished(collection, draft, take))
  }
}

interface DraftChunk {
  readonly chunk: Chunk
  readonly language: string
  readonly windows: readonly { readonly start: number; readonly end: number; readonly text: string }[]
}

interface Draft {
  readonly document: SourceDocument
  readonly language: string
  readonly chunks: readonly DraftChunk[]
}

function draftOf(document: SourceDocument, embedder: Embedder): Draft {
  const language = document.language ?? detectLanguage(`${document.title}\n${document.text}`)
  const isReadable = embedder.languages === 'any' || embedder.languages.includes(language)
  const chunks = chunksOf(document, language).map(chunk => {
    const windows = isReadable ? windowsOf(document.text, chunk, language, embedder) : []
    const withText = windows.map(window => ({ ...window, text: windowText(document.text, chunk, window, embedder) }))
    return { chunk, language, windows: withText }
  })
  return { document, language, chunks }
}

function finished(collection: string, { document, language, chunks }: Draft, take: () => Float32Array): PreparedDocument {
  return {
    id: documentId(collection, document.source),
    source: document.source,
    hash: contentHash(document),
    title: document.title,
    url: document.url,
    language,
    metadata: document.metadata,
    text: document.text,
    chunks: chunks.map(draft => preparedChunk(document, draft, take)),
  }
}

function preparedChunk(document: SourceDocument, { chunk, language, windows }: DraftChunk, take: () => Float32Array): PreparedChunk {
  const text = document.text.slice(chunk.start, chunk.end)
  // The title twice: what a passage is headed by says more of it than any one sentence.
  const analysis = analyze(`${chunk.title}\n${chunk.title}\n${text}`, language)
  return {
    ...chunk,
    language,
    text,
    terms: indexTerms(analysis),
    length: analysis.terms.length,
    vectors: windows.map(({ start, end }) => ({ start, end, embedding: take() })),
  }
}
