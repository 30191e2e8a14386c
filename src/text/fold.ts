/**
 * Removes spelling differences without meaning. Two levels: `tidy` keeps case (camelCase identifiers are still to be
 * split), `fold` does not. Every function here is idempotent.
 *
 * Deliberately kept: й (not и: "май" and "маи" are different words, and nobody types one for the other), the vowel
 * signs of Indic and Thai scripts, the voicing marks of kana. For their readers they are letters, although Unicode
 * calls some of them marks.
 */

import { nfc, nfkc } from './normal-form.ts'

const ascii = /^[\0-\x7f]*$/
// ™ and ℹ are pictographs whose NFKC form has letters ("Askwell™" would become "AskwellTM"), so they are removed first.
const pictographs = /[\p{Extended_Pictographic}\u{1f3fb}-\u{1f3ff}\u{1f1e6}-\u{1f1ff}]/gu
const invisible = /[\u034f\u20e3\ufe00-\ufe0f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g
const apostrophes = /[`´’‘‛ʼʻʹ′＇]/g
// Stress marks of textbooks and encyclopaedias ("за́мок"). Letters such as й are composed before this, so they stay.
const stress = /(?<=[\u0400-\u052f])[\u0300\u0301]/g
// Vowel points that Hebrew and Arabic writers omit when typing, and the Arabic stretching dash.
const points = /[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u0652\u0670\u0640]/g

/** Unifies code points: NFKC, no invisible characters, no pictographs, one apostrophe. */
export function tidy(text: string): string {
  if (ascii.test(text)) return text.replace(apostrophes, "'")
  // NFC first: the Greek oxia is an acute, which becomes an apostrophe. NFKC would split ´ into a space and a mark. The same
  // before pictographs: ↮ is none, but its parts are ↔, which is one, and a stroke.
  const composed = nfc(nfc(text).replace(pictographs, ' ').replace(invisible, '')).replace(apostrophes, "'")
  const compatible = nfkc(composed).replace(apostrophes, "'")
  return nfkc(compatible.replace(stress, '').replace(points, ''))
}

/** `tidy` in lower case, with ё as е, ß as ss and ς as σ (as in capitals): the form in which words are compared. */
export function fold(text: string): string {
  const lower = tidy(text).toLowerCase()
  if (ascii.test(lower)) return lower
  // İ becomes i and a combining dot, which nobody types.
  return nfkc(lower.replaceAll('i\u0307', 'i')).replaceAll('ё', 'е').replaceAll('ß', 'ss').replaceAll('ς', 'σ')
}

const accented = /[\u00c0-\u024f\u0370-\u03ff\u1e00-\u1fff]/g
const marks = /[\u0300-\u036f]/g
/** Letters that Unicode does not decompose. */
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
 * Removes accents from Latin and Greek letters, as people type them on a foreign keyboard. In other scripts the marks
 * form letters, so they are left alone (see above).
 */
export function stripDiacritics(text: string): string {
  if (ascii.test(text)) return text
  return nfc(text)
    .replace(accented, letter => {
      const base = letter.normalize('NFD').replace(marks, '') // first the accent: Ǽ is a ligature with one
      return strokes[base] ?? base
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

/** Replaces Kazakh letters by the Russian ones typed for them. Takes folded text. */
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

/** Unifies the two conventions for the tone mark in an open syllable (hoà, hòa); this is the older one. */
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
 * Converts a Cyrillic word with Latin look-alikes ("бiлiм" with a Latin i, a relic of keyboards without Kazakh letters)
 * to Cyrillic. Takes a folded word; a genuinely mixed word stays unchanged.
 */
export function unmixScripts(word: string): string {
  if (!/[\u0400-\u04ff]/.test(word) || !/[a-zə]/.test(word)) return word
  const latin = word.replace(/[^a-zə]/g, '')
  const cyrillic = word.replace(/[^\u0400-\u04ff]/g, '')
  if (latin.length > cyrillic.length || /[^aceopxyihkmtbə]/.test(latin)) return word
  return word.replace(/[a-zə]/g, letter => lookalikes[letter] ?? letter)
}
