import { analyze, comparedTerms, isStopWord } from '../../text/analyze.ts'
import { sentences, type Span } from '../../text/sentences.ts'
import { clausesOf, type Clause } from './clauses.ts'
import { citationOf } from './quotes.ts'
import type { Citation, Passage } from '../terms/passage.ts'

const maxQuote = 300
/** A second sentence is quoted when it adds this share to what the first one supports. */
const worthAdding = 0.25
/**
 * For answers without markers: a passage supports a sentence when they share this much of its words, and at least this
 * many.
 */
const clearSupport = 0.5
const clearWords = 3

/**
 * The citations of an answer, by number: for each cited passage, verbatim, the one or two sentences that support most
 * of the text before the marker. Without a common word (an answer in another language) it is the part most similar to
 * the question.
 *
 * A model may forget its markers. An answer without any gets the citations of the passages that clearly support one of
 * its sentences; its text stays unchanged.
 */
export function cite(answer: string, passages: readonly Passage[], language: string): Citation[] {
  const clauses = clausesOf(answer, language)
  const isCited = clauses.some(({ numbers }) => numbers.length > 0)
  const claims = isCited ? clauses : withSupport(clauses, passages)
  const citations = passages.map((passage, i) => {
    const own = claims.filter(({ numbers }) => numbers.includes(i + 1))
    return own.length === 0 ? undefined : citation(i + 1, passage, own)
  })
  return citations.filter(each => each !== undefined)
}

function citation(index: number, passage: Passage, claims: readonly Clause[]): Citation | undefined {
  const spans = sentences(passage.text, passage.language)
  if (spans.length === 0) return undefined
  const before = claims.map(({ text }) => text).join('\n')
  const after = claims.map(({ following }) => following).join('\n')
  const span = bestSpan(passage, spans, before) ?? bestSpan(passage, spans, after) ?? mostSimilarSpan(passage, spans)
  return citationOf(passage, index, span)
}

/** Adds to each sentence the passage that supports it best, if one clearly does. */
function withSupport(clauses: readonly Clause[], passages: readonly Passage[]): Clause[] {
  const held = passages.map(({ text, language }) => ({ language, terms: contentTerms(text, language) }))
  return clauses.map(clause => supported(clause, held))
}

type Held = { readonly language: string; readonly terms: ReadonlySet<string> }

function supported(clause: Clause, passages: readonly Held[]): Clause {
  const supports = passages.map(({ language, terms }) => {
    const claimed = contentTerms(clause.text, language)
    const shared = claimed.intersection(terms)
    return { share: shared.size / Math.max(1, claimed.size), words: shared.size }
  })
  const best = supports.reduce((top, each, i) => (each.share > (supports[top]?.share ?? 0) ? i : top), 0)
  const { share = 0, words = 0 } = supports[best] ?? {}
  return share >= clearSupport && words >= clearWords ? { ...clause, numbers: [best + 1] } : clause
}

/** Undefined when the claim and the passage share no word. */
function bestSpan({ text, language }: Passage, spans: readonly Span[], claim: string): Span | undefined {
  const claimed = contentTerms(claim, language)
  const shared = spans.map(span => contentTerms(text.slice(span.start, span.end), language).intersection(claimed))
  const weight = weightIn(shared)
  const weights = shared.map(weight)
  const best = weights.indexOf(Math.max(...weights))
  if (weights[best] === 0) return undefined
  const pairs = [best - 1, best]
    .filter(first => isPair(spans, first))
    .map(first => ({ first, weight: weight(shared[first]!.union(shared[first + 1]!)) }))
  const pair = pairs.sort((a, b) => b.weight - a.weight)[0]
  if (pair && pair.weight >= weights[best]! * (1 + worthAdding)) return joined(spans, pair.first)
  return shortened(text, spans[best]!, part => weight(contentTerms(part, language).intersection(claimed)))
}

/** Rare words distinguish the sentences of a passage; words in all of them do not. */
function weightIn(sets: readonly ReadonlySet<string>[]): (terms: ReadonlySet<string>) => number {
  const frequencies = new Map<string, number>()
  for (const term of sets.flatMap(set => [...set])) frequencies.set(term, (frequencies.get(term) ?? 0) + 1)
  const weightOf = (term: string) => Math.log(1 + sets.length / (frequencies.get(term) ?? sets.length))
  return terms => [...terms].reduce((sum, term) => sum + weightOf(term), 0)
}

function contentTerms(text: string, language: string): ReadonlySet<string> {
  const terms = comparedTerms(analyze(text, language))
  return new Set(terms.filter(term => !isStopWord(term, language)))
}

function isPair(spans: readonly Span[], first: number): boolean {
  const [a, b] = [spans[first], spans[first + 1]]
  return a !== undefined && b !== undefined && b.end - a.start <= maxQuote
}

function joined(spans: readonly Span[], first: number): Span {
  return { start: spans[first]!.start, end: spans[first + 1]!.end }
}

/** For a claim without a common word: the window most similar to the question, or the beginning. */
function mostSimilarSpan({ text, start, windows }: Passage, spans: readonly Span[]): Span {
  const window = windows.toSorted((a, b) => b.similarity - a.similarity)[0]
  const first = window
    ? Math.max(
        0,
        spans.findIndex(span => span.end > window.start - start),
      )
    : 0
  const isWithin = window !== undefined && spans[first + 1] !== undefined && spans[first + 1]!.end <= window.end - start
  return isWithin && isPair(spans, first) ? joined(spans, first) : shortened(text, spans[first]!, () => 0)
}

/** A very long sentence is cut between words, to the part with the highest weight. */
function shortened(text: string, { start, end }: Span, weigh: (part: string) => number): Span {
  if (end - start <= maxQuote) return { start, end }
  const words = Array.from(text.slice(start, end).matchAll(/\S+/gu), match => ({
    start: start + match.index,
    end: start + match.index + match[0].length,
  }))
  // Half a quote between candidates is fine enough; a passage can be one long line.
  const starts = words.filter(
    (word, i) => i === 0 || Math.floor((word.start - start) / 150) > Math.floor((words[i - 1]!.start - start) / 150),
  )
  const parts = starts.map(first => ({ start: first.start, end: lastEnd(text, words, first.start) }))
  const weights = parts.map(part => weigh(text.slice(part.start, part.end)))
  return parts[weights.indexOf(Math.max(...weights))]!
}

function lastEnd(text: string, words: readonly Span[], start: number): number {
  const limit = start + maxQuote
  const whole = words.findLast(word => word.start >= start && word.end <= limit)
  if (whole) return whole.end
  // A script without spaces, or no words at all: cut between two characters.
  return /[\ud800-\udbff]/.test(text.charAt(limit - 1)) ? limit - 1 : limit
}
