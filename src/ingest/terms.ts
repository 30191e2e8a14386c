/** Types of loading: results of readers and of the chunker, and what is stored. */

import type { Calibration } from '../ask/calibration/terms.ts'
import type { CollectionAbstention, CollectionCaching } from '../ask/terms/collection.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** A range of the text under one heading path. Sections are in order, do not overlap, and cover all prose. */
export interface Section {
  /** UTF-16 offsets into the document's text. */
  readonly start: number
  readonly end: number
  /** Headings above this text, outermost first, without the document's own title. */
  readonly headings: readonly string[]
  /** Page number in a paged format, from 1. */
  readonly page?: number
  /** Anchor of the nearest heading, for links to it. */
  readonly anchor?: string
}

/** A document as a reader returns it: plain text, and its structure separately. */
export interface SourceDocument {
  /** Stable name within the collection (a path, the id of a row). Loading a source again replaces the document. */
  readonly source: string
  readonly title: string
  readonly url: string | null
  /** Set by the author or the loader; detected if null. */
  readonly language: string | null
  readonly metadata: { readonly [key: string]: Json }
  readonly text: string
  readonly sections: readonly Section[]
  /** Indexed with the first chunk, but not part of the text: identifiers of a row. */
  readonly keywords?: string
}

/** A file or row that could not be read. The rest is loaded anyway. */
export interface ReadFault {
  /** Path on this machine, for messages. */
  readonly path: string
  /** Name in the collection. Documents stored under this name or below it may still be valid and are not pruned. */
  readonly source?: string
  readonly line?: number
  readonly reason: string
}

/** A file that was read as a whole, with all that reading it again needs. */
export interface KeptFile {
  readonly name: string
  /** What the loader knew about it, as `Naming` of the readers. */
  readonly naming: {
    readonly source: string
    readonly fallbackTitle: string
    readonly language?: string | undefined
    readonly metadata?: { readonly [key: string]: Json }
  }
  /** Web address given for it; takes precedence over its own. */
  readonly url?: string | null | undefined
  readonly bytes: Uint8Array
}

/** What a run with `--prune` may delete. */
export interface PruneScope {
  /** Source prefixes. */
  readonly roots: readonly string[]
  /** Sources of files and folders that could not be read this time. */
  readonly spared: readonly string[]
  readonly runId: string
}

/** How the columns of a file of rows are used: asked about, or only filtered by. */
export interface FileColumns {
  readonly path: string
  readonly asked: readonly string[]
  readonly filtered: readonly string[]
}

/** `line` is the line in the file, if the document is a row; `columns` comes with the first document of a file. */
export type ReadResult = ReadDocument | { readonly fault: ReadFault }

export interface ReadDocument {
  readonly document: SourceDocument
  readonly line?: number
  readonly columns?: FileColumns
  /** The file, if the document is all of it. */
  readonly kept?: KeptFile
}

/**
 * Consecutive sentences that are embedded as one text, after the chunk's title. Offsets are into the document's text.
 */
export interface ChunkWindow {
  readonly start: number
  readonly end: number
}

/** A section of a chunk that joins several. */
export interface ChunkSection {
  /** Offset into the document's text. */
  readonly start: number
  /** Headings below the chunk's title, outermost first. */
  readonly headings: readonly string[]
  readonly anchor?: string
  readonly page?: number
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
  /** Absent unless the chunk joins several sections. In order; a heading without text belongs to the one below it. */
  readonly sections?: readonly ChunkSection[]
  /** The header row of the table that the chunk begins within. */
  readonly tableHeader?: string
}

/** A chunk that needs new vectors. */
export interface PendingChunk extends Chunk {
  readonly id: string
  readonly documentText: string
  readonly language: string
}

/** A vector of a window of a stored chunk. */
export interface WindowVector {
  readonly chunkId: string
  readonly start: number
  readonly end: number
  readonly embedding: Float32Array
}

/** Units of a chunk, packed. */
export interface UnitsRow {
  readonly chunkId: string
  readonly units: Uint8Array
}

export interface FillingCounts {
  /** Chunks of the collection. */
  readonly chunks: number
  /** Those that the model can read and that were stored without vectors, to be filled in. */
  readonly withoutVectors: number
  /** Those that have vectors and no units. */
  readonly lacking: number
  /** Whether a filling was begun, or noted as necessary, and never finished. */
  readonly isBegun: boolean
}

/**
 * The chunks of a collection that lack vectors or units. One process at a time claims the filling, and renews its claim.
 */
export interface VectorsFilling {
  /** `lacking` counts chunks with an id above `afterId`, `withoutVectors` those above `vectorsAfterId` (default: all). */
  counts(afterId: string, vectorsAfterId?: string): Promise<FillingCounts>
  /** Null while another process has it. */
  claim(remaining: number): Promise<string | null>
  /** False if another process has claimed it meanwhile. */
  renew(claimant: string, remaining: number): Promise<boolean>
  release(claimant: string): Promise<void>
  /** Chunks without vectors. */
  nextBare(afterId: string, limit: number): Promise<PendingChunk[]>
  storeVectors(vectors: readonly WindowVector[]): Promise<void>
  /** Call this when all chunks have vectors: answers that were made without them are no longer used. */
  vectorsFilled(): Promise<void>
  /** Chunks with vectors and without units. */
  next(afterId: string, limit: number): Promise<PendingChunk[]>
  store(rows: readonly UnitsRow[]): Promise<void>
  /** Call this when nothing is missing; `filled` is the number of chunks. False if the claim was lost. */
  finish(claimant: string, filled: number): Promise<boolean>
}

/** An embedding model as a collection stores it; its vectors have `dimensions` numbers. */
export interface NamedModel {
  readonly name: string
  readonly dimensions: number
}

/** How documents are divided: under headings, a chunk per row, list item or paragraph, or without regard to headings. */
export type ChunkKind = 'heading' | 'row' | 'document'

/** How the documents of a collection are divided into chunks. */
export interface ChunkSettings {
  /** Maximum length of a chunk in tokens. */
  readonly size: number
  /** How much of the end of the previous chunk a chunk may repeat, in tokens. */
  readonly overlap: number
  readonly by: ChunkKind
}

/** The settings of a collection that differ from the defaults (chunk-settings.ts). */
export type ChunkOverrides = { readonly [Name in keyof ChunkSettings]?: ChunkSettings[Name] }

/** Settings as they are stored, and what they are in the marks of documents. */
export interface StoredChunking {
  readonly overrides: ChunkOverrides
  readonly mark: Buffer
}

export interface Collection {
  readonly id: number
  readonly name: string
  /** Null until something is written with vectors. */
  readonly model: StoredModel | null
  readonly epoch: number
  /** Random mark drawn when the epoch changes. It distinguishes histories that reached the same epoch number. */
  readonly epochMark: string
  readonly documentCount: number
  readonly chunkCount: number
  /** Number of vectors. A long chunk has several. */
  readonly windowCount: number
  /** hnsw.ef_search as measured by `askwell tune recall`, or null until it is measured. */
  readonly efSearch: number | null
  readonly languages: readonly string[]
  /** Weights by language, learned for the collection's model; see {@link writeWeights}. */
  readonly vectorWeights: Readonly<Record<string, { readonly weight: number; readonly span: number | null }>>
  /** Measured with the collection's model; null until then. */
  readonly calibration: Calibration | null
  readonly caching: CollectionCaching
  readonly chunking: ChunkOverrides
  /** Whether vectors or units are being filled in: some chunks may have none yet. */
  readonly isFilling?: boolean
  /** Absent unless it was tuned. */
  readonly abstention?: CollectionAbstention
  readonly updatedAt: Date
}

/** A model with stored vectors. */
export interface StoredModel {
  readonly id: number
  readonly name: string
  readonly dimensions: number
  /** Absent while the model still makes such vectors. */
  readonly changed?: ModelChange
}

/** The model behind a name makes other vectors than before. */
export interface ModelChange {
  readonly foundAt: Date
  /** Cosine of stored vectors and those of the same texts when it was found; their median. */
  readonly similarity: number
  /** How many were compared. */
  readonly texts: number
  /** The vectors have another length. */
  readonly hasOtherLength: boolean
}

/** A stored window and its vector. */
export interface StoredWindow {
  readonly chunk: PendingChunk
  readonly start: number
  readonly end: number
  readonly embedding: Float32Array
}

/** What is read to notice that a model has changed. */
export interface ModelCheckStore {
  /** Some windows of the collection with the vectors of its model, others each time. */
  sample(collection: Collection, count: number, signal: AbortSignal): Promise<readonly StoredWindow[]>
  /** Stores what was found of the model of these vectors; null when they are alike. */
  record(modelId: number, change: Omit<ModelChange, 'foundAt'> | null, signal: AbortSignal): Promise<void>
  /** Gives the model another name. False if a model has that name. */
  rename(modelId: number, name: string, signal: AbortSignal): Promise<boolean>
}

/** How far the content of a collection is as loading it now would make it. */
export interface Preparedness {
  /** Documents prepared by an older version of Askwell, or with other settings of the collection. */
  readonly outdated: number
  /** Prepared by this version, but from the stored text: what its readers would find is in the source alone. */
  readonly fromStoredText: number
  /** Chunks that the model can read and that have no vectors of it: they are found by their words alone. */
  readonly lackingVectors: number
  /** Chunks whose units have vectors. */
  readonly withUnits: number
  /** Chunks that have vectors, but whose units have none. */
  readonly lackingUnits: number
  /** Whether a filling has begun that is not finished. */
  readonly isFilling: boolean
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

/** Result of a write. Documents in neither list were already stored with identical content. */
export interface Written {
  /** Document ids. */
  readonly added: readonly string[]
  /** Document ids. */
  readonly replaced: readonly string[]
  readonly chunks: number
}

/** A chunk that is ready to be written: analyzed and embedded. */
export interface PreparedChunk extends Chunk {
  readonly language: string
  readonly text: string
  /** Index terms in order, including repeats. */
  readonly terms: readonly string[]
  /** Length in words, for BM25. */
  readonly length: number
  readonly vectors: readonly { readonly start: number; readonly end: number; readonly embedding: Float32Array }[]
  /** Its units with their vectors, packed (vectors/packed-units.ts). Absent where none were made. */
  readonly units?: Uint8Array
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
  /** Chunks that the model can read and whose vectors follow; absent if there are none. */
  readonly lackingVectors?: number
  /** What is kept to prepare it again; `kept` leaves what is stored for it. */
  readonly original?: Original | 'kept' | null | undefined
}

/** What a document was made from, compressed; see originals.ts. */
export interface Original {
  /** The request that gave the document, the file, or only the sections of the stored text. */
  readonly kind: 'given' | 'file' | 'sections'
  readonly content: Uint8Array
}

/** A stored document as it is sent to be prepared again. */
export interface Restorable extends Omit<SourceDocument, 'sections' | 'language'> {
  readonly language: string
  readonly original: Original | null
  /** Of its chunks, in order, if nothing was kept: they show its sections. */
  readonly places: readonly ChunkPlace[]
}

/** The part of a chunk that shows its section. */
export interface ChunkPlace {
  readonly start: number
  readonly end: number
  readonly title: string
  readonly anchor: string | null
  readonly page: number | null
}

/** First two bytes of the hashes of documents that are not outdated; those of the collection's settings follow. */
export interface PreparationMarks {
  /** Of documents made from what was received. */
  readonly read: Buffer
  /** Of documents made from their stored text. */
  readonly restored: Buffer
}

/** A document to prepare again. */
export interface PendingDocument {
  readonly id: string
  readonly source: string
  /** Of its text and of what is kept of it. */
  readonly bytes: number
}

export interface StoredForReindex {
  readonly id: string
  /** It is replaced only if it still has this hash. */
  readonly hash: Buffer
  readonly document: Restorable
}

export interface ReindexStore {
  /** The collection as it is now. Rejects with `unknown_collection` if it is gone. */
  open(name: string, model: NamedModel): Promise<Collection>
  pending(collectionId: number): Promise<{ readonly documents: number; readonly tokens: number }>
  /** Those after the source `after`, in the order of their sources. */
  next(collectionId: number, after: string, limit: number): Promise<PendingDocument[]>
  read(ids: readonly string[]): Promise<StoredForReindex[]>
  rewrite(
    target: Collection,
    documents: readonly PreparedDocument[],
    expected: ReadonlyMap<string, Buffer>,
  ): Promise<readonly string[]>
}
