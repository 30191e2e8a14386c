import { fold, tidy } from '../fold.ts'

/** A word as it is compared, and what its capitals indicate. */
export interface Surface {
  readonly word: string
  /** Capitalised within a sentence: perhaps a name, which has no endings to remove. */
  readonly isName: boolean
  /** All capitals, or a single letter: "IT" is not "it", and "vitamin A" has no article. */
  readonly isAcronym: boolean
}

const letters = String.raw`[\p{L}\p{M}\p{N}_]+`
// "-5", ".NET", "--force".
const ahead = String.raw`(?<=^|\s)[.\-−]{1,2}(?=[\p{L}\p{N}])`
// "3.14", "10:30", "non-EU", "and/or", "C++"; the final apostrophe of "students'" and "perche'".
const joint = String.raw`(?:['.&@\/\-‐‑–](?=[\p{L}\p{N}])|(?<=\p{N})[,:](?=\p{N}))`
const word = String.raw`(?:${ahead})?${letters}(?:${joint}${letters})*(?:[+#]+(?!${letters}))?'?`
const sign = String.raw`[\p{S}%&@#*\/\\§‰]|!=|\?[?.]|\[\]|\{\}|\(\)|(?<=\s)\.{1,2}(?=\s)`
const piece = new RegExp(`${word}|${sign}`, 'gu')
const sentenceEnd = /[.?!:;\n]/

// Kept because `fold` would lose them: 10² is not 102, and two emoji make two questions.
const superscript = /(?=[⁰¹²³⁴-⁹])/g
const emoji = /\p{Emoji_Presentation}/gu

/** The words and signs of a text, folded; of its punctuation only what belongs to a word or to code. */
export function surfacesOf(text: string): Surface[] {
  const plain = tidy(withoutFinalMarks(text).replace(superscript, ' ^ ').replace(emoji, codeOf))
  const found = [...plain.matchAll(piece)]
  const hasCase = !isShouted(found.map(([surface]) => surface))
  let last = 0
  return found.map(({ 0: surface, index }, i) => {
    const isFirst = i === 0 || sentenceEnd.test(plain.slice(last, index))
    last = index + surface.length
    return surfaceOf(surface, hasCase, isFirst)
  })
}

function surfaceOf(surface: string, hasCase: boolean, isFirst: boolean): Surface {
  const isCapital = hasCase && /^\p{Lu}/u.test(surface)
  return {
    word: fold(surface).replaceAll(/[‐‑–−]/g, '-'),
    isName: isCapital && !isFirst,
    isAcronym: isCapital && (/^\p{Lu}{2,}$/u.test(surface) || (!isFirst && surface.length === 1)),
  }
}

/**
 * Removes final punctuation and emoji, and leading whitespace. A regular expression would try each run of spaces
 * inside.
 */
function withoutFinalMarks(text: string): string {
  const letters = [...text]
  let length = letters.length
  while (length > 0 && /[\p{Emoji_Presentation}\s.!?…]/u.test(letters[length - 1] ?? '')) length--
  return letters.slice(0, length).join('').trimStart()
}

function codeOf(letter: string): string {
  return ` u${letter.codePointAt(0)?.toString(16)} `
}

/** All in capitals, or every longer word capitalised: such capitals carry no meaning. */
function isShouted(surfaces: readonly string[]): boolean {
  const long = surfaces.slice(1).filter(surface => /^\p{L}{4}/u.test(surface))
  return (
    (long.length >= 3 && long.every(surface => /^\p{Lu}/u.test(surface))) ||
    !surfaces.some(surface => /\p{Ll}/u.test(surface))
  )
}
