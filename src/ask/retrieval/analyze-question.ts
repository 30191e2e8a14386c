import { analyze, isPair, queryTerms, type QueryTerm as TextTerm } from '../../text/analyze.ts'
import { detectLanguage, readingLanguage } from '../../text/language.ts'
import type { AskedCollection, Question, AnalyzedQuestion, QueryTerm } from '../terms.ts'
import type { TermReading } from './passage-search.ts'
import { withoutGreetings } from '../smalltalk/small-talk.ts'
import { storyOf, type Story } from './story.ts'
import { contextOf, type Context, type Said } from './follow-up.ts'

/**
 * Determines language (as specified, or detected with the collection's languages as a hint) and search terms, without
 * greetings and with what a follow-up leaves unsaid. Pure.
 */
export function analyzeQuestion(question: Question, collection: AskedCollection): AnalyzedQuestion {
  const text = withoutGreetings(question.text)
  const language = question.language ?? detectLanguage(text, { among: collection.languages })
  const readAs = readingLanguage(text, language, collection.languages)
  const alone = analyzeText(text, language, readAs)
  const story = storyOf(text, language)
  if (story) return withoutTale(alone, story)
  const context = contextOf(text, question.history, language)
  return context ? withContext(alone, context) : alone
}

/** What the words of a tale count beside those of the question in it. */
const taleWeight = Number(process.env.W_TALE ?? 0.3)

/** Words of the tale around a question count less, and only the question is compared by meaning. */
function withoutTale(whole: AnalyzedQuestion, { question }: Story): AnalyzedQuestion {
  const asked = analyzeText(question, whole.language, whole.readAs)
  const known = new Set(asked.terms.map(({ term }) => term))
  const tale = whole.terms.filter(({ term }) => !known.has(term)).map(term => ({ ...term, count: taleWeight, isContent: false }))
  return { ...whole, standalone: question, terms: [...asked.terms, ...tale], own: asked.own }
}

/** Adds the words of earlier turns, with less weight than those of the question itself. */
function withContext(alone: AnalyzedQuestion, { lean, asked, answered }: Context): AnalyzedQuestion {
  const { language, readAs } = alone
  const known = new Set(alone.terms.map(({ term }) => term))
  const borrow = ({ text, weight }: Said, isMeant: boolean): QueryTerm[] =>
    analyzeText(text, language, readAs).terms.flatMap(term => {
      if (!term.isContent && !isPair(term.term) || known.has(term.term)) return []
      known.add(term.term)
      return [{ ...term, count: weight * Math.min(1, term.count), isContent: isMeant && term.isContent, isSpare: false, isCorrectable: isMeant && term.isCorrectable }]
    })
  const isMeant = lean === 'wholly'
  const subject = asked.flatMap(said => borrow(said, isMeant))
  const beside = answered.flatMap(said => borrow(said, false))
  const standalone = process.env.NOEMB || lean==='perhaps' ? undefined : [...asked.map(each=>each.text).reverse(), ...(process.env.EMBANS?answered.map(a=>a.text):[]), alone.text].join(' ')
  return {
    ...alone,
    ...(standalone&&{standalone}),
    terms: [...alone.terms, ...subject, ...beside],
    own: isMeant ? [...alone.own, ...subject.filter(({isContent})=>isContent)] : alone.own,
  }
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
