/**
 * Detects the language of a text: by its script and letters where they decide, else by a library's letter statistics,
 * weighted with the text's function words and the languages to be expected. Statistics alone guess wildly on two or
 * three words ("pool size" becomes Estonian), and questions are short.
 */
import { detectAll } from 'tinyld'
import { fold, foldKazakh, stripDiacritics } from './fold.ts'
import { withoutAddresses } from './links.ts'
import { isLatin, isWrittenIn, type Script, scriptLanguages, scriptOf } from './scripts.ts'
import { stopWordLanguages, stopWords } from './stop-words.ts'

export interface LanguageHints {
  /** Languages of the collection: what a short text is probably in. */
  readonly among?: readonly string[]
  /** Result for a text without any hint, such as digits; `und` by default. */
  readonly fallback?: string
}

/**
 * What is no word of a language: addresses, code, mark-up, words with digits or signs ("ERR_CONN_42", "v2.1"). The
 * library takes a "|" for Hindi and a URL for whatever it resembles. The letters before a sign are limited, because
 * scripts without spaces have "words" of any length, which would be searched again from each of their letters.
 */
const noWords =
  /```[\s\S]*?(?:```|$)|`[^`\n]*`|<[^<>\n]{1,200}>|(?:https?:\/\/|www\.)\S+|\S{1,100}@\S+|\S{0,100}[\p{N}_=\\/{}<>$]\S*|[^\p{L}\p{M}\s'’.,!?;:-]+/gu

/** The words of a text, or all of it when nothing else is left ("hnsw.ef_search"). */
function spokenOf(text: string): string {
  const words = text.replace(noWords, ' ').replace(/\s+/g, ' ')
  return /\p{L}{2}/u.test(words) ? words : text
}

/** Enough to detect a language, and limits the work on a book to about 1 ms. */
const sampleLength = 2000
const searchedLength = 4 * sampleLength

/** The BCP 47 primary subtag of a text's language; `und` only for a text without letters. */
export function detectLanguage(text: string, { among = [], fallback = 'und' }: LanguageHints = {}): string {
  const sample = sampleOf(text)
  const expected = among.map(primary)
  const script = scriptOf(sample)
  if (script === undefined) return fallback
  if (script === 'Latin') return latin(sample, expected)
  if (script === 'Cyrillic') return cyrillic(sample, expected)
  return byScript(script, sample, expected) ?? expected[0] ?? fallback
}

/** The first words, wherever they begin: a long table of numbers may come before them. */
function sampleOf(text: string): string {
  return fold(spokenOf(withoutAddresses(text.slice(0, searchedLength))).slice(0, sampleLength))
}

function primary(language: string): string {
  return language.toLowerCase().split('-')[0] || 'und'
}

function byScript(
  script: Exclude<Script, 'Latin' | 'Cyrillic'>,
  sample: string,
  expected: readonly string[],
): string | undefined {
  if (script === 'Arabic') return arabic(sample, expected)
  if (script === 'Devanagari')
    return mostLikely(sample, scriptLanguages.Devanagari, expectation(sample, expected, expectedWeight.other))
  if (script === 'Other') return undefined
  const [usual, ...others]: readonly string[] = scriptLanguages[script]
  if (usual !== undefined && expected.includes(usual)) return usual
  return others.find(language => expected.includes(language)) ?? usual
}

function arabic(sample: string, expected: readonly string[]): string {
  if (/[ٹڈڑںےہھ]/.test(sample)) return 'ur'
  if (/[ۆێڕڵ]/.test(sample)) return 'ckb'
  if (/[ښځټډړڼ]/.test(sample)) return 'ps'
  if (/[پچژگکی]/.test(sample)) return expected.find(language => language === 'ur') ?? 'fa'
  return expected.find(language => ['ar', 'fa', 'ur'].includes(language)) ?? 'ar'
}

/**
 * The language whose rules analyze a question: its own, or, if the collection has no documents in it, the likeliest of
 * the collection's languages in the same script. Names and numbers are then found, and a question whose language was
 * misdetected loses nothing.
 */
export function readingLanguage(text: string, language: string, among: readonly string[]): string {
  const own = primary(language)
  const sample = sampleOf(text)
  const script = scriptOf(sample)
  const expected = among.map(primary)
  if (expected.includes(own) || script === undefined || script === 'Other') return own
  const fitting = expected.filter(each => isWrittenIn(script, each))
  return fitting.length > 1 ? mostLikely(sample, fitting) : (fitting[0] ?? own)
}

/** Letters that identify a language, the most specific first (`fold` has turned ё into е). */
const cyrillicLetters: readonly (readonly [RegExp, string])[] = [
  [/[ұқғ]/, 'kk'],
  [/[ѓќѕ]/, 'mk'],
  [/[ђћљњџј]/, 'sr'],
  [/[єїґ]/, 'uk'],
  [/ў/, 'be'],
  [/[ҳҷӣӯ]/, 'tg'],
  [/[ҙҫҡ]/, 'ba'],
]
const turkic = ['kk', 'ky', 'tt', 'mn', 'ba']
/** Letters that a language does not use: a word with one rules it out. */
const foreignLetters: Readonly<Record<string, RegExp>> = {
  uk: /[ыэъ]/,
  be: /[ищъ]/,
  bg: /[ыэ]/,
  sr: /[йщъыьэюя]/,
  mk: /[йщъыьэюя]/,
}

function cyrillic(sample: string, expected: readonly string[]): string {
  const words = wordsOf(sample)
  const named = cyrillicLetters.find(([letters]) => isUsed(words, letters))?.[1]
  if (named === 'kk' && isRussianWithKazakh(words)) return 'ru'
  if (named) return named
  const hasI = isUsed(words, /і/)
  if (isUsed(words, /[әңөүһҗ]/)) {
    return hasI ? 'kk' : (turkic.find(language => expected.includes(language)) ?? mostLikely(sample, turkic))
  }
  const prior = expectation(
    sample,
    expected.filter(language => !isLatin(language) || language === 'sr'),
    expectedWeight.other,
  )
  if (!hasI && expected.length === 0) prior.set('ru', russianWeight / (words.length + 1))
  const candidates = hasI ? ['uk', 'be', 'kk'] : ['ru', 'kk', 'uk', 'bg', 'sr', 'mk', 'be']
  return mostLikely(
    sample,
    candidates.filter(language => !isUsed(words, foreignLetters[language] ?? /(?!)/)),
    prior,
  )
}

/** Two words in three of a Kazakh text have a letter of its own; a Russian one quotes Kazakh names and terms. */
function isRussianWithKazakh(words: readonly string[]): boolean {
  const share = words.filter(word => /[әғқңөұүіһ]/.test(word)).length / words.length
  const hits = (language: string) => words.filter(word => functionWords().get(language)?.has(word)).length
  return words.length >= 8 && share < 0.3 && hits('ru') > hits('kk')
}

const vietnameseLetters = /[ơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]/

function latin(sample: string, expected: readonly string[]): string {
  const words = wordsOf(sample)
  if (words.filter(word => vietnameseLetters.test(word)).length > words.length * 0.2) return 'vi'
  const latinExpected = expected.filter(isLatin)
  const isGuess = words.length <= fewWords && !/[^\0-\x7f]/.test(sample)
  if (isGuess && latinExpected.length > 0 && !hasFunctionWordsBeyond(words, latinExpected))
    return mostLikely(sample, latinExpected)
  const prior = expectation(sample, latinExpected, expectedWeight.latin)
  if (!expected.includes('en')) prior.set('en', englishWeight / (words.length + 1))
  if (expected.includes('vi')) {
    const share = words.filter(word => vietnameseSyllable.test(stripDiacritics(word))).length / words.length
    prior.set('vi', share > 0.5 ? (prior.get('vi') ?? 0) + share - 0.5 : 0)
  }
  return mostLikely(sample, [], prior)
}

/** Whether a function word shows a language that is not expected: names and headings of tables have none. */
function hasFunctionWordsBeyond(words: readonly string[], expected: readonly string[]): boolean {
  const known = new Set(expected.flatMap(language => [...(functionWords().get(language) ?? [])]))
  return words.some(
    word =>
      !known.has(word) &&
      functionWords()
        .values()
        .some(stops => stops.has(word)),
  )
}

/**
 * Expected languages weigh much in a short text, little in a long one. Among several, the library chooses: it can
 * distinguish two languages where it cannot pick one of sixty.
 */
function expectation(sample: string, expected: readonly string[], weight: number): Map<string, number> {
  const { length } = wordsOf(sample)
  const share = weight / (length + 1)
  const likeliest = expected.length > 1 && length <= 8 ? detectAll(sample, { only: [...expected] })[0]?.lang : undefined
  return new Map(expected.map(language => [language, language === likeliest ? share * 1.5 : share]))
}

/** One word with such a letter decides in a short text; a long one may quote a foreign name. */
function isUsed(words: readonly string[], letters: RegExp): boolean {
  return words.filter(word => letters.test(word)).length > words.length * 0.02
}

function wordsOf(sample: string): readonly string[] {
  return sample.match(/[\p{L}\p{M}]+/gu) ?? []
}

// Weights of the signals. Chosen on 1,190 questions each in English, Russian and Vietnamese (with and without
// diacritics) and on their last two and four words. At least 0.996 of the whole questions are detected correctly among
// the collection's languages.
const statisticsWeight = 0.6
const functionWordsWeight = 1.5
/** A third of the words are function words of one language, and at most half as many of another. */
const plainlySo = functionWordsWeight / 3
// Statistics distinguish Cyrillic languages better than Latin ones.
const expectedWeight = { latin: 3, other: 1.5 }
// Any short text in Latin letters may be English: product names, identifiers, error messages.
const englishWeight = 0.6
// Among the languages in Cyrillic letters by far the most frequent; the library takes single words for Ukrainian.
const russianWeight = 1.5
/** With fewer words than this and no function word, statistics only guess. */
const fewWords = 8
/** Rare in documents, and what the library falls back to when unsure. */
const unlikely: ReadonlySet<string> = new Set(['la', 'eo', 'ber', 'vo', 'ia', 'tlh', 'io', 'rn', 'tk'])
/** Their plain text has a letter with a mark in every third word or so, and the library does not count those missing. */
const marked: ReadonlySet<string> = new Set('az cs hr hu is lt lv pl ro sk sl tr'.split(' '))
const wordsWithoutMarks = 8
const unlikelyFactor = 0.2

/** The likeliest candidate; without candidates, the likeliest language in Latin letters. */
function mostLikely(
  sample: string,
  candidates: readonly string[],
  prior: ReadonlyMap<string, number> = new Map(),
): string {
  const words = wordsOf(sample)
  const script = scriptOf(sample) ?? 'Latin'
  const scores = new Map<string, number>(candidates.map(language => [language, 0]))
  const add = (language: string, score: number) => {
    if (candidates.length === 0 || candidates.includes(language))
      scores.set(language, (scores.get(language) ?? 0) + score)
  }
  for (const [language, stops] of functionWords()) {
    const hits = words.filter(word => stops.has(word)).length
    if (hits > 0) add(language, (functionWordsWeight * hits) / (words.length + 1))
  }
  const [first = 0, second = 0] = [...scores.values()].sort((a, b) => b - a)
  const isPlain = words.length >= 5 && first >= plainlySo && first >= 2 * second
  // The library is skipped then: it takes nearly all the time, and was wrong more often than this.
  const lacksMarks = words.length >= wordsWithoutMarks && !/[^\0-\x7f]/.test(sample)
  const isUnlikely = (language: string) =>
    unlikely.has(language) || (lacksMarks && marked.has(language) && !prior.has(language))
  for (const { lang, accuracy } of isPlain ? [] : detectAll(sample, { only: [...candidates] })) {
    if (!isWrittenIn(script, lang)) continue
    add(lang, statisticsWeight * Math.min(1, accuracy) * (isUnlikely(lang) ? unlikelyFactor : 1))
  }
  for (const [language, score] of prior) add(language, score)
  return [...scores].reduce((a, b) => (b[1] > a[1] ? b : a), ['en', 0])[0]
}

/** A Vietnamese syllable without diacritics: typed that way, a question resembles no language at all. */
const vietnameseSyllable =
  /^(?:ngh?|[cgknt]h|ph|tr|gi|qu|[bcdghklmnrstvx])?(?:uye|uya|uyu|oai|oao|oay|oeo|uay|uoi|uou|ieu|yeu|[aeo]o|[aeiou]u|[aou]i|[auo]y|[iou]a|[iouy]e|uo|[aeiouy])(?:ch|n[gh]?|[cmpt])?$/

/** Whether most of some words are syllables of Vietnamese, also without diacritics. */
export function looksVietnamese(words: readonly string[]): boolean {
  return (
    words.length > 2 && words.filter(word => vietnameseSyllable.test(stripDiacritics(word))).length > words.length * 0.7
  )
}

let memo: ReadonlyMap<string, ReadonlySet<string>> | undefined

/** Stop words by language, as compared here; for Kazakh and Vietnamese also as typed on a foreign keyboard. */
function functionWords(): ReadonlyMap<string, ReadonlySet<string>> {
  memo ??= new Map(
    stopWordLanguages.map(language => {
      const words = stopWords(language).map(fold)
      const typed = language === 'kk' ? words.map(foldKazakh) : language === 'vi' ? words.map(stripDiacritics) : []
      return [language, new Set([...words, ...typed])]
    }),
  )
  return memo
}
