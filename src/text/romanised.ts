/**
 * Reads words in Latin letters as words of a language that is written in Cyrillic: "obshezhitie", "aqysy". There is no
 * one transliteration: scientific and official ones, the Kazakh alphabets of 2017 to 2021, and what people type. So a
 * word has several readings, and which of them is meant is decided by the words that a collection has
 * (other-letters.ts).
 */
import { fold } from './fold.ts'

/** A reading of some letters; `cost` is 0 for the usual one and grows with how unusual it is. */
type Option = readonly [reading: string, cost: number]
type Options = Readonly<Record<string, readonly Option[]>>

interface Scheme {
  readonly letters: Options
  /** In place of `letters` where a vowel stands before. */
  readonly afterVowel: Options
  /** In place of `letters` at the beginning of a word. */
  readonly first: Options
  /** In place of `letters` at the end of a word. */
  readonly last: Options
  /** Consonants after which a soft sign may have been left out, and those after which it ends a word. */
  readonly softened: { readonly anywhere: RegExp; readonly last: RegExp }
  /** What the spelling leaves to the sounds around it. */
  readonly finish: (reading: string) => string
}

/** Languages whose words can be read from Latin letters. */
export type RomanisedLanguage = 'ru' | 'kk'
export const romanisedLanguages: readonly RomanisedLanguage[] = ['ru', 'kk']

/** Letters that mean the same in every scheme. */
const common: Options = {
  a: [['а', 0]],
  b: [['б', 0]],
  v: [['в', 0]],
  g: [['г', 0]],
  d: [['д', 0]],
  e: [
    ['е', 0],
    ['э', 1.5],
  ],
  ё: [['е', 0]],
  z: [['з', 0]],
  zh: [['ж', 0]],
  ž: [['ж', 0]],
  l: [['л', 0]],
  m: [['м', 0]],
  n: [['н', 0]],
  o: [['о', 0]],
  p: [['п', 0]],
  r: [['р', 0]],
  s: [['с', 0]],
  t: [['т', 0]],
  u: [['у', 0]],
  f: [['ф', 0]],
  ph: [['ф', 1]],
  h: [['х', 0]],
  kh: [['х', 0]],
  ts: [
    ['ц', 0],
    ['тс', 0.5],
  ],
  tz: [['ц', 0.5]],
  ch: [['ч', 0]],
  č: [['ч', 0]],
  '4': [['ч', 0]],
  sh: [['ш', 0]],
  š: [['ш', 0]],
  ş: [['ш', 0]],
  ya: [['я', 0]],
  ja: [['я', 0.3]],
  yu: [['ю', 0]],
  ju: [['ю', 0.3]],
  yo: [['е', 0]],
  jo: [['е', 0.3]],
  ye: [['е', 0]],
  eh: [['э', 1]],
  x: [
    ['х', 0.3],
    ['кс', 0.3],
  ],
  "'": [
    ['ь', 0],
    ['', 0.5],
    ['ъ', 0.7],
  ],
}

const russian: Scheme = {
  letters: {
    ...common,
    i: [
      ['и', 0],
      ['ы', 2],
    ],
    y: [
      ['ы', 0],
      ['и', 1],
      ['й', 2],
    ],
    j: [
      ['ж', 0.5],
      ['й', 1],
      ['ь', 1],
      ['дж', 1.5],
    ],
    k: [['к', 0]],
    q: [['к', 0.5]],
    w: [
      ['в', 0.5],
      ['ш', 1],
    ],
    c: [
      ['ц', 0.3],
      ['к', 0.6],
      ['с', 0.8],
    ],
    ć: [['ч', 0.5]],
    sh: [
      ['ш', 0],
      ['щ', 0.7],
    ],
    shh: [['щ', 0]],
    sch: [
      ['щ', 0.2],
      ['сч', 0.5],
      ['ш', 1],
    ],
    shch: [['щ', 0]],
    ŝ: [['щ', 0]],
    â: [['я', 0]],
    û: [['ю', 0]],
    è: [['э', 0]],
    ya: [
      ['я', 0],
      ['ья', 0.7],
    ],
    ia: [
      ['ия', 0.3],
      ['я', 0.7],
      ['ья', 1],
    ],
    iu: [
      ['ю', 0.7],
      ['ью', 1],
    ],
    yu: [
      ['ю', 0],
      ['ью', 0.7],
    ],
    ie: [['ье', 1]],
    ye: [
      ['е', 0],
      ['ье', 0.5],
      ['ъе', 1],
    ],
  },
  afterVowel: {
    i: [
      ['и', 0.1],
      ['й', 0.1],
    ],
    y: [
      ['й', 0],
      ['ы', 2],
    ],
    j: [
      ['й', 0],
      ['ж', 1],
    ],
  },
  first: {
    e: [
      ['е', 0],
      ['э', 0.2],
    ],
    y: [
      ['й', 0.5],
      ['и', 1],
    ],
  },
  last: {
    e: [
      ['е', 0],
      ['ье', 1.2],
    ],
    y: [
      ['ы', 0],
      ['ый', 0.7],
      ['ий', 0.8],
      ['и', 1],
    ],
    i: [
      ['и', 0],
      ['ий', 0.7],
      ['ы', 2],
    ],
  },
  softened: { anywhere: /[бвдзлмнпрст]$/, last: /[бвджзлмнпрстчшщ]$/ },
  finish: reading => reading,
}

const kazakh: Scheme = {
  letters: {
    ...common,
    ä: [['ә', 0]],
    á: [['ә', 0]],
    ə: [['ә', 0]],
    ö: [['ө', 0]],
    ó: [['ө', 0]],
    ü: [['ү', 0]],
    ú: [['ү', 0]],
    ū: [['ұ', 0]],
    ğ: [['ғ', 0]],
    ǵ: [['ғ', 0]],
    gh: [['ғ', 0]],
    ñ: [['ң', 0]],
    ń: [['ң', 0]],
    ng: [
      ['ң', 0],
      ['нг', 0.7],
    ],
    ý: [['у', 0]],
    w: [['у', 0.2]],
    ç: [['ч', 0.3]],
    c: [
      ['с', 0.5],
      ['ц', 0.5],
      ['ш', 0.7],
    ],
    q: [['қ', 0]],
    k: [['к', 0]],
    j: [['ж', 0]],
    i: [
      ['і', 0],
      ['и', 0.3],
      ['ы', 1],
    ],
    ı: [
      ['ы', 0],
      ['і', 0],
      ['й', 0.5],
    ],
    y: [
      ['ы', 0],
      ['и', 0.5],
      ['й', 0.7],
    ],
    ia: [['ия', 0.5]],
  },
  afterVowel: {
    i: [
      ['й', 0],
      ['и', 0.3],
    ],
    ı: [['й', 0]],
    y: [
      ['й', 0],
      ['ы', 1],
    ],
    j: [
      ['ж', 0.2],
      ['й', 0.2],
    ],
  },
  first: {},
  last: {},
  softened: { anywhere: /(?!)/, last: /(?!)/ },
  finish: inHarmony,
}

const schemes: Readonly<Record<RomanisedLanguage, Scheme>> = { ru: russian, kk: kazakh }

/** Letters of loan words: k is к next to every vowel there. */
const ofLoanWords = /[фвцчщэ]/

/**
 * к and г next to а, о, ұ and ы are қ and ғ, and u between consonants is ұ or ү. Terms do not distinguish them (the stem
 * of a Kazakh word is without them), but an embedding model does.
 */
function inHarmony(reading: string): string {
  if (ofLoanWords.test(reading)) return reading
  const isBack = !/[әөүеі]/.test(reading)
  return reading
    .replace(/(?<=[бғгджзйкқлмнңпрстхш]|^)у(?=[бғгджзйкқлмнңпрстхш])/g, isBack ? 'ұ' : 'ү')
    .replace(/к(?=[аоұы])|(?<=[аоұы])к(?![әөүеіи])/g, 'қ')
    .replace(/г(?=[аоұы])|(?<=[аоұы])г(?![әөүеіи])/g, 'ғ')
}

/** Longest spelling of one letter: "shch". */
const longestSpelling = 4
/** Readings of a beginning that are gone on with. */
const maxBeginnings = 48
/** Readings of a word that are returned. */
const maxReadings = 32
/** Nobody types a longer word in other letters; it is a key. */
const longestWord = 30

const latinVowel = /[aeiouyäáəöóüúūıýwâûèё]/
/** Two letters that are one in most schemes are seldom two. */
const pair = /^(?:[szck]h|ts|ng)$/
const splitCost = 1.5
const softCost = 1

/** A word as it was typed: with signs for ь, and with 4 for ч. */
export const romanisedWord =
  /(?<![\p{N}\p{L}])(?:4(?=\p{Script=Latin}))?\p{Script=Latin}(?:[\p{Script=Latin}\p{M}'’ʼʹ`]|4(?!\p{N}))*/gu

/**
 * The readings of a folded word, the likeliest first; empty for one with a letter that the language has no reading for.
 */
export function cyrillicReadings(word: string, language: RomanisedLanguage): readonly string[] {
  const letters = [...word]
  if (letters.length > longestWord) return []
  const scheme = schemes[language]
  const beginnings = Array.from({ length: letters.length + 1 }, () => new Map<string, number>())
  beginnings[0]!.set('', 0)
  for (let at = 0; at < letters.length; at++) {
    const kept = likeliest(beginnings[at]!, maxBeginnings)
    for (let size = 1; size <= longestSpelling && at + size <= letters.length; size++)
      for (const [reading, cost] of optionsAt(letters, at, size, scheme))
        for (const [beginning, spent] of kept) keep(beginnings[at + size]!, beginning + reading, spent + cost)
  }
  const whole = new Map<string, number>()
  for (const [reading, cost] of beginnings[letters.length]!) keep(whole, fold(scheme.finish(reading)), cost)
  return likeliest(whole, maxReadings).map(([reading]) => reading)
}

function optionsAt(letters: readonly string[], at: number, size: number, scheme: Scheme): readonly Option[] {
  const typed = letters.slice(at, at + size).join('')
  const [before, after] = [letters[at - 1], letters[at + size]]
  const isAfterVowel = before !== undefined && latinVowel.test(before)
  const options =
    (before === undefined ? scheme.first[typed] : undefined) ??
    (isAfterVowel ? scheme.afterVowel[typed] : undefined) ??
    (after === undefined ? scheme.last[typed] : undefined) ??
    scheme.letters[typed] ??
    []
  const isSplit = size === 1 && before !== undefined && pair.test(before + typed)
  const isLast = after === undefined
  const softened = isLast ? scheme.softened.last : scheme.softened.anywhere
  const isSoft = isLast || !latinVowel.test(after)
  return options.flatMap(([reading, cost]): Option[] => {
    const own = isSplit ? cost + splitCost : cost
    return isSoft && softened.test(reading)
      ? [
          [reading, own],
          [`${reading}ь`, own + (reading === 'л' ? softCost / 2 : softCost)],
        ]
      : [[reading, own]]
  })
}

function keep(readings: Map<string, number>, reading: string, cost: number): void {
  if (cost < (readings.get(reading) ?? Infinity)) readings.set(reading, cost)
}

function likeliest(readings: ReadonlyMap<string, number>, count: number): (readonly [string, number])[] {
  return [...readings].sort((a, b) => a[1] - b[1]).slice(0, count)
}
