import { shortestRest } from '../../text/joined.ts'
import { sureSimilarity } from '../../text/spellings.ts'
import type { AnalyzedQuestion, QueryTerm } from '../terms/question.ts'

type Terms = ReadonlySet<string>

/**
 * Adds to the words of a sentence those of the question that it has in another form, as the search does: "wi" and "fi"
 * to one with "wifi", "login" to one with "log in", "ausweis" to one with "bibliotheksausweis", "sumbit" to one with
 * "submit". A word that any of the sentences has is not read as two, nor corrected.
 */
export function createMeant({ terms, own }: AnalyzedQuestion, held: Terms): (terms: Terms) => Terms {
  const asked = [...new Map([...terms, ...own].map(term => [term.term, term])).values()]
  const readers = asked.flatMap(term => [...readersOf(term, held)])
  if (readers.length === 0) return words => words
  return words => {
    const meant = readers.filter(({ isIn }) => isIn(words)).map(({ term }) => term)
    return meant.length === 0 ? words : words.union(new Set(meant))
  }
}

interface Reader {
  readonly term: string
  readonly isIn: (words: Terms) => boolean
}

function* readersOf(asked: QueryTerm, held: Terms): Generator<Reader> {
  const { term, joined = [], splits = [], isInCompounds, corrected = [] } = asked
  const sure = corrected.filter(({ similarity }) => similarity >= sureSimilarity).map(each => each.term)
  if (sure.length > 0 && !held.has(term)) yield { term, isIn: words => sure.some(correction => words.has(correction)) }
  const joins = new Set(joined).intersection(held)
  if (joins.size > 0) yield { term, isIn: words => !joins.isDisjointFrom(words) }
  const halves = held.has(term) ? [] : splits.map(each => each.terms).filter(each => each.every(half => held.has(half)))
  if (halves.length > 0) yield { term, isIn: words => halves.some(each => each.every(half => words.has(half))) }
  if (isInCompounds) {
    const compounds = new Set(held.values().filter(word => isCompoundOf(word, term)))
    if (compounds.size > 0) yield { term, isIn: words => !compounds.isDisjointFrom(words) }
  }
}

function isCompoundOf(word: string, part: string): boolean {
  return (
    word.length >= part.length + shortestRest && (word.endsWith(part) || word.startsWith(part)) && !/\p{N}/u.test(word)
  )
}
