import type { Rules } from './rules.ts'

/** What a language says without meaning, and the different ways in which it says the same. */
export interface Grammar {
  /** Splits a word into parts that are words themselves: "what's", "dell'acqua". */
  readonly split: (word: string) => readonly string[]
  /** Capitalised words that are not names: the English "I". */
  readonly capitals?: ReadonlySet<string>
  /** Whether names take the endings of other words, and no name equals another without them. */
  readonly areNamesBare?: boolean
  /** Words that open a condition ("if"); after "tell me" they open a yes-no question. */
  readonly conditions: ReadonlySet<string>
  /** Greetings, politeness, "could you tell me": removed until none is left. */
  readonly frames: Rules
  /** Rule lists, applied one after the other, each once from left to right. */
  readonly steps: readonly Rules[]
  /** Arranges the words for comparison, without those that carry no meaning. START and END are among them. */
  readonly arrange: (words: readonly string[]) => readonly string[]
  /** A word with `~` in place of its ending; `preceding` are the two words before it, unchanged. */
  readonly bare: (word: string, preceding: readonly string[]) => string
}

/** Whether a word is a word class: no folded word has a capital. */
export function isClass(word: string): boolean {
  return /^[A-Z]/.test(word)
}

export interface Move {
  readonly isMoved: (word: string) => boolean
  /** Moved after such a word if it comes first, otherwise to the front. */
  readonly isPlace?: (word: string) => boolean
  /** Words that open a clause; nothing is moved out of one ("do I pay if I can leave", "can I pay if I leave"). */
  readonly isBarrier: (word: string) => boolean
}

/** Moves a word forward if it is the only one of its kind. `words` start with START. */
export function fronted(words: readonly string[], { isMoved, isPlace, isBarrier }: Move): readonly string[] {
  const from = words.findIndex(isMoved)
  const to = isPlace?.(words[1] ?? '') ? 2 : 1
  if (from <= to || words.findLastIndex(isMoved) !== from || words.slice(to, from).some(isBarrier)) return words
  return words.toSpliced(from, 1).toSpliced(to, 0, words[from] ?? '')
}
