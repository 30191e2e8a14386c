/**
 * Recognizes a question typed in letters of another script than its language is written in: Russian or Kazakh in Latin
 * letters, or in the wrong keyboard layout. Spelling alone does not tell, since "student" is a word of many languages.
 * So each way to read the question is compared with the words that the collection has, and with function words. Nothing
 * is looked up for a question whose function words show that it is what it seems to be.
 */
import { isStopWord } from './analyze.ts'
import { fold, stripDiacritics } from './fold.ts'
import { inEnglishLayout, inRussianLayout, typedInCyrillic, typedInLatin } from './keyboard.ts'
import { cyrillicReadings, romanisedLanguages, romanisedWord } from './romanised.ts'
import { looksVietnamese } from './language.ts'
import { cyrillicLanguages, isLatin, scriptOf } from './scripts.ts'
import { stem } from './stem.ts'
import { stopWordLanguages } from './stop-words.ts'
import { tokenOf } from './tokens.ts'
import { createWordCache } from './word-cache.ts'

/** One way to read a question. */
export interface OtherLetters {
  /** The language it is in, if it was meant this way. */
  readonly language: string
  readonly words: readonly ReadWord[]
}

/** A word of the question as it was typed. */
interface TypedWord {
  /** Offsets into the question. */
  readonly start: number
  readonly end: number
  readonly typed: string
  readonly folded: string
  /** Languages of which it is a function word. */
  readonly stopIn: readonly string[]
}

interface ReadWord extends TypedWord {
  /** What it may be, the likeliest first. */
  readonly readings: readonly Reading[]
  /** Its terms as it was typed. */
  readonly typedTerms: readonly string[]
}

interface Reading {
  readonly text: string
  readonly term: string
  readonly isStop: boolean
}

/** A question in the letters of its language. */
export interface Respelled {
  readonly text: string
  readonly language: string
}

/** What is known about a question besides its text. */
export interface LetterHints {
  /** Languages of the collection. */
  readonly among: readonly string[]
  /** The language that the caller states. */
  readonly given?: string | undefined
}

/** Words beyond these add nothing to a decision, only terms to look up. */
const maxWords = 24

/**
 * The ways to read a question in other letters, to be decided by {@link respelled} with the words of the collection.
 * Empty for nearly all questions: the collection has no language for it, or function words show the language.
 */
export function otherLettersOf(text: string, { among, given }: LetterHints): readonly OtherLetters[] {
  const script = scriptOf(fold(text))
  const ways = script === 'Latin' ? fromLatin(text, among) : script === 'Cyrillic' ? fromCyrillic(text, among) : []
  return ways
    .filter(({ language }) => given === undefined || given === language)
    .map(way => readAs(text, way))
    .filter(way => way.words.length > 0 && (given !== undefined || stopsRead(way) >= stopsTyped(way.words) / 2))
}

interface Way {
  readonly language: string
  /** Matches the words of the question. */
  readonly words: RegExp
  readonly read: (word: string) => readonly string[]
  /** Languages of the collection in the letters that were typed. */
  readonly typedAs: readonly string[]
}

function fromLatin(text: string, among: readonly string[]): Way[] {
  if (!among.some(language => cyrillicLanguages.has(language))) return []
  if (stopsTyped(typedWords(text, romanisedWord)) >= plainly) return []
  const typedAs = among.filter(isLatin)
  const romanised = romanisedLanguages.map(language => ({
    language,
    words: romanisedWord,
    read: (word: string) => cyrillicReadings(word, language),
    typedAs,
  }))
  const slipped = among
    .filter(language => language === 'ru' || language === 'kk')
    .map(language => ({ language, words: typedInLatin, layout: inRussianLayout, typedAs }))
  return [...slipped.filter(way => isSlip(text, way)).map(inLayout), ...romanised]
}

function fromCyrillic(text: string, among: readonly string[]): Way[] {
  const typedAs = among.filter(language => cyrillicLanguages.has(language))
  return among
    .filter(isLatin)
    .map(language => ({ language, words: typedInCyrillic, layout: inEnglishLayout, typedAs }))
    .filter(way => isSlip(text, way))
    .map(inLayout)
}

interface Slip extends Pick<Way, 'language' | 'words' | 'typedAs'> {
  readonly layout: (word: string) => string
}

function inLayout({ layout, ...way }: Slip): Way {
  return { ...way, read: word => [layout(word)] }
}

/** In the wrong layout a text has few vowels, and in the right one function words. */
function isSlip(text: string, { language, words, layout }: Slip): boolean {
  const typed = text.toLowerCase().match(words) ?? []
  const read = typed.map(layout)
  return (
    shareOfVowels(read) > shareOfVowels(typed) + 0.1 ||
    read.some(word => word.length >= 3 && isStopWord(fold(word), language))
  )
}

const vowels = /[aeiouyаеёиоуыэюяәөұүі]/gu

function shareOfVowels(words: readonly string[]): number {
  const text = words.join('')
  return (text.match(vowels)?.length ?? 0) / Math.max(1, text.match(/\p{L}/gu)?.length ?? 0)
}

function typedWords(text: string, words: RegExp): TypedWord[] {
  return Array.from(text.matchAll(words))
    .slice(0, maxWords)
    .map(({ 0: typed, index }) => {
      const folded = fold(typed)
      return { start: index, end: index + typed.length, typed, folded, stopIn: stopLanguages(folded) }
    })
}

/** The languages in the word's own script of which it is a function word, also without the marks of Vietnamese. */
function stopLanguages(folded: string): readonly string[] {
  const isLatinWord = /\p{Script=Latin}/u.test(folded)
  const word = tokenOf(folded).parts.join('')
  const unmarked = `~${stripDiacritics(word)}`
  return stopWordLanguages.filter(
    language => isLatin(language) === isLatinWord && (isStopWord(word, language) || isStopWord(unmarked, language)),
  )
}

function readAs(text: string, way: Way): OtherLetters {
  return {
    language: way.language,
    words: typedWords(text, way.words).map(word => ({
      ...word,
      readings: readingsOf(word.folded, way),
      typedTerms: typedTermsOf(word.folded, way.typedAs),
    })),
  }
}

const maxCachedWords = 2000
const romanisedCache = createWordCache<readonly Reading[]>(maxCachedWords)

/** Romanised words have many readings, and most words recur. */
function readingsOf(word: string, { language, words, read }: Way): readonly Reading[] {
  const cached = words === romanisedWord ? romanisedCache.get(language, word) : undefined
  if (cached) return cached
  const readings = read(word).map(text => {
    const folded = fold(text)
    const term = stem(folded, language)
    // The terms of Kazakh are without its own letters, as a function word may be typed.
    const isStop = isStopWord(folded, language) || (term.length === folded.length && isStopWord(term, language))
    return { text, term, isStop }
  })
  if (words === romanisedWord) romanisedCache.set(language, word, readings)
  return readings
}

/** A Latin word in a Russian text is stemmed as an English one, and a Cyrillic one in an English text as Russian. */
function typedTermsOf(folded: string, languages: readonly string[]): string[] {
  const word = tokenOf(folded).parts.join('')
  const terms = [...languages, 'en', 'ru'].map(language => stem(word, language))
  return [...new Set([...terms, `~${stripDiacritics(word)}`])]
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** A short function word of one language is often a word of another. */
function weightOfStop({ length }: string): number {
  return length >= 4 ? 1 : length === 3 ? 0.6 : length === 2 ? 0.25 : 0.1
}

/** With so much evidence from function words, a question is in the language it seems to be in. */
const plainly = 1.5

/** The function words of the language that has most of them. */
function stopsTyped(words: readonly TypedWord[]): number {
  const byLanguage = new Map<string, number>()
  for (const { folded, stopIn } of words)
    for (const language of stopIn) byLanguage.set(language, (byLanguage.get(language) ?? 0) + weightOfStop(folded))
  return Math.max(0, ...byLanguage.values())
}

function stopsRead({ words }: OtherLetters): number {
  return sum(words.map(stopEvidence))
}

/** Half for a word that is a function word as it was typed, too. */
function stopEvidence({ readings, folded, stopIn }: ReadWord): number {
  if (!readings.some(({ isStop }) => isStop)) return 0
  return stopIn.length === 0 ? weightOfStop(folded) : weightOfStop(folded) / 2
}

/** The terms whose presence in the collection decides. */
export function termsToKnow(ways: readonly OtherLetters[]): string[] {
  const words = ways.flatMap(way => way.words)
  return [...new Set(words.flatMap(({ readings, typedTerms }) => [...readings.map(({ term }) => term), ...typedTerms]))]
}

/** Short words match by chance. */
function weightOfKnown({ length }: string): number {
  return length >= 5 ? 1 : length === 4 ? 0.5 : 0
}

/** How much more speaks for a reading than for the words as typed. */
const clearly = 1.5
const leastEvidence = 1
/** Share of the letters that has to be in words of the language, if there is a function word, and if there is none. */
const leastShare = { withStop: 0.4, without: 0.9 } as const

/**
 * The question as it was meant, given which of {@link termsToKnow} the collection has; null when it was meant as it was
 * typed. A word that the collection has only as it was typed stays so ("IELTS").
 */
export function respelled(
  text: string,
  ways: readonly OtherLetters[],
  known: ReadonlySet<string>,
  given?: string,
): Respelled | null {
  let best: { readonly way: OtherLetters; readonly evidence: number } | undefined
  for (const way of ways) {
    const evidence = evidenceFor(way, known, given !== undefined)
    if (evidence > (best?.evidence ?? 0)) best = { way, evidence }
  }
  return best ? { text: written(text, best.way, known), language: best.way.language } : null
}

/** 0 when the question was not meant this way. */
function evidenceFor({ words }: OtherLetters, known: ReadonlySet<string>, isGiven: boolean): number {
  const isTyped = words.map(word => isKnownAsTyped(word, known))
  const isRead = words.map(word => isKnown(word, known))
  const read = words.map((word, i) =>
    Math.max(stopEvidence(word), isRead[i] && !isTyped[i] ? weightOfKnown(word.folded) : 0),
  )
  const evidence = sum(read)
  const against =
    stopsTyped(words) + sum(words.map(({ folded }, i) => (isTyped[i] && !isRead[i] ? weightOfKnown(folded) : 0)))
  if (isGiven) return evidence > against ? evidence : 0
  if (evidence < clearly * against || looksVietnamese(words.map(({ folded }) => folded))) return 0
  const hasOwnStop = words.some(isOwnStop)
  // Names and identifiers are the same in both.
  const asked = words.map(({ folded }, i) => (isTyped[i] && read[i] === 0 ? 0 : folded.length))
  const share = sum(asked.map((length, i) => (read[i]! > 0 ? length : 0))) / Math.max(1, sum(asked))
  const isEnough = evidence >= leastEvidence && share >= (hasOwnStop ? leastShare.withStop : leastShare.without)
  return isEnough || (against === 0 && isShownByStops(words)) ? evidence : 0
}

/** Whether function words alone show the language, where the collection has none of the other words. */
function isShownByStops(words: readonly ReadWord[]): boolean {
  const stops = words.filter(isOwnStop)
  const isClear = stops.some(({ folded }) => folded.length > 3) || (stops.length > 0 && words.length > 2)
  return isClear && words.length > 1 && !words.some(word => foreignShape.test(word.folded) && !stops.includes(word))
}

/** A function word of the language that is none as it was typed, and no accident of two letters. */
function isOwnStop({ folded, stopIn, readings }: ReadWord): boolean {
  return folded.length >= 3 && stopIn.length === 0 && readings.some(({ isStop }) => isStop)
}

/** Spellings that no transliteration has. */
const foreignShape = /[wqx]|th|ck|ph|ee|oo|gh|[bcdfgklmnprstvz]e$|'(?:s|re|ve|ll|d|m|t)$/

function isKnown({ readings }: ReadWord, known: ReadonlySet<string>): boolean {
  return readings.some(({ term }) => known.has(term))
}

function isKnownAsTyped({ typedTerms }: ReadWord, known: ReadonlySet<string>): boolean {
  return typedTerms.some(term => known.has(term))
}

function written(text: string, { words }: OtherLetters, known: ReadonlySet<string>): string {
  let [result, at] = ['', 0]
  for (const word of words) {
    result += text.slice(at, word.start) + chosen(word, known)
    at = word.end
  }
  return result + text.slice(at)
}

function chosen(word: ReadWord, known: ReadonlySet<string>): string {
  const reading = word.readings.find(each => known.has(each.term) || each.isStop)
  if (reading) return reading.text
  return isKnownAsTyped(word, known) ? word.typed : (word.readings[0]?.text ?? word.typed)
}
