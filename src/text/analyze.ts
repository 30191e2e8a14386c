/**
 * Turns text into the terms that are counted and compared. Documents and questions pass through the same function; they
 * differ only in which terms are used (`indexTerms`, `queryTerms`).
 */
import { fold, stripDiacritics } from './fold.ts'
import { joinedOf, joinsWords, splitsOf, type Split, type TypedWord } from './joined.ts'
import { withoutLinkTargets } from './links.ts'
import { notationsOf, type Notation } from './notations.ts'
import { hasScript } from './scripts.ts'
import { spellings } from './spellings.ts'
import { hasStemmer, stem } from './stem.ts'
import { stopWordLanguages, stopWords } from './stop-words.ts'
import { cut, tokenOf } from './tokens.ts'
import { createWordCache } from './word-cache.ts'

export interface Analysis {
  /** BCP 47 primary subtag of the rules used. */
  readonly language: string
  /** Stems in text order, with repeats, as BM25 counts them. */
  readonly terms: readonly string[]
  /**
   * The words without diacritics, for languages that are often typed without the diacritics that distinguish words:
   * Vietnamese. Empty for the others.
   */
  readonly folded: readonly string[]
  /**
   * Adjacent pairs of the folded words ("hoc_bong"), except two function words: most Vietnamese words are two
   * syllables, written apart. No other term has an underscore. Empty for other languages.
   */
  readonly pairs: readonly string[]
  /** Dates, provisions, codes: terms in addition to those of their words, equal however they are written. */
  readonly notations: readonly Notation[]
  /** Whether the text has letters with diacritics. A question without any was perhaps typed without them. */
  readonly hasDiacritics: boolean
  /** The analysis of each word, in order. */
  readonly words: readonly Word[]
}

/** The analysis of one word. */
export interface Word {
  /** The words inside it, folded but not stemmed; they correspond to the first of its terms. */
  readonly parts: readonly string[]
  readonly terms: readonly string[]
  readonly folded: readonly string[]
  readonly hasDiacritics: boolean
  readonly hasDigit: boolean
}

export interface QueryTerm {
  readonly term: string
  /**
   * How often it occurs in the question. Scores grow with it: without that, long questions lost 0.07 nDCG. A pair
   * counts half.
   */
  readonly count: number
  /** Neither a pair nor a function or question word. If a question has only those, all its words count as content. */
  readonly isContent: boolean
  /** A content word of letters only, long enough that a similar word is probably what was meant. */
  readonly isCorrectable: boolean
  /** Terms it may have been mistyped from that its own stem does not reveal (see `spellings`). */
  readonly spellings: readonly string[]
  /** What it is when it is written as one with a neighbour: a text with that has this word, too. */
  readonly joined: readonly string[]
  /** Ways to read it as two words, if no document has it. */
  readonly splits: readonly Split[]
  /** It may be a part of longer words: the language writes compounds as one word. */
  readonly isInCompounds: boolean
  /** Two words of the question written as one: searched where the collection has it. */
  readonly isJoin: boolean
  /** The notation that it is only a part of. Where the collection has that, it counts instead. */
  readonly within: string | null
  /** A notation: counts as content only where the collection has it, else its words do. */
  readonly standsIn: boolean
}

/** Distinguishes folded terms from others in the same index: no other term can start with it. */
const foldedMark = '~'
const pairMark = '_'
const foldedLanguages: ReadonlySet<string> = new Set(['vi'])

/**
 * The terms of a text in a language (BCP 47; only the primary subtag counts, and a language without rules is `und`).
 */
export function analyze(text: string, language: string): Analysis {
  const primary = ruledBy(language)
  const { text: plain, surfaces } = cut(withoutLinkTargets(text))
  const words = surfaces.map(surface => cachedWord(surface, primary))
  const folded = foldedLanguages.has(primary) ? words.flatMap(word => word.folded) : []
  return {
    language: primary,
    terms: words.flatMap(word => word.terms),
    folded,
    pairs: pairsOf(folded, primary),
    notations: notationsOf(plain, surfaces, words, primary),
    hasDiacritics: words.some(word => word.hasDiacritics),
    words,
  }
}

/** The terms a document is indexed under. */
export function indexTerms(analysis: Analysis): string[] {
  return [...analysis.terms, ...analysis.folded.map(marked), ...analysis.pairs, ...besides(analysis)]
}

/** The notations, with what each is a part of, that no word has as a term already. */
function besides({ notations, words }: Analysis): string[] {
  return notations.flatMap(({ term, wider, first, last }) => {
    const own = words.slice(first, last + 1).flatMap(({ terms }) => terms)
    return [term, ...wider].filter(each => !own.includes(each))
  })
}

/** What two texts are compared by: their words and notations. */
export function comparedTerms({ terms, notations }: Analysis): string[] {
  return [...terms, ...notations.flatMap(notationTerms)]
}

export function notationTerms({ term, wider }: Notation): string[] {
  return [term, ...wider]
}

/**
 * The search terms of a question: the words, folded if it was typed without diacritics (never both), and the pairs.
 * With pairs at half weight Vietnamese questions have nDCG@10 0.967 (0.962 without), and those typed without diacritics
 * 0.962 (0.937 without, 0.958 at full weight).
 */
export function queryTerms(analysis: Analysis): QueryTerm[] {
  const { pairs, notations } = analysis
  const words = wordTerms(analysis)
  const beside = new Set(notations.map(({ term }) => term))
  const known = new Set(words.map(({ term }) => term))
  const joins = new Set(words.flatMap(({ joined }) => joined)).difference(known)
  return [
    ...words.map(word => (beside.has(word.term) ? { ...word, ...notation } : word)),
    // It counts as often as the words that it stands for.
    ...Array.from(beside.difference(known), term => ({
      term,
      count: Math.max(1, words.filter(({ within }) => within === term).length),
      isContent: true,
      ...notation,
    })),
    ...Array.from(joins, term => ({
      term,
      count: 1,
      isContent: false,
      ...notation,
      standsIn: false,
      isJoin: true,
    })),
    ...Array.from(countOf(pairs), ([term, count]) => ({
      term,
      count: count / 2,
      isContent: false,
      ...notation,
      standsIn: false,
    })),
  ]
}

const notation = {
  isCorrectable: false,
  spellings: [],
  joined: [],
  splits: [],
  isInCompounds: false,
  isJoin: false,
  within: null,
  standsIn: true,
} as const

/** The terms that only occur inside a notation, with it. */
function withinOf({ words, notations }: Analysis, asTyped: boolean): ReadonlyMap<string, string> {
  const termsOf = (from: number, to?: number) =>
    words.slice(from, to).flatMap(({ terms, folded }) => (asTyped ? terms : folded.map(marked)))
  const within = new Map<string, string>()
  let next = 0
  const outside: string[] = []
  for (const { term, first, last } of notations) {
    if (first >= next) outside.push(...termsOf(next, first))
    next = last + 1
    for (const part of termsOf(first, next)) if (part !== term && !within.has(part)) within.set(part, term)
  }
  for (const term of [...outside, ...termsOf(next)]) within.delete(term)
  return within
}

function wordTerms(analysis: Analysis): QueryTerm[] {
  const { language, terms, folded, hasDiacritics, words } = analysis
  const asTyped = hasDiacritics || folded.length === 0
  const within = withinOf(analysis, asTyped)
  const counts = countOf(asTyped ? terms : folded.map(marked))
  const typed = new Map(
    asTyped ? words.flatMap(({ parts, terms }) => parts.map((part, i) => [terms[i] ?? part, part])) : [],
  )
  const isStop = (term: string) => isStopWord(term, language)
  const hasContent = counts.keys().some(term => !isStop(term))
  const joined = joinedIn(analysis, isStop)
  let spelled = 0
  return Array.from(counts, ([term, count]) => {
    const isContent = !hasContent || !isStop(term)
    const isCorrectable = isContent && correctable.test(term)
    const mayBeSpelled = isCorrectable && spelled++ < maxSpelled
    return {
      term,
      count,
      isContent,
      isCorrectable,
      spellings: mayBeSpelled ? spellings(typed.get(term) ?? '', term, language) : [],
      joined: joined.get(term) ?? [],
      splits: mayBeSpelled ? splitsOf({ typed: typed.get(term) ?? '', term }, language, isStop) : [],
      isInCompounds: mayBeSpelled && joinsWords(language) && term.length >= shortestInCompounds,
      isJoin: false,
      within: within.get(term) ?? null,
      standsIn: false,
    }
  })
}

/** Shorter words are in too many others by chance. */
const shortestInCompounds = 5

/** Of "Wi-Fi" the term of the whole, "wifi". */
function wholeOf({ parts, terms }: Word): string | undefined {
  return parts.length > 1 && parts.every(part => letters.test(part)) ? terms[parts.length] : undefined
}

const letters = /^\p{L}+$/u

/** For the terms of a question, what they are together with a neighbour, or within the word that they are a part of. */
function joinedIn({ words, language }: Analysis, isStop: (term: string) => boolean): ReadonlyMap<string, string[]> {
  const joined = new Map<string, string[]>()
  const add = (term: string, other: string) => {
    if (other !== term) joined.set(term, [...(joined.get(term) ?? []), other])
  }
  let previous: TypedWord | undefined
  for (const word of words.slice(0, maxJoined)) {
    const whole = wholeOf(word)
    if (whole !== undefined) for (const term of word.terms.slice(0, word.parts.length)) add(term, whole)
    const single =
      word.parts.length === 1 && word.terms.length === 1 ? { typed: word.parts[0]!, term: word.terms[0]! } : undefined
    const one = previous && single && joinedOf([previous, single], language, isStop)
    if (one) for (const { term } of [previous!, single!]) add(term, one)
    previous = single
  }
  return joined
}

/** The first words of a question that may be written joined with their neighbours. */
const maxJoined = 40

/**
 * How many words of a question get other spellings. Six that no document contains are corrected, and only the database
 * knows which. Without a limit, an essay of 4,000 characters would have its 700 words stemmed 10,000 times.
 */
const maxSpelled = 40

/** Whether a term is a pair of adjacent words. */
export function isPair(term: string): boolean {
  return term.includes(pairMark)
}

/** Shorter words are all similar to each other. */
const correctable = /^~?(?:\p{L}\p{M}*){3,}$/u

const marked = (term: string): string => foldedMark + term

function countOf(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1)
  return counts
}

/**
 * Whether a term (or a folded word) is a function or question word of the language; for a pair, whether both words are.
 */
export function isStopWord(term: string, language: string): boolean {
  const stops = stopTerms(language)
  return isPair(term) ? term.split(pairMark).every(word => stops.has(marked(word))) : stops.has(term)
}

const listed: ReadonlySet<string> = new Set(stopWordLanguages)
const none: ReadonlySet<string> = new Set()
/** Cached only for languages that have a list. */
const stopTermsOf = new Map<string, ReadonlySet<string>>()

function stopTerms(language: string): ReadonlySet<string> {
  const known = stopTermsOf.get(language)
  if (known) return known
  if (!listed.has(language)) return none
  const words = stopWords(language).map(fold)
  const forms = foldedLanguages.has(language) ? words.map(word => marked(stripDiacritics(word))) : []
  const stops = new Set([...words, ...words.map(word => stem(word, language)), ...forms])
  stopTermsOf.set(language, stops)
  return stops
}

function pairsOf(words: readonly string[], language: string): string[] {
  const isStop = words.map(word => isStopWord(marked(word), language))
  return words
    .slice(1)
    .flatMap((word, i) => (isStop[i] && isStop[i + 1] ? [] : [shortened(`${words[i]}${pairMark}${word}`)]))
}

/** A longer "word" is a key or encoded bytes. At four bytes per letter this stays below every index limit. */
const maxLetters = 60
/** Some stemmers take time quadratic in the length of a word. */
const longestStemmed = 4 * maxLetters

function shortened(term: string, letters = maxLetters): string {
  return term.length <= letters
    ? term
    : term
        .slice(0, letters)
        .toWellFormed()
        .replace(/\ufffd$/, '')
}

const digit = /\p{Nd}/u

function wordOf(surface: string, language: string): Word {
  const token = tokenOf(surface)
  // A combining overline ("‾", U+305) counts as a letter of scripts without spaces, and leaves no term.
  const [parts, wholes] = [token.parts, token.wholes].map(words =>
    words.filter(word => stripDiacritics(word) !== ''),
  ) as [string[], string[]]
  // A longer word loses its end, and with it its ending.
  const termOf = (word: string) => shortened(stem(shortened(word, longestStemmed), language))
  const terms = parts.map(termOf)
  const own = new Set(terms)
  return {
    parts,
    terms: [...terms, ...wholes.map(termOf).filter(whole => !own.has(whole))],
    folded: parts.map(part => shortened(stripDiacritics(part))),
    hasDiacritics: stripDiacritics(surface) !== surface,
    hasDigit: digit.test(surface),
  }
}

/** Most of a text consists of a few thousand distinct words. */
const maxCachedWords = 40_000
const wordCache = createWordCache<Word>(maxCachedWords)
/**
 * A longer slice keeps its whole source text in memory (V8 copies shorter ones), so it is copied before use as a key.
 */
const longestCopy = 12
/** Longer words hardly ever recur. */
const maxKey = 40

/** `wordOf`, with a cache of words seen before. */
function cachedWord(surface: string, language: string): Word {
  if (surface.length > maxKey) return wordOf(surface, language)
  const cached = wordCache.get(language, surface)
  if (cached) return cached
  const key = surface.length > longestCopy ? copyOf(surface) : surface
  const word = wordOf(key, language)
  wordCache.set(language, key, word)
  return word
}

function copyOf(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}

/** Size of the caches that outlive a text: words, and languages with a set of function words. */
export function analysisCacheSize(): { readonly words: number; readonly stopLists: number } {
  return { words: wordCache.size(), stopLists: stopTermsOf.size }
}

/** The language whose rules apply. Callers may name any language: those without rules are treated as one. */
function ruledBy(language: string): string {
  const primary = language.toLowerCase().split('-')[0] ?? ''
  return hasStemmer(primary) || hasScript(primary) || listed.has(primary) ? primary : 'und'
}
