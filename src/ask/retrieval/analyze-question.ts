import { analyze, isPair, queryTerms, type QueryTerm as TextTerm } from '../../text/analyze.ts'
import { detectLanguage, readingLanguage } from '../../text/language.ts'
import type { AskedCollection, Question, AnalyzedQuestion, QueryTerm } from '../terms.ts'
import type { TermReading } from './passage-search.ts'

/** A question with fewer content words, inside a conversation, probably depends on the previous turn. */
const leansBelow = 3

/** Determines language (as specified, or detected with the collection's languages as a hint) and search terms. Pure. */
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

/** Analyzes another wording of the question, in the same language. */
export function analyzeText(text: string, language: string, readAs: string = language): AnalyzedQuestion {
  const terms = queryTerms(analyze(text, readAs)).map(term => ({ ...term, isSpare: !isWorthAsking(term) }))
  return { text, language, readAs, terms, own: terms.filter(term => !term.isSpare) }
}

/** The question with what the search found out about its words. */
export function readBy(asked: AnalyzedQuestion, readings: readonly TermReading[]): AnalyzedQuestion {
  const known = new Map(readings.map(reading => [reading.term, reading]))
  const read = (term: QueryTerm): QueryTerm => {
    const reading = known.get(term.term)
    if (!reading) return term
    const { chunkCount, corrections, isUnknown } = reading
    return { ...term, chunkCount, isUnknown, ...(corrections.length > 0 && { corrected: corrections }) }
  }
  return { ...asked, terms: asked.terms.map(read), own: asked.own.map(read) }
}

/**
 * Function words only add noise (nDCG@10 0.002–0.003), except for Vietnamese without diacritics, where they help by
 * 0.004.
 */
function isWorthAsking({ term, isContent, isJoin, standsIn }: TextTerm): boolean {
  return isContent || isJoin || standsIn || term.startsWith('~') || isPair(term)
}
