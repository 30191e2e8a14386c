import { fold, foldKazakh, stripDiacritics } from '../../text/fold.ts'
import { createWordCache } from '../../text/word-cache.ts'

/** A word of a text, as it is compared with lists of phrases, and where it stands. */
export interface Spoken {
  readonly word: string
  readonly start: number
  readonly end: number
}

// Scripts without spaces are compared letter by letter.
const unspaced = String.raw`[\p{L}&&[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]]`
const letter = String.raw`[[\p{L}\p{M}]--${unspaced}]`
const spokenWord = new RegExp(`${unspaced}|${letter}+(?:['’]${letter}+)*`, 'gv')

export function* wordsOf(text: string): Generator<Spoken> {
  // `matchAll` would compile the expression anew for each text.
  for (let at = 0; ;) {
    spokenWord.lastIndex = at
    const surface = spokenWord.exec(text)?.[0]
    if (surface === undefined) return
    at = spokenWord.lastIndex
    yield { word: comparedForm(surface), start: at - surface.length, end: at }
  }
}

/** The words of phrases that a list separates by "|". */
export function listed(list: string): string[][] {
  return list.split('|').map(phrase => Array.from(wordsOf(phrase), ({ word }) => word))
}

/** Whether a phrase begins at a word of a text. */
export function isAt(phrase: readonly string[], spoken: readonly Spoken[], at: number): boolean {
  return phrase.every((word, i) => spoken[at + i]?.word === word)
}

/** "Helloooo" is "hello", "cảm ơn" is "cam on", "сәлем" is "салем". */
function comparedForm(surface: string): string {
  if (surface.length > longestWord) return surface
  const known = forms.get('', surface)
  if (known !== undefined) return known
  const plain = foldKazakh(stripDiacritics(fold(surface)))
  const form = plain.replace(/['’]/g, '').replace(/(\p{L})\1{2,}/gu, '$1')
  forms.set('', surface, form)
  return form
}

const longestWord = 40
/** Questions begin with few words. */
const forms = createWordCache<string>(2000)
