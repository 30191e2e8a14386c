import type { Filters, Passage, QueryTerm } from '../terms.ts'

export interface VectorSearch {
  readonly collectionId: number
  readonly modelId: number
  readonly values: Float32Array
  /** Mean windows of a chunk, rounded up: several windows of one chunk may be among the nearest. */
  readonly windowsPerChunk: number
  /** Measured by `askwell tune recall`; null: not yet. */
  readonly efSearch: number | null
  /** Chunks wanted. */
  readonly limit: number
}

/** What to look for. Either arm may be empty: no terms, or no vector. */
export interface Search {
  readonly collectionId: number
  /** Of the collection, as the caller knows it: see {@link Found.isOvertaken}. Absent: whatever is there is searched. */
  readonly epochMark?: string
  /** In the collection. */
  readonly chunkCount: number
  readonly terms: readonly QueryTerm[]
  readonly vector: Omit<VectorSearch, 'collectionId' | 'limit'> | null
  readonly filters: Filters
  /** Candidates of each arm. */
  readonly limit: number
}

/** A chunk that an arm found, with what that arm says of it; null from an arm that did not. */
export interface Candidate {
  readonly chunkId: number
  /** BM25. */
  readonly lexical: number | null
  /** Share of the question's content words the chunk holds, weighted by idf: 0…1. */
  readonly coverage: number
  /** Cosine similarity of its best window. */
  readonly vector: number | null
}

/** A passage before it is ranked: what the database knows of a chunk. */
export type StoredPassage = Omit<Passage, 'scores'>

export interface Found {
  readonly candidates: readonly Candidate[]
  /** By chunk id, of the candidates that `choose` picked. */
  readonly passages: ReadonlyMap<number, StoredPassage>
  /** The documents are no longer those of the caller's epoch, or ceased to be while they were read. */
  readonly isOvertaken: boolean
}

/** The read side of the passage store, as this stage sees it. */
export interface PassageSearch {
  search(
    query: Search,
    choose: (candidates: readonly Candidate[]) => readonly number[],
    terms: { signal: AbortSignal; label: string; deadline?: number },
  ): Promise<Found>
}
