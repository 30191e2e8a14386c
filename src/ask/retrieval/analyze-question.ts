import { analyze, isPair, queryTerms, type QueryTerm as TextTerm } from '../../text/analyze.ts'
import { detectLanguage, readingLanguage } from '../../text/language.ts'
import type { AskedCollection, Question, AnalyzedQuestion } from '../terms.ts'

/** Fewer content words than this, and a question in a conversation probably leans on the one before. */
const leansBelow = 3

/** Pure: language (given, or detected with the collection's languages as a hint) and search terms. */
export function analyzeQuestion(question: Question, collection: AskedCollection): AnalyzedQuestion {
  const language = question.language ?? detectLanguage(question.text, { among: collection.languages })
  const readAs = readingLanguage(question.text, language, collection.languages)
  const alone = analyzeText(question.text, language, readAs)
  const previous = question.history.findLast(turn => turn.role === 'user')
  const leans = previous !== undefined && alone.terms.filter(term => term.isContent).length < leansBelow
  return leans
    ? { ...alone, terms: analyzeText(`${previous.content} ${question.text}`, language, readAs).terms }
    : alone
}

/** Another wording of the same question, in the same language. */
export function analyzeText(text: string, language: string, readAs: string = language): AnalyzedQuestion {
  const terms = queryTerms(analyze(text, readAs)).map(term => ({ ...term, isSpare: !isWorthAsking(term) }))
  return { text, language, readAs, terms, own: terms.filter(term => !term.isSpare) }
}

/** Function words only add noise (nDCG@10 .002–.003), but for Vietnamese without diacritics, where they help .004. */
function isWorthAsking({ term, isContent }: TextTerm): boolean {
  return isContent || term.startsWith('~') || isPair(term)
}
