/** The words of loading: what a reader returns, what the chunker makes, what is written. */

import type { CollectionCaching } from '../ask/terms.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** A run of the text under one heading path; sections are in order, do not overlap, and cover all prose. */
export interface Section {
  /** UTF-16 offsets into the document's text. */
  readonly start: number
  readonly end: number
  /** Headings above this text, outermost first, without the document's own title. */
  readonly headings: readonly string[]
  /** Page of a paged format, from 1. */
  readonly page?: number
  /** Anchor of the nearest heading, so that a url can point at it. */
  readonly anchor?: string
}

/** A document as a reader hands it over: plain text with its structure beside it. */
export interface SourceDocument {
  /** Stable name within the collection (a path, a row's id); the same source again replaces the document. */
  readonly source: string
  readonly title: string
  readonly url: string | null
  /** Given by the author or the loader; detected when null. */
  readonly language: string | null
  readonly metadata: { readonly [key: string]: Json }
  readonly text: string
  readonly sections: readonly Section[]
}

/** Something that could not be read; the rest is loaded all the same. */
export interface ReadFault {
  /** As the user knows it, on this machine. */
  readonly path: string
  /** Its name in the collection: what was stored under it, or below it, may still be good and is not pruned. */
  readonly source?: string
  readonly line?: number
  readonly reason: string
}

/** `line`: of the file, where the document is a row of it. */
export type ReadResult = { readonly document: SourceDocument; readonly line?: number } | { readonly fault: ReadFault }

/** A run of sentences embedded as one text (with the chunk's title in front). Offsets into the document's text. */
export interface ChunkWindow {
  readonly start: number
  readonly end: number
}

export interface Chunk {
  readonly ordinal: number
  readonly start: number
  readonly end: number
  /** Document title and heading path, outermost first, joined by " › "; indexed and embedded with the text. */
  readonly title: string
  readonly anchor: string | null
  readonly page: number | null
  /** Length in tokens of the chat models' tokenizer. */
  readonly tokens: number
}

export interface Collection {
  readonly id: number
  readonly name: string
  /** Null while nothing was written with vectors. */
  readonly model: { readonly id: number; readonly name: string; readonly dimensions: number } | null
  readonly epoch: number
  /** Drawn when the epoch changed: of another history that counted to the same epoch it is another. */
  readonly epochMark: string
  readonly documentCount: number
  readonly chunkCount: number
  /** Vectors: a long chunk has several. */
  readonly windowCount: number
  /** See {@link tuneRecall}; null until measured. */
  readonly efSearch: number | null
  readonly languages: readonly string[]
  /** By language, learned for its model; see {@link writeWeights}. */
  readonly vectorWeights: Readonly<Record<string, number>>
  readonly caching: CollectionCaching
  readonly updatedAt: Date
}

export interface StoredDocument {
  readonly id: string
  readonly collection: string
  readonly source: string
  readonly version: number
  readonly title: string
  readonly url: string | null
  readonly language: string
  readonly metadata: { readonly [key: string]: Json }
  readonly text: string
  readonly chunkCount: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What a write did. Documents in neither list were stored just so already. */
export interface Written {
  /** Ids. */
  readonly added: readonly string[]
  /** Ids. */
  readonly replaced: readonly string[]
  readonly chunks: number
}

/** A chunk ready to be written: analysed and embedded. */
export interface PreparedChunk extends Chunk {
  readonly language: string
  readonly text: string
  /** Index terms in order, with repeats. */
  readonly terms: readonly string[]
  /** Words the chunk counts for in BM25. */
  readonly length: number
  readonly vectors: readonly { readonly start: number; readonly end: number; readonly embedding: Float32Array }[]
}

export interface PreparedDocument {
  readonly id: string
  readonly source: string
  readonly hash: Buffer
  readonly title: string
  readonly url: string | null
  readonly language: string
  readonly metadata: { readonly [key: string]: Json }
  readonly text: string
  readonly chunks: readonly PreparedChunk[]
}
