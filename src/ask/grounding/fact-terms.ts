import type { Word } from '../../text/analyze.ts'
import type { Amount } from './quantities.ts'

export type FactKind = 'number' | 'date' | 'time' | 'code' | 'name'

/** What can be compared exactly. */
export interface Fact {
  readonly kind: FactKind
  /** As it is written in the text. */
  readonly surface: string
  /** What it may be equal to; any of them will do. */
  readonly keys: readonly string[]
  /** What a text that has it has, too: the month of a day, the article of a paragraph. */
  readonly wider: readonly string[]
  readonly amounts: readonly Amount[]
  /** Of a number, the stem of the word after it; null where it is followed by none. */
  readonly counted: string | null
  /** Positions of its first and last word. */
  readonly first: number
  readonly last: number
  /** A word that may also be none ("one"): it supports others and claims nothing. */
  readonly isSoft: boolean
}

/** A text as it is compared. */
export interface ReadText {
  readonly language: string
  readonly words: readonly PlacedWord[]
  readonly facts: readonly Fact[]
  /** The text that the offsets of the words are of: tidied, without the targets of links. */
  readonly text: string
}

export interface PlacedWord {
  readonly surface: string
  readonly word: Word
  readonly start: number
  readonly end: number
}
