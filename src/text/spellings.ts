import { nfc } from './normal-form.ts'
import { stem } from './stem.ts'

/**
 * Similarity from which a correction counts as the word that was asked. Below it, it may be another word and only
 * fetches chunks.
 */
export const sureSimilarity = 0.8

/** Nobody types a longer word letter by letter: it is a key, and keys are not confused with each other. */
const maxLetters = 30

/**
 * What a word may have been before one typing slip, as terms: its stems without each of its letters and with each
 * adjacent pair swapped (of the four single edits of Damerau 1964, those that need no alphabet). A slip near the end of
 * a word changes its stem ("efficienlty"), so no term of the documents resembles the term of the question, but these
 * do. Together with similar terms they gain 0.003–0.015 nDCG@10 on questions with a slip. Takes a folded word and its
 * term, which is excluded.
 */
export function spellings(word: string, term: string, language: string): string[] {
  const letters = [...word]
  if (letters.length < 3 || letters.length > maxLetters) return []
  const typed = letters.flatMap((letter, i) => {
    const without = letters.toSpliced(i, 1)
    const next = letters[i + 1]
    return next === undefined || next === letter ? [without] : [without, letters.with(i, next).with(i + 1, letter)]
  })
  const terms = new Set(typed.map(each => stem(nfc(each.join('')), language)))
  terms.delete(term)
  return [...terms]
}
