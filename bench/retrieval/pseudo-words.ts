import { analyze } from '../../src/text/analyze.ts'

/** A word with the terms it is indexed by. */
export interface Word {
  readonly surface: string
  readonly terms: readonly string[]
}

// A power law of ranks without an end: the more text, the more words, as Heaps' law says of real collections. With
// these two, a million chunks hold about as many different terms as a million real passages do, and the most
// frequent pseudo-word stands in about one chunk of a hundred.
const tail = 0.8
const head = 2000
const syllables = ['b', 'br', 'c', 'd', 'f', 'g', 'l', 'm', 'n', 'p', 'pl', 'r', 's', 'st', 't', 'v'].flatMap(onset =>
  ['a', 'e', 'i', 'o', 'u'].map(vowel => onset + vowel),
)

/** The rank of the word at this share of all running words: 0 ≤ share < 1. */
export function rankAt(share: number): number {
  const rank = head * ((1 - share) ** (-1 / tail) - 1)
  return Math.floor(Math.min(rank, syllables.length ** 4))
}

const known = new Map<number, Word>()

/** A word that no dictionary has; frequent ones are short. */
export function pseudoWord(rank: number): Word {
  const before = known.get(rank)
  if (before) return before
  const surface = spelled(rank)
  const word = { surface, terms: analyze(surface, 'en').terms }
  known.set(rank, word)
  return word
}

function spelled(rank: number): string {
  let count = 2
  while (rank >= syllables.length ** count) count++
  const all = syllables.length ** count
  // Neighbours in rank must not be neighbours in spelling; 7919 shares no factor with 80.
  let number = (rank * 7919 + 31) % all
  let surface = ''
  for (; count > 0; count--) {
    surface += syllables[number % syllables.length]
    number = Math.floor(number / syllables.length)
  }
  return surface
}
