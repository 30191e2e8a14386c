import { analyze, comparedTerms, notationTerms } from '../../text/analyze.ts'
import { unitsOf } from '../../text/units.ts'
import type { Passage, AnalyzedQuestion } from '../terms.ts'

export interface ScoredSentence {
  readonly passageIndex: number
  /** Position among the passage's sentences and blocks of code. */
  readonly position: number
  /** Offsets into the passage's text. */
  readonly start: number
  readonly end: number
  readonly text: string
  readonly kind: 'sentence' | 'heading' | 'code'
  /** Words of the question that it contains. */
  readonly found: ReadonlySet<string>
  readonly terms: ReadonlySet<string>
  /** 0…1, comparable within one question. */
  readonly score: number
  /** Whether an answer may begin with it. Headings, code, questions and fragments do not answer. */
  readonly isSeed: boolean
  readonly followsBlank: boolean
}

/**
 * Weights of the signals: the question's words in the sentence, adjacent as asked, in its heading, its meaning, the
 * rank of its passage, and being the first sentence.
 */
const weights = { words: 0.2, pairs: 0.1, heading: 0.2, meaning: 0.1, rank: 0.35, lead: 0.05 } as const
const shortestSeed = 25

type Unscored = Omit<ScoredSentence, 'score' | 'found'> & {
  readonly similarity: number | null
  readonly isLead: boolean
}

/**
 * Every sentence of the passages with its score. Words count by how rare they are among these sentences: a word in all
 * of them ("fastify" in Fastify's manual) does not show which one answers.
 */
export function scoredSentences(asked: AnalyzedQuestion, passages: readonly Passage[]): ScoredSentence[] {
  const isFolded = asked.terms.some(({ term }) => term.startsWith('~'))
  const all = passages.flatMap((passage, index) => sentencesOf(passage, index, isFolded))
  const counts = wantedOf(asked, all)
  const wanted = new Set(counts.keys())
  const pairs = pairsOf([...wanted])
  const titles = passages.map(passage => titleOf(passage, isFolded))
  const rarity = raritiesOf(counts, all, titles)
  const total = sum(rarity.values())
  const similarities = all.flatMap(each => (each.similarity === null ? [] : [each.similarity]))
  const [low, high] = [Math.min(...similarities), Math.max(...similarities)]
  const ranks = rankScores(passages)

  return all.map(({ similarity, isLead, ...each }) => {
    const found = wanted.intersection(each.terms)
    const words = share(rarity, found, total)
    const heading = headingScore(wanted, rarity, total, titles[each.passageIndex] ?? noTitle)
    const meaning = similarity === null || high <= low ? 0 : (similarity - low) / (high - low)
    const rank = ranks[each.passageIndex] ?? 0
    // Position alone must not make an answer of a sentence that shares nothing with the question, not even in its
    // heading.
    const isAbout = words > 0 || heading > 0 || meaning > 0.5
    const parts =
      weights.words * words +
      weights.pairs * adjacency(pairs, each.terms) +
      weights.heading * heading +
      weights.meaning * meaning +
      weights.rank * rank
    return { ...each, found, score: isAbout ? parts + (isLead ? weights.lead : 0) : 0 }
  })
}

/**
 * The question's own words if the passages contain any of them. Words borrowed from earlier turns only served to find
 * them.
 */
function wantedOf({ own, terms }: AnalyzedQuestion, all: readonly Unscored[]): ReadonlyMap<string, number> {
  const held = new Set(all.flatMap(each => [...each.terms]))
  const isHeld = own.some(({ term, isContent }) => isContent && held.has(term))
  const asked = isHeld ? own : terms
  // A date or provision counts as one where a sentence has it, however written, else by its words.
  const content = asked.filter(
    ({ term, isContent, within, standsIn }) =>
      isContent && (!standsIn || held.has(term)) && (!within || !held.has(within)),
  )
  return new Map((content.length > 0 ? content : asked).map(({ term, count }) => [term, count]))
}

function sentencesOf(passage: Passage, passageIndex: number, isFolded: boolean): Unscored[] {
  const { text, language } = passage
  let isLead = true
  return unitsOf(text, { start: 0, end: text.length }, language).map((unit, position): Unscored => {
    const own = text.slice(unit.start, unit.end)
    const kind = unit.kind === 'code' ? 'code' : isHeading(own, passage.title) ? 'heading' : 'sentence'
    const isSeed = kind === 'sentence' && own.length >= shortestSeed && !/[?？]$/.test(own)
    const sentence = {
      passageIndex,
      position,
      start: unit.start,
      end: unit.end,
      text: own,
      kind,
      terms: kind === 'code' ? new Set<string>() : termsOf(own, language, isFolded),
      similarity: similarityAt(passage, unit.start, unit.end),
      isSeed,
      isLead: isLead && isSeed,
      followsBlank: /\n[^\S\n]*\n[^\S\n]*$/.test(text.slice(Math.max(0, unit.start - 20), unit.start)),
    } as const
    if (isSeed) isLead = false
    return sentence
  })
}

/**
 * 1 for the best passage, 0 from half its score down: retrieval knows more about where the answer is than any single
 * sentence. Parts of one section belong together, so each counts as much as the best of them.
 */
function rankScores(passages: readonly Passage[]): number[] {
  const section = (passage: Passage) => `${passage.documentId} ${passage.title}`
  const best = new Map<string, number>()
  for (const [position, passage] of passages.entries())
    best.set(section(passage), Math.max(best.get(section(passage)) ?? 0, scoreOf(passage, position)))
  const top = Math.max(...best.values())
  return passages.map(passage => (top > 0 ? Math.max(0, (2 * (best.get(section(passage)) ?? 0)) / top - 1) : 0))
}

/** A reranker has its own scale, so only the order counts. */
function scoreOf({ scores }: Passage, position: number): number {
  return scores.rerank === undefined ? scores.fused : 1 / (1 + position)
}

/** Adjacent words of the question: "404 handler" in "change the 404 handler". */
function pairsOf(words: readonly string[]): [string, string][] {
  return words.slice(1).map((word, i) => [words[i] ?? '', word])
}

/** Share of the pairs that the sentence contains next to each other; one word in between is allowed. */
function adjacency(pairs: readonly [string, string][], terms: ReadonlySet<string>): number {
  if (pairs.length === 0) return 0
  const positions = new Map(Array.from(terms, (term, position) => [term, position]))
  const isAdjacent = ([a, b]: [string, string]) =>
    Math.abs((positions.get(a) ?? Infinity) - (positions.get(b) ?? -Infinity)) <= 2
  return pairs.filter(isAdjacent).length / pairs.length
}

/** A line that repeats the passage's title, or that does not end like a sentence. */
function isHeading(text: string, title: string): boolean {
  return (
    text.length <= 120 &&
    !text.includes('\n') &&
    !/[.!?。！？:;,]$/.test(text) &&
    (title.includes(text) || !/\s/.test(text))
  )
}

function termsOf(text: string, language: string, isFolded: boolean): ReadonlySet<string> {
  const analysis = analyze(text, language)
  if (!isFolded) return new Set(comparedTerms(analysis))
  return new Set([...analysis.folded.map(term => `~${term}`), ...analysis.notations.flatMap(notationTerms)])
}

interface Title {
  readonly all: ReadonlySet<string>
  readonly last: ReadonlySet<string>
}

const noTitle: Title = { all: new Set(), last: new Set() }

function titleOf({ title, language }: Passage, isFolded: boolean): Title {
  const last = title.slice(title.lastIndexOf(' › ') + 1)
  return { all: termsOf(title, language, isFolded), last: termsOf(last, language, isFolded) }
}

/**
 * How much of the question is in the headings above a sentence. The nearest heading counts most, and of two with the
 * asked words the one with fewer other words wins ("onClose" before "onClose › Execution order").
 */
function headingScore(
  wanted: ReadonlySet<string>,
  rarity: ReadonlyMap<string, number>,
  total: number,
  { all, last }: Title,
): number {
  const inLast = wanted.intersection(last)
  const recall = share(rarity, inLast, total)
  const precision = last.size === 0 ? 0 : inLast.size / last.size
  const nearest = recall + precision === 0 ? 0 : (2 * recall * precision) / (recall + precision)
  return 0.7 * nearest + 0.3 * share(rarity, wanted.intersection(all), total)
}

/** Similarity of the window that contains the middle of the sentence. */
function similarityAt(passage: Passage, start: number, end: number): number | null {
  const middle = passage.start + (start + end) / 2
  const window = passage.windows.find(each => each.start <= middle && middle <= each.end)
  return window?.similarity ?? null
}

/** How informative each asked word is: by how few sentences contain it and how often it was asked. */
function raritiesOf(
  counts: ReadonlyMap<string, number>,
  all: readonly Unscored[],
  titles: readonly Title[],
): Map<string, number> {
  return new Map(
    Array.from(counts, ([term, asked]) => {
      const count = all.filter(each => each.terms.has(term) || titles[each.passageIndex]?.all.has(term)).length
      return [term, count === 0 ? 0 : asked * Math.log(1 + (all.length - count + 0.5) / (count + 0.5))]
    }),
  )
}

function share(rarity: ReadonlyMap<string, number>, terms: ReadonlySet<string>, total: number): number {
  if (total === 0) return 0
  return sum(Array.from(terms, term => rarity.get(term) ?? 0)) / total
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
