import { analyze, isPair, queryTerms, type QueryTerm as TextTerm } from '../../text/analyze.ts'
import { detectLanguage, readingLanguage } from '../../text/language.ts'
import { measuringTerms } from '../../text/measures.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Question, AnalyzedQuestion, QueryTerm } from '../terms/question.ts'
import type { TermReading } from './passage-search.ts'
import { withoutGreetings } from '../smalltalk/small-talk.ts'
import { storyOf, type Story } from './story.ts'
import { contextOf, leaning, type Context, type Said } from './follow-up.ts'

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

/** What the words of a tale count compared with those of the question in it. */
const taleWeight = 0.3

/** Words of the tale around a question count less, and only the question is compared by meaning. */
function withoutTale(whole: AnalyzedQuestion, { question }: Story): AnalyzedQuestion {
  const asked = analyzeText(question, whole.language, whole.readAs)
  const known = new Set(asked.terms.map(({ term }) => term))
  const tale = whole.terms
    .filter(({ term }) => !known.has(term))
    .map(term => ({ ...term, count: taleWeight, isContent: false }))
  return { ...whole, standalone: question, terms: [...asked.terms, ...tale], own: asked.own }
}

/** Words of the last answer that are borrowed at most: an answer may be long. */
const mostAnswered = 16

/** In the choice of sentences a rare word of the question itself ends the borrowing: two borrowed ones do not outweigh it. */
const wantedFactor = 0.3

/**
 * Adds words of earlier turns, with less weight than those of the question itself. What a question leans on wholly is
 * wanted as if it had been asked; other borrowed words only help to find passages.
 */
function withContext(alone: AnalyzedQuestion, { lean, asked, answered }: Context): AnalyzedQuestion {
  const { language, readAs } = alone
  const isMeant = lean === 'wholly'
  const known = new Set(alone.terms.map(({ term }) => term))
  const subject = asked.flatMap(said => borrow(said, isMeant))
  const beside = answered ? borrow(answered, false).slice(0, mostAnswered) : []
  const wanted = subject.flatMap(term => (term.isContent ? [{ ...term, count: term.count * wantedFactor }] : []))
  return {
    ...alone,
    ...(leaning.has(lean) && asked.length > 0 && { standalone: standaloneOf(asked, alone.text) }),
    terms: [...alone.terms, ...subject, ...beside],
    own: [...alone.own, ...wanted],
  }

  function borrow({ text, weight }: Said, isWanted: boolean): QueryTerm[] {
    const terms = analyzeText(text, language, readAs).own.filter(({ term }) => !known.has(term))
    for (const { term } of terms) known.add(term)
    return terms.map(term => ({
      ...term,
      count: weight * Math.min(1, term.count),
      isBorrowed: true as const,
      isContent: isWanted && term.isContent,
      isCorrectable: isWanted && term.isCorrectable,
    }))
  }
}

/** In the order they were asked. */
function standaloneOf(asked: readonly Said[], text: string): string {
  return [...asked.map(said => said.text).toReversed(), text].join(' ')
}

/** Analyzes another wording of the question, in the same language. */
export function analyzeText(text: string, language: string, readAs: string = language): AnalyzedQuestion {
  const measures = measuringTerms(text, readAs)
  const terms = queryTerms(analyze(text, readAs)).map(term => {
    const measure = term.within === null ? measures.get(term.term.replace(/^~/, '')) : undefined
    const isOptional = term.standsIn || measure === 'number'
    return { ...term, isSpare: !isWorthAsking(term), isOptional, ...(measure && { measure }) }
  })
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
  return { ...asked, terms: asked.terms.map(read), own: endedBorrowing(asked.own.map(read)) }
}

/** A word of the question as rare as the borrowed ones names what it is about: only its own words are wanted then. */
function endedBorrowing(own: readonly QueryTerm[]): readonly QueryTerm[] {
  const rarest = (terms: readonly QueryTerm[]) =>
    Math.min(...terms.map(({ chunkCount, isContent }) => (isContent && chunkCount ? chunkCount : Infinity)))
  const said = own.filter(({ isBorrowed }) => !isBorrowed)
  const limit = rarest(own.filter(({ isBorrowed }) => isBorrowed))
  return said.length < own.length && rarest(said) <= limit && limit < Infinity ? said : own
}

/**
 * Function words only add noise (nDCG@10 0.002–0.003), except for Vietnamese without diacritics, where they help by
 * 0.004.
 */
function isWorthAsking({ term, isContent, isJoin, standsIn }: TextTerm): boolean {
  return isContent || isJoin || standsIn || term.startsWith('~') || isPair(term)
}
