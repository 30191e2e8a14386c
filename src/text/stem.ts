/**
 * One stem for all forms of a word: Snowball where it exists (equal to Postgres' own configurations, checked word by
 * word), the first five letters for inflected languages without a stemmer, else the word itself.
 *
 * Accents are removed *after* stemming, since stemmers read them, so that "étudiants" and "etudiants" meet. Vietnamese
 * keeps them, because they distinguish words there (see `analyze`).
 */
import { stemmer as armenian } from '@orama/stemmers/armenian'
import { stemmer as arabic } from '@orama/stemmers/arabic'
import { stemmer as danish } from '@orama/stemmers/danish'
import { stemmer as dutch } from '@orama/stemmers/dutch'
import { stemmer as finnish } from '@orama/stemmers/finnish'
import { stemmer as french } from '@orama/stemmers/french'
import { stemmer as german } from '@orama/stemmers/german'
import { stemmer as greek } from '@orama/stemmers/greek'
import { stemmer as hindi } from '@orama/stemmers/indian'
import { stemmer as hungarian } from '@orama/stemmers/hungarian'
import { stemmer as indonesian } from '@orama/stemmers/indonesian'
import { stemmer as irish } from '@orama/stemmers/irish'
import { stemmer as italian } from '@orama/stemmers/italian'
import { stemmer as lithuanian } from '@orama/stemmers/lithuanian'
import { stemmer as nepali } from '@orama/stemmers/nepali'
import { stemmer as norwegian } from '@orama/stemmers/norwegian'
import { stemmer as portuguese } from '@orama/stemmers/portuguese'
import { stemmer as romanian } from '@orama/stemmers/romanian'
import { stemmer as russian } from '@orama/stemmers/russian'
import { stemmer as serbian } from '@orama/stemmers/serbian'
import { stemmer as spanish } from '@orama/stemmers/spanish'
import { stemmer as swedish } from '@orama/stemmers/swedish'
import { stemmer as tamil } from '@orama/stemmers/tamil'
import { stemmer as turkish } from '@orama/stemmers/turkish'
import { stemmer as ukrainian } from '@orama/stemmers/ukrainian'
import { stemEnglish } from './english-stem.ts'
import { foldKazakh, foldVietnamese, stripDiacritics } from './fold.ts'
import { cyrillicLanguages, isLatin } from './scripts.ts'

type Stemmer = (word: string) => string

/**
 * Kazakh: nDCG@10 0.646 with whole words, 0.760 with five folded letters, and typing on a Russian keyboard then costs
 * nothing. The other languages here were not measured; like Kazakh they have long inflected endings and no stemmer. (On
 * Russian paragraphs: whole words 0.878, five letters 0.956, the stemmer 0.955.)
 */
const firstLetters: Stemmer = word => [...word].slice(0, 5).join('')

/** Bulgarian is here because its stemmer throws on words such as "потери". */
const cutLanguages: readonly string[] = 'az ba be bg cs et ka ky lv mk mn pl sk sl tk tt uz'.split(' ')

const stemmers: ReadonlyMap<string, Stemmer> = new Map<string, Stemmer>([
  ['en', stemEnglish],
  ['ru', russian],
  ['kk', word => firstLetters(foldKazakh(word))],
  ['vi', foldVietnamese],
  ['ar', arabic],
  ['da', danish],
  ['de', german],
  ['el', greek],
  ['es', spanish],
  ['fi', finnish],
  ['fr', french],
  ['ga', irish],
  ['hi', hindi],
  ['hu', hungarian],
  ['hy', armenian],
  ['id', indonesian],
  ['it', italian],
  ['lt', lithuanian],
  ['nb', norwegian],
  ['ne', nepali],
  ['nl', dutch],
  ['nn', norwegian],
  ['no', norwegian],
  ['pt', portuguese],
  ['sr', serbian],
  ['hr', serbian],
  ['bs', serbian],
  ['sv', swedish],
  ['ta', tamil],
  ['tr', turkish],
  ['uk', ukrainian],
  // The stemmer knows only the cedilla letters of older encodings.
  ['ro', word => romanian(word.replaceAll('ș', 'ş').replaceAll('ț', 'ţ'))],
  ...cutLanguages.map((language): [string, Stemmer] => [language, firstLetters]),
])

/** Whether the stem of a word shows that it is longer than another, and its parts are not syllables, as in Vietnamese. */
export function keepsLetters(word: string, language: string): boolean {
  const own = languageOf(word, language)
  return own !== 'kk' && own !== 'vi' && !cutLanguages.includes(own)
}

/** Whether a language has stemming rules of its own. */
export function hasStemmer(language: string): boolean {
  return stemmers.has(language)
}

const latinWord = /^\p{Script=Latin}/u
const cyrillicWord = /^\p{Script=Cyrillic}/u

/**
 * The language whose rules a word follows. A Latin word in a Russian text counts as English, a Cyrillic one in an
 * English text as Russian, whatever it is: only consistency between documents and questions matters.
 */
function languageOf(word: string, language: string): string {
  if (latinWord.test(word)) return isLatin(language) ? language : 'en'
  if (cyrillicWord.test(word)) return cyrillicLanguages.has(language) ? language : 'ru'
  return language
}

const lettersOnly = /^[\p{L}\p{M}]+$/u

/** The stem of a folded word (see `fold`). Words with digits or signs ("utf8", "c++") are names and stay unchanged. */
export function stem(word: string, language: string): string {
  if (!lettersOnly.test(word)) return stripDiacritics(word)
  const own = languageOf(word, language)
  const cut = stemmers.get(own)?.(word) || word
  return own === 'vi' ? cut : stripDiacritics(cut)
}
