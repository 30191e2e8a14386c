/**
 * From text to the terms that are counted and compared. Documents and questions pass through the same function;
 * what differs is only which of the terms are used (`indexTerms`, `queryTerms`).
 */
import { fold, stripDiacritics } from './fold.ts'
import { hasScript } from './scripts.ts'
import { spellings } from './spellings.ts'
import { hasStemmer, stem } from './stem.ts'
import { stopWordLanguages, stopWords } from './stop-words.ts'
import { chunks, tokenOf } from './tokens.ts'
import { createWordMemory } from './word-memory.ts'

export interface Analysis {
  /** BCP 47 primary subtag whose rules were used. */
  readonly language: string
  /** Stems in text order, with repeats: what BM25 counts. */
  readonly terms: readonly string[]
  /**
   * The words without diacritics, for languages that people type without the diacritics that tell words apart:
   * Vietnamese. Empty for the others.
   */
  readonly folded: readonly string[]
  /**
   * Their neighbouring pairs ("hoc_bong") but those of two function words: a Vietnamese word is mostly two syllables,
   * written apart. No other term has an underscore. Empty for the others.
   */
  readonly pairs: readonly string[]
  /** Whether the text has letters with diacritics: a question without any was perhaps typed without them. */
  readonly hasDiacritics: boolean
  /** What each word of the text came to, in order. */
  readonly words: readonly Word[]
}

/** What one word of a text comes to. */
export interface Word {
  /** The words inside it, folded and not yet stemmed; they are the first of its terms. */
  readonly parts: readonly string[]
  readonly terms: readonly string[]
  readonly folded: readonly string[]
  readonly hasDiacritics: boolean
}

export interface QueryTerm {
  readonly term: string
  /** How often the question says it. Scores grow with it: without, long questions lost .07 nDCG. A pair counts half. */
  readonly count: number
  /** Not a pair, nor a function or question word. A question of nothing else has only content words. */
  readonly isContent: boolean
  /** A content word of letters only, long enough that another word near it is probably what was meant. */
  readonly isCorrectable: boolean
  /** Terms it may have been mistyped from that its own stem does not show (see `spellings`). */
  readonly spellings: readonly string[]
}

/** Sets folded terms apart from others in the same index: no other term can start with it. */
const foldedMark = '~'
const pairMark = '_'
const foldedLanguages: ReadonlySet<string> = new Set(['vi'])

/** The terms of a text in a language (BCP 47; only the primary subtag counts, and one without rules of its own is `und`). */
export function analyze(text: string, language: string): Analysis {
  const primary = ruledBy(language)
  const words = chunks(text).map(surface => remembered(surface, primary))
  const folded = foldedLanguages.has(primary) ? words.flatMap(word => word.folded) : []
  return {
    language: primary,
    terms: words.flatMap(word => word.terms),
    folded,
    pairs: pairsOf(folded, primary),
    hasDiacritics: words.some(word => word.hasDiacritics),
    words,
  }
}

/** The terms under which a document is found. */
export function indexTerms(analysis: Analysis): string[] {
  return [...analysis.terms, ...analysis.folded.map(marked), ...analysis.pairs]
}

/**
 * The terms that a question looks for: the words, folded if it was typed without diacritics (never both), and the
 * pairs. With the pairs at half weight Vietnamese questions have nDCG@10 .967 (.962 without), and those typed without
 * diacritics .962 (.937 without, .958 at full weight).
 */
export function queryTerms(analysis: Analysis): QueryTerm[] {
  const { pairs } = analysis
  return [
    ...wordTerms(analysis),
    ...Array.from(countOf(pairs), ([term, count]) => ({
      term,
      count: count / 2,
      isContent: false,
      isCorrectable: false,
      spellings: [],
    })),
  ]
}

function wordTerms({ language, terms, folded, hasDiacritics, words }: Analysis): QueryTerm[] {
  const asTyped = hasDiacritics || folded.length === 0
  const counts = countOf(asTyped ? terms : folded.map(marked))
  const typed = new Map(
    asTyped ? words.flatMap(({ parts, terms }) => parts.map((part, i) => [terms[i] ?? part, part])) : [],
  )
  const isStop = (term: string) => isStopWord(term, language)
  const hasContent = counts.keys().some(term => !isStop(term))
  let spelled = 0
  return Array.from(counts, ([term, count]) => {
    const isContent = !hasContent || !isStop(term)
    const isCorrectable = isContent && correctable.test(term)
    const mayBeSpelled = isCorrectable && spelled++ < mostSpelled
    return {
      term,
      count,
      isContent,
      isCorrectable,
      spellings: mayBeSpelled ? spellings(typed.get(term) ?? '', term, language) : [],
    }
  })
}

/**
 * Of a question's words, as many as get other spellings: six that no document has are corrected, and which those are
 * only the database knows. An essay of 4,000 characters would have its 700 words stemmed 10,000 times.
 */
const mostSpelled = 40

/** Whether a term is two neighbouring words. */
export function isPair(term: string): boolean {
  return term.includes(pairMark)
}

/** With fewer letters, every word is near every other. */
const correctable = /^~?(?:\p{L}\p{M}*){3,}$/u

const marked = (term: string): string => foldedMark + term

function countOf(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1)
  return counts
}

/** Whether a term (or a folded word) is a function or question word of the language; of a pair, whether both are. */
export function isStopWord(term: string, language: string): boolean {
  const stops = stopTerms(language)
  return isPair(term) ? term.split(pairMark).every(word => stops.has(marked(word))) : stops.has(term)
}

const listed: ReadonlySet<string> = new Set(stopWordLanguages)
const none: ReadonlySet<string> = new Set()
/** Only of languages that have a list. */
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

/** Beyond this a "word" is a key or encoded bytes. Four bytes a letter at most: below every limit of an index. */
const maxLetters = 60
/** Some stemmers take time quadratic in a word's length. */
const longestStemmed = 4 * maxLetters

function shortened(term: string, letters = maxLetters): string {
  return term.length <= letters
    ? term
    : term
        .slice(0, letters)
        .toWellFormed()
        .replace(/\ufffd$/, '')
}

function wordOf(surface: string, language: string): Word {
  const token = tokenOf(surface)
  // A line over nothing ("‾", U+305) counts as a letter of scripts without spaces, and leaves no term behind.
  const [parts, wholes] = [token.parts, token.wholes].map(words =>
    words.filter(word => stripDiacritics(word) !== ''),
  ) as [string[], string[]]
  // The end of a longer one is cut off with its ending.
  const termOf = (word: string) => shortened(stem(shortened(word, longestStemmed), language))
  const terms = parts.map(termOf)
  const own = new Set(terms)
  return {
    parts,
    terms: [...terms, ...wholes.map(termOf).filter(whole => !own.has(whole))],
    folded: parts.map(part => shortened(stripDiacritics(part))),
    hasDiacritics: stripDiacritics(surface) !== surface,
  }
}

/** Most of a text is a few thousand words. */
const mostRemembered = 40_000
const memory = createWordMemory<Word>(mostRemembered)
/** A longer slice of a text keeps the whole text in memory (V8 copies up to this length), so it is copied to be a key. */
const longestCopy = 12
/** What is longer is hardly met again. */
const maxKey = 40

/** `wordOf`, with the words met before. */
function remembered(surface: string, language: string): Word {
  if (surface.length > maxKey) return wordOf(surface, language)
  const before = memory.recall(language, surface)
  if (before) return before
  const key = surface.length > longestCopy ? copyOf(surface) : surface
  const word = wordOf(key, language)
  memory.keep(language, key, word)
  return word
}

function copyOf(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}

/** How much is kept from one text to the next: words, and languages with a set of function words. */
export function analysisMemory(): { readonly words: number; readonly stopLists: number } {
  return { words: memory.size(), stopLists: stopTermsOf.size }
}

/** The language by whose rules a text is read. Callers name languages as they like: those that we know nothing of are one. */
function ruledBy(language: string): string {
  const primary = language.toLowerCase().split('-')[0] ?? ''
  return hasStemmer(primary) || hasScript(primary) || listed.has(primary) ? primary : 'und'
}
