/** What is asked, and what analysis makes of it. */

export type Mode = 'fast' | 'smart' | 'auto'

export interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

export type Scalar = string | number | boolean

/** Equality, membership, or a range with one or two bounds. Ranges compare numbers, or strings (ISO dates). */
export type Filter =
  | Scalar
  | { readonly in: readonly Scalar[] }
  | {
      readonly gt?: number | string
      readonly gte?: number | string
      readonly lt?: number | string
      readonly lte?: number | string
    }

/** Conditions on document metadata, by field. All of them must match. */
export type Filters = Readonly<Record<string, Filter>>

export interface Question {
  /** The caller's tenant, where callers have tenants. Tenants never share answers. */
  readonly tenant?: string
  readonly text: string
  readonly collection: string
  readonly mode: Mode
  readonly topK: number
  readonly filters: Filters
  /** BCP 47 primary language, when the caller knows it. */
  readonly language: string | undefined
  /** Earlier turns, oldest first. */
  readonly history: readonly Turn[]
}

/** A word of the collection that an unknown one was read as. */
export interface TermCorrection {
  readonly term: string
  /** 0…1, by the letters that are the same; from `sureSimilarity` up it is probably the word that was meant. */
  readonly similarity: number
}

/** A word of the question, as analyzed. */
export interface QueryTerm {
  readonly term: string
  /** How often it occurs in the question. */
  readonly count: number
  /** Counts towards the share of the question that a chunk covers. */
  readonly isContent: boolean
  /** Searched only when the collection contains none of the other terms: a poor result is better than none. */
  readonly isSpare: boolean
  /** When no document contains it, similarly spelled words are searched instead. */
  readonly isCorrectable: boolean
  /** Terms that one typing slip could have turned into this one, beyond those that trigrams find. */
  readonly spellings: readonly string[]
  /** What it is when it is written as one with a neighbour: a text with that has this word, too. */
  readonly joined?: readonly string[]
  /** Ways to read it as two words, if no document has it. */
  readonly splits?: readonly {
    readonly terms: readonly [string, string]
    readonly areContent: readonly [boolean, boolean]
    /** The two need not stand next to each other in a document. */
    readonly isCompound: boolean
  }[]
  /** Two neighbours of the question written as one: found where the collection has it, and no word that was asked. */
  readonly isJoin?: boolean
  /** It may be a part of longer words, which then count as well, with less weight. */
  readonly isInCompounds?: boolean
  /** The date, provision or code that it is only a part of; where the collection has that, it counts instead. */
  readonly within?: string | null
  /** A date, provision or code, besides its words. */
  readonly standsIn?: boolean
  /** Part of what measures the case of who asks ("after 20 days"). */
  readonly measure?: 'number' | 'unit'
  /** Content only where the collection has it: a notation, for which its words stand otherwise, or the number of a measure. */
  readonly isOptional?: boolean
  /** A follow-up leaves it unsaid; from an earlier turn. */
  readonly isBorrowed?: true
  /** Chunks of the collection that have it; known after the search, as are the next two. */
  readonly chunkCount?: number
  /** What the search read it as, since no chunk has it; the likeliest first. */
  readonly corrected?: readonly TermCorrection[]
  /** Whether the collection has it in no form: no correction, no compound and no two words explain it. */
  readonly isUnknown?: boolean
}

/** A question prepared for searching. */
export interface AnalyzedQuestion {
  /** As asked, without a greeting; self-contained if a model rewrote it. */
  readonly text: string
  /** What is compared by meaning, where that is not `text`: with the subject of a follow-up, without the tale of a long story. */
  readonly standalone?: string
  readonly language: string
  /** The language whose rules its words were analyzed by: its own, or the likeliest language of the collection. */
  readonly readAs: string
  /** All search terms. */
  readonly terms: readonly QueryTerm[]
  /** The terms of the question itself, without those a follow-up borrows from the previous turn. */
  readonly own: readonly QueryTerm[]
}
