import { nfc } from './normal-form.ts'
import { stem } from './stem.ts'

/** Nobody types a longer word letter by letter; it is a key, and pairs of keys are not mistaken for each other. */
const maxLetters = 30

/**
 * What a word may have been before one slip of the fingers, as terms: the stems of it without each of its letters
 * and with each pair of neighbours swapped (of the four single edits of Damerau 1964, those that need no alphabet).
 * A slip in a word's end changes how it is stemmed ("efficienlty"), so that no term of the documents looks like the
 * term of the question; these do. Together with the terms that look alike they give nDCG@10 .003–.015 on questions
 * with a slip. Takes a folded word and the term that it gives, which is left out.
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
