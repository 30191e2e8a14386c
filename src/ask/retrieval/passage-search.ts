import type { Filters, Passage, QueryTerm } from '../terms.ts'

export interface VectorSearch {
  readonly collectionId: number
  readonly modelId: number
  readonly values: Float32Array
  /** Mean windows per chunk, rounded up: several windows of one chunk may be among the nearest. */
  readonly windowsPerChunk: number
  /** Measured by `askwell tune recall`; null until then. */
  readonly efSearch: number | null
  /** Number of chunks to find. */
  readonly limit: number
}

/** What to search for. Either part may be empty: no terms, or no vector. */
export interface Search {
  readonly collectionId: number
  /** The collection's epoch mark as the caller knows it: see {@link PassageSearchResult.isOvertaken}. No check when absent. */
  readonly epochMark?: string
  /** Chunks in the collection. */
  readonly chunkCount: number
  readonly terms: readonly QueryTerm[]
  readonly vector: Omit<VectorSearch, 'collectionId' | 'limit'> | null
  readonly filters: Filters
  /** Candidates per retriever. */
  readonly limit: number
}

/** A chunk found by a retriever, with its scores; null from a retriever that did not find it. */
export interface Candidate {
  readonly chunkId: number
  /** BM25. */
  readonly lexical: number | null
  /** Share of the question's content words that the chunk contains, weighted by idf: 0…1. */
  readonly coverage: number
  /** Cosine similarity of its best window. */
  readonly vector: number | null
}

/** A passage before ranking: what the database stores about a chunk. */
export type StoredPassage = Omit<Passage, 'scores'>

export interface PassageSearchResult {
  readonly candidates: readonly Candidate[]
  /** What a chunk with all words of the question could score by BM25, also with those that no document has; 0 without words. */
  readonly lexicalMaximum: number
  /** Passages by chunk id, for the candidates that `choose` picked. */
  readonly passages: ReadonlyMap<number, StoredPassage>
  /** The documents are no longer those of the caller's epoch, or changed while they were read. */
  readonly isOvertaken: boolean
}

/** The read side of the passage store, as this stage needs it. */
export interface PassageSearch {
  /** `choose` may be called again if documents are replaced meanwhile: its last choice counts. */
  search(
    query: Search,
    choose: (candidates: readonly Candidate[]) => readonly number[],
    terms: { signal: AbortSignal; label: string; deadline?: number },
  ): Promise<PassageSearchResult>
}
