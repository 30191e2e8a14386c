import type { Passage } from '../terms/passage.ts'
import type { Filters, QueryTerm, TermCorrection } from '../terms/question.ts'

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
  /** Whether to read the units of the best candidates and of the passages, if there is a vector. */
  readonly hasUnits?: boolean
  /** At least as many as a small collection has chunks: all of them are found by their vectors, with their units. */
  readonly allChunks?: number
  /** Whether to read which candidates have no vectors yet. */
  readonly isFilling?: boolean
  /** Whether to read the languages of the candidates: the collection has several. */
  readonly hasLanguages?: boolean
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
  /** Cosine similarity of its best window; with its units compared (late-interaction.ts), of both together. */
  readonly vector: number | null
  /** Cosine similarity of its best window, where `vector` is of both. */
  readonly window?: number
  /** Packed (vectors/packed-units.ts); absent where there are none, or it is not among the best of a retriever. */
  readonly units?: Uint8Array
  /** Absent where the collection has only one. */
  readonly language?: string
  /** Its vectors are still to come. */
  readonly isBare?: boolean
}

/** A passage before ranking: what the database stores about a chunk. */
export interface StoredPassage extends Omit<Passage, 'scores' | 'units'> {
  /** Packed; absent where there are none. */
  readonly units?: Uint8Array
}

/** How the collection reads a term of the question. */
export interface TermReading {
  readonly term: string
  /** Chunks of the collection that have it. */
  readonly chunkCount: number
  /** What it was read as where no chunk has it; the likeliest first. */
  readonly corrections: readonly TermCorrection[]
  /** No chunk has it, in any spelling, as two words, or as a part of a longer one. */
  readonly isUnknown: boolean
}

export interface PassageSearchResult {
  readonly candidates: readonly Candidate[]
  /** What a chunk with all words of the question could score by BM25, also with those that no document has; 0 without words. */
  readonly lexicalMaximum: number
  /** Passages by chunk id, for the candidates that `choose` picked. */
  readonly passages: ReadonlyMap<number, StoredPassage>
  /** In the order of the terms; empty for a search without terms. */
  readonly readings: readonly TermReading[]
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
