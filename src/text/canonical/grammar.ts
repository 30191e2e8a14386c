import type { Rules } from './rules.ts'

/** What a language says without meaning, and how it says the same in several ways. */
export interface Grammar {
  /** A word's parts that are words themselves: "what's", "dell'acqua". */
  readonly split: (word: string) => readonly string[]
  /** Words in capitals that are no names all the same: the English "I". */
  readonly capitals?: ReadonlySet<string>
  /** Whether a name has the endings of other words, and no other name is one without them. */
  readonly areNamesBare?: boolean
  /** What opens a condition ("if"); behind "tell me" it opens a yes-no question. */
  readonly conditions: ReadonlySet<string>
  /** Greetings, politeness, "could you tell me": taken off until none is left. */
  readonly frames: Rules
  /** One list after the other, each from left to right, once. */
  readonly steps: readonly Rules[]
  /** The words in the order in which they are compared, without those that say nothing. START and END are among them. */
  readonly arrange: (words: readonly string[]) => readonly string[]
  /** A word with `~` for the ending it had; `near` are the two before it, as they were. */
  readonly bare: (word: string, near: readonly string[]) => string
}

/** Whether a word is a class of words: no folded word has a capital. */
export function isClass(word: string): boolean {
  return /^[A-Z]/.test(word)
}

export interface Move {
  readonly isMoved: (word: string) => boolean
  /** Behind such a word, when it comes first; else to the front. */
  readonly isPlace?: (word: string) => boolean
  /** What opens a clause of its own: nothing is moved out of one ("do I pay if I can leave", "can I pay if I leave"). */
  readonly isBarrier: (word: string) => boolean
}

/** What is alone of its kind, moved forward. `words` begin with START. */
export function fronted(words: readonly string[], { isMoved, isPlace, isBarrier }: Move): readonly string[] {
  const from = words.findIndex(isMoved)
  const to = isPlace?.(words[1] ?? '') ? 2 : 1
  if (from <= to || words.findLastIndex(isMoved) !== from || words.slice(to, from).some(isBarrier)) return words
  return words.toSpliced(from, 1).toSpliced(to, 0, words[from] ?? '')
}
