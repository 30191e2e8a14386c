/** What a search finds and an answer cites. */

/** Which retriever ranks passages: lexical, dense, or both fused. */
export type Arm = 'lexical' | 'vector' | 'fused'

/** Consecutive sentences of a passage that were embedded as one; offsets as in {@link Passage}. */
export interface Window {
  readonly start: number
  readonly end: number
  /** Cosine similarity to the question, −1…1. */
  readonly similarity: number
}

/** A sentence, list item or table row of a passage, compared with the question by itself; offsets as in {@link Passage}. */
export interface Unit extends Omit<Window, 'similarity'> {
  /** Cosine similarity to the question, −1…1; null where it has no vector. */
  readonly similarity: number | null
  /** The reranker's score of it alone, with its headings; absent when it was not read. */
  readonly rerank?: number
}

/**
 * How the retrievers scored a passage. Scores are on each retriever's own scale (BM25; cosine) and ranks start at 1.
 * Null when that retriever did not find the passage.
 */
export interface Scores {
  readonly lexical: number | null
  readonly lexicalRank: number | null
  readonly vector: number | null
  readonly vectorRank: number | null
  /** 0…1, comparable only within one question. */
  readonly fused: number
  /** Share of the question's words that the passage contains, weighted by idf: 0…1. */
  readonly coverage: number
  /** The reranker's score, on the reranker's own scale; absent when it did not run. */
  readonly rerank?: number
}

/** A section of a passage that joins several: where it begins, and what a citation of it says. */
export interface PassageSection {
  /** Offset as in {@link Passage}. */
  readonly start: number
  /** Document title and heading path. */
  readonly title: string
  readonly url: string | null
  readonly page: number | null
}

export interface Passage {
  /** `<document id>.<ordinal>` */
  readonly chunkId: string
  readonly documentId: string
  readonly version: number
  readonly source: string
  /** Document title and heading path, joined by " › ". */
  readonly title: string
  readonly url: string | null
  readonly language: string
  /** Exactly the stored document text from `start` to `end`. */
  readonly text: string
  /**
   * Tokens of `text` by the chat models' tokenizer, counted when it was stored; absent when the text is not a whole
   * chunk.
   */
  readonly tokens?: number
  /** The whitespace between the previous chunk and this one, as stored; absent when it was not read. */
  readonly blanksBefore?: string
  /** Offsets into the stored document text, in UTF-16 code units (JavaScript string indices). */
  readonly start: number
  readonly end: number
  readonly page: number | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly scores: Scores
  readonly windows: readonly Window[]
  /** In order; absent where no unit of it has a vector, nor was read by a reranker. */
  readonly units?: readonly Unit[]
  /** In order; absent when the whole passage is in the section of `title`. */
  readonly sections?: readonly PassageSection[]
  /** The header row of the table that `text` begins within. */
  readonly tableHeader?: string
}

export interface Citation {
  /** The number shown as `[n]` in the answer: of quoted sentences their order in it; of a model's text the passage's. */
  readonly index: number
  readonly documentId: string
  readonly chunkId: string
  readonly version: number
  /** Name of the document in its collection. */
  readonly source: string
  readonly title: string
  readonly url: string | null
  readonly page: number | null
  /** Of the document. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** Verbatim stored text: `text.slice(start, end) === quote`. */
  readonly quote: string
  readonly start: number
  readonly end: number
  readonly score: number
}
