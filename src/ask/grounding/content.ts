import { isStopWord, type Word } from '../../text/analyze.ts'
import type { ReadText } from './fact-terms.ts'

/** Negations, and words for free of charge, are compared apart from the words (negation.ts). */
const negations: ReadonlySet<string> = new Set(
  'nothing noth тегін тегин ақысыз акысыз gratis not no never none cannot не нет ни емес жоқ жок không chưa non né mai nicht kein ne pas nunca não'.split(
    ' ',
  ),
)

/** The content words of a text: stems without function words, negations, numbers and single letters. */
export function contentTerms({ words, language }: ReadText): Set<string> {
  return new Set(words.flatMap(({ word }) => contentOf(word, language)))
}

/** The stems of one word that are content. */
export function contentOf({ terms, hasDigit }: Word, language: string): string[] {
  if (hasDigit) return []
  return terms.filter(
    term => !isStopWord(term, language) && !negations.has(term) && (term.length > 1 || /\p{Lo}/u.test(term)),
  )
}
