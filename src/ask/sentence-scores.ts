import { analyze } from '../text/analyze.ts'
import { sentences } from '../text/sentences.ts'
import type { Passage } from './terms.ts'
import type { Understood } from './understand.ts'

export interface ScoredSentence {
  readonly passageIndex: number
  /** Place among the passage's sentences. */
  readonly place: number
  /** Offsets into the passage's text. */
  readonly start: number
  readonly end: number
  readonly text: string
  readonly terms: ReadonlySet<string>
  readonly score: number
  /** May an answer begin with it? Headings, questions and fragments don't answer. */
  readonly isSeed: boolean
  readonly isHeading: boolean
  readonly followsBlank: boolean
}

/** What makes a sentence answer: its own words, its heading's words, its meaning, its passage's rank. */
const weights = { words: 0.45, heading: 0.15, meaning: 0.2, rank: 0.2 } as const
const shortestSeed = 25

type Unscored = Omit<ScoredSentence, 'score'> & { readonly titleTerms: ReadonlySet<string>; readonly similarity: number | null }

/**
 * Every sentence of the passages with its score. Words count by how rare they are among these sentences: a word
 * in all of them ("fastify" in Fastify's manual) does not tell which one answers.
 */
export function scoredSentences(asked: Understood, passages: readonly Passage[]): ScoredSentence[] {
  const content = asked.terms.filter(term => term.isContent)
  const wanted = new Set((content.length > 0 ? content : asked.terms).map(({ term }) => term))
  const all = passages.flatMap((passage, index) => sentencesOf(passage, index, asked.terms.some(({ term }) => term.startsWith('~'))))
  const rarity = raritiesOf(wanted, all)
  const total = sum(rarity.values())
  const similarities = all.flatMap(each => (each.similarity === null ? [] : [each.similarity]))
  const [low, high] = [Math.min(...similarities), Math.max(...similarities)]
  const topFused = Math.max(...passages.map(passage => passage.scores.fused))

  return all.map(({ titleTerms, similarity, ...each }) => {
    const words = share(rarity, each.terms, total)
    const heading = share(rarity, titleTerms.difference(each.terms), total)
    const meaning = similarity === null || high <= low ? 0 : (similarity - low) / (high - low)
    const rank = topFused > 0 ? (passages[each.passageIndex]?.scores.fused ?? 0) / topFused : 0
    // A sentence with nothing of the question in it or above it is not made an answer by its place alone.
    const isAbout = words > 0 || heading > 0 || meaning > 0.5
    return { ...each, score: isAbout ? weights.words * words + weights.heading * heading + weights.meaning * meaning + weights.rank * rank : 0 }
  })
}

function sentencesOf(passage: Passage, passageIndex: number, isFolded: boolean): Unscored[] {
  const titleTerms = termsOf(passage.title, passage.language, isFolded)
  return sentences(passage.text, passage.language).map(({ start, end }, place): Unscored => {
    const text = passage.text.slice(start, end)
    const isHeading = text.length <= 120 && !/[.!?。！？:;]$/.test(text) && passage.title.includes(text)
    return {
      passageIndex,
      place,
      start,
      end,
      text,
      terms: termsOf(text, passage.language, isFolded),
      titleTerms,
      similarity: similarityAt(passage, start, end),
      isHeading,
      isSeed: !isHeading && text.length >= shortestSeed && !/[?？]$/.test(text),
      followsBlank: /\n[^\S\n]*\n[^\S\n]*$/.test(passage.text.slice(Math.max(0, start - 20), start)),
    }
  })
}

function termsOf(text: string, language: string, isFolded: boolean): ReadonlySet<string> {
  const analysis = analyze(text, language)
  return new Set(isFolded ? analysis.folded.map(term => `~${term}`) : analysis.terms)
}

/** Of the window that holds most of the sentence. */
function similarityAt(passage: Passage, start: number, end: number): number | null {
  const middle = passage.start + (start + end) / 2
  const window = passage.windows.find(each => each.start <= middle && middle <= each.end)
  return window?.similarity ?? null
}

function raritiesOf(wanted: ReadonlySet<string>, all: readonly Unscored[]): Map<string, number> {
  return new Map(Array.from(wanted, term => {
    const count = all.filter(each => each.terms.has(term) || each.titleTerms.has(term)).length
    return [term, count === 0 ? 0 : Math.log(1 + (all.length - count + 0.5) / (count + 0.5))]
  }))
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
