/**
 * Spelling differences that carry no meaning, removed. Two levels: `tidy` keeps case (an identifier's
 * camelCase is still to be read), `fold` does not. Every function here is idempotent.
 *
 * What is deliberately kept: й (not и: "май" and "маи" are different words, and nobody types one for the
 * other), the vowel signs of Indic and Thai scripts, the voicing marks of kana. They are letters to their
 * readers, although Unicode calls some of them marks.
 */

import { nfc, nfkc } from './normal-form.ts'

const ascii = /^[\0-\x7f]*$/
// ™ and ℹ are pictographs whose NFKC form has letters ("Askwell™" would become "AskwellTM"): they go first.
const pictographs = /[\p{Extended_Pictographic}\u{1f3fb}-\u{1f3ff}\u{1f1e6}-\u{1f1ff}]/gu
const invisible = /[\u034f\u20e3\ufe00-\ufe0f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g
const apostrophes = /[`´’‘‛ʼʻʹ′＇]/g
// Stress marks of textbooks and encyclopaedias ("за́мок"). Letters such as й are composed by then, and stay.
const stress = /(?<=[\u0400-\u052f])[\u0300\u0301]/g
// Vowel points that Hebrew and Arabic readers leave out when they type, and the Arabic stretching dash.
const points = /[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u0652\u0670\u0640]/g

/** One code point sequence for one spelling: NFKC, no invisible characters, no pictographs, one apostrophe. */
export function tidy(text: string): string {
  if (ascii.test(text)) return text.replace(apostrophes, "'")
  // NFC first: the Greek oxia is an acute, and that an apostrophe. NFKC takes ´ apart into a space and a mark.
  const composed = nfc(text.replace(pictographs, ' ').replace(invisible, '')).replace(apostrophes, "'")
  const compatible = nfkc(composed).replace(apostrophes, "'")
  return nfkc(compatible.replace(stress, '').replace(points, ''))
}

/** `tidy`, in lower case, with ё as е, ß as ss and ς as σ (so that capitals are the same): how a word is compared. */
export function fold(text: string): string {
  const lower = tidy(text).toLowerCase()
  if (ascii.test(lower)) return lower
  // İ becomes i and a dot above, which nobody types.
  return nfkc(lower.replaceAll('i\u0307', 'i')).replaceAll('ё', 'е').replaceAll('ß', 'ss').replaceAll('ς', 'σ')
}

const accented = /[\u00c0-\u024f\u0370-\u03ff\u1e00-\u1fff]/g
const marks = /[\u0300-\u036f]/g
/** Letters with a stroke, which Unicode does not take apart. */
const strokes: Readonly<Record<string, string>> = {
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  ø: 'o',
  Ø: 'O',
  ł: 'l',
  Ł: 'L',
  ħ: 'h',
  Ħ: 'H',
  ı: 'i',
  æ: 'ae',
  Æ: 'AE',
  œ: 'oe',
  Œ: 'OE',
  ß: 'ss',
}

/**
 * Latin and Greek letters without their accents, as people type on a foreign keyboard. Other scripts are
 * left alone: there the marks make letters (see above).
 */
export function stripDiacritics(text: string): string {
  if (ascii.test(text)) return text
  return nfc(text)
    .replace(accented, letter => {
      const base = letter.normalize('NFD').replace(marks, '') // Ǽ is a ligature and an accent: first this,
      return strokes[base] ?? base // then that
    })
    .replace(marks, '')
}

const kazakh: Readonly<Record<string, string>> = {
  ә: 'а',
  ғ: 'г',
  қ: 'к',
  ң: 'н',
  ө: 'о',
  ұ: 'у',
  ү: 'у',
  і: 'и',
  һ: 'х',
  ё: 'е',
}

/** Kazakh letters as the Russian ones that are typed for them. Takes folded text. */
export function foldKazakh(text: string): string {
  return text.replace(/[әғқңөұүіһё]/g, letter => kazakh[letter] ?? letter)
}

const openSyllable = /(o[àáảãạèéẻẽẹ]|(?<!q)u[ỳýỷỹỵ])(?![\p{L}\p{M}])/gu
const toneBefore: Readonly<Record<string, string>> = {
  oà: 'òa',
  oá: 'óa',
  oả: 'ỏa',
  oã: 'õa',
  oạ: 'ọa',
  oè: 'òe',
  oé: 'óe',
  oẻ: 'ỏe',
  oẽ: 'õe',
  oẹ: 'ọe',
  uỳ: 'ùy',
  uý: 'úy',
  uỷ: 'ủy',
  uỹ: 'ũy',
  uỵ: 'ụy',
}

/** Vietnamese has two schools of where the tone mark stands in an open syllable (hoà, hòa); this is the older. */
export function foldVietnamese(text: string): string {
  return text.replace(openSyllable, syllable => toneBefore[syllable] ?? syllable)
}

const lookalikes: Readonly<Record<string, string>> = {
  a: 'а',
  c: 'с',
  e: 'е',
  o: 'о',
  p: 'р',
  x: 'х',
  y: 'у',
  i: 'і',
  h: 'һ',
  k: 'к',
  m: 'м',
  t: 'т',
  b: 'в',
  ə: 'ә',
}

/**
 * A Cyrillic word in which Latin letters stand for Cyrillic ones ("бiлiм" with a Latin i, a relic of keyboards
 * without Kazakh letters), all in Cyrillic. Takes a folded word; a word that is honestly mixed stays as it is.
 */
export function unmixScripts(word: string): string {
  if (!/[\u0400-\u04ff]/.test(word) || !/[a-zə]/.test(word)) return word
  const latin = word.replace(/[^a-zə]/g, '')
  const cyrillic = word.replace(/[^\u0400-\u04ff]/g, '')
  if (latin.length > cyrillic.length || /[^aceopxyihkmtbə]/.test(latin)) return word
  return word.replace(/[a-zə]/g, letter => lookalikes[letter] ?? letter)
}
