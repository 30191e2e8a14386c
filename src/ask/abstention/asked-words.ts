import { isStopWord } from '../../text/analyze.ts'
import { sureSimilarity } from '../../text/spellings.ts'
import type { AnalyzedQuestion, QueryTerm } from '../terms/question.ts'

/** A content word of the question. */
export interface AskedWord {
  readonly term: string
  /** What it counts as in a text: itself, or what it was corrected to. */
  readonly forms: readonly string[]
  /** How much of the question it carries: its idf, times how often it was asked. */
  readonly weight: number
  /**
   * `doubtful`: only a word of another spelling is known, which may be another word; `unknown`: the collection has it in
   * no form.
   */
  readonly knowledge: 'known' | 'doubtful' | 'unknown'
  /** It has a digit, and names something: it measures nothing. */
  readonly isNumber: boolean
}

/**
 * In a collection of one or two documents a known word would weigh almost nothing and an unknown one much, so no question
 * would have an answer. Words are weighed as if there were this many chunks, as the search does.
 */
const fewestChunks = 50

/** The words that the question itself asks about; those that it borrows from the turn before only if it has none. */
export function askedWords({ own, terms, readAs }: AnalyzedQuestion, chunkCount: number): AskedWord[] {
  const words = contentOf(own)
  const chunks = Math.max(chunkCount, fewestChunks)
  const found = words.length > 0 ? words : contentOf(terms)
  // "How much is it?" has function words alone, and is about what was borrowed.
  const telling = found.filter(({ term }) => !isStopWord(term, readAs))
  return (telling.length > 0 ? telling : found).map(word => askedWord(word, chunks))
}

/**
 * A date or provision counts as one where the collection has it, else by its words; parts that only stand there written as
 * one ("e-21" and "e 21" for E21) count as that one.
 */
function contentOf(terms: readonly QueryTerm[]): QueryTerm[] {
  const held = new Set(terms.filter(({ chunkCount = 0 }) => chunkCount > 0).map(({ term }) => term))
  const wholes = new Set<QueryTerm>()
  const parts = new Set<QueryTerm>()
  for (const [index, whole] of terms.entries()) {
    const its = held.has(whole.term) ? partsOf(whole, terms, index) : []
    if (its.every(({ term }) => held.has(term))) continue
    wholes.add(whole)
    for (const part of its) parts.add(part)
  }
  return terms.filter(word => {
    const { term, isContent, isJoin, within, isOptional } = word
    if (parts.has(word)) return false
    if (wholes.has(word)) return true
    return isContent && !isJoin && (!isOptional || held.has(term)) && (!within || !held.has(within))
  })
}

/** The words that are written as one in this term: as the question says, or just before it, of one word with a hyphen. */
function partsOf({ term, isJoin }: QueryTerm, terms: readonly QueryTerm[], index: number): readonly QueryTerm[] {
  if (isJoin) return terms.filter(({ joined }) => joined?.includes(term))
  for (let from = index - 1, text = ''; from >= 0; from--) {
    text = terms[from]!.term + text
    if (text === term) return terms.slice(from, index)
    if (!term.endsWith(text)) break
  }
  return []
}

/** k1 + 1 of BM25. */
const saturation = 2.2

/** The BM25 score of a passage that has every term of the question, each as often as it can count. */
export function highestBm25({ terms }: AnalyzedQuestion, chunkCount: number): number {
  return terms
    .filter(({ isContent, measure, chunkCount: found = 0 }) => (isContent && measure !== 'number') || found > 0)
    .reduce(
      (sum, { count, chunkCount: found = 0 }) => sum + saturation * count * idf(found, Math.max(chunkCount, 1)),
      0,
    )
}

function idf(found: number, chunks: number): number {
  const held = Math.min(chunks, found)
  return Math.log(1 + (chunks - held + 0.5) / (held + 0.5))
}

function askedWord(
  { term, count, chunkCount = 0, corrected = [], isUnknown = false, measure }: QueryTerm,
  chunks: number,
): AskedWord {
  const sure = corrected.filter(({ similarity }) => similarity >= sureSimilarity)
  const knowledge = isUnknown ? 'unknown' : corrected.length > 0 && sure.length === 0 ? 'doubtful' : 'known'
  return {
    term,
    forms: [term, ...sure.map(each => each.term)],
    weight: count * idf(chunkCount, chunks),
    knowledge,
    isNumber: measure !== 'number' && /\p{Nd}/u.test(term),
  }
}

/** Share of the question's weight that the words with this property have; 0 for a question without content words. */
export function shareOf(words: readonly AskedWord[], has: (word: AskedWord) => boolean): number {
  let [held, total] = [0, 0]
  for (const word of words) {
    total += word.weight
    if (has(word)) held += word.weight
  }
  return total === 0 ? 0 : held / total
}
