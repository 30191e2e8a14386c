/**
 * The words of a text, folded. A compound yields its parts and the joined whole, so that `max_connections`,
 * `max-connections` and `maxConnections` are one term, and a question with only "connections" finds it too. Documents
 * and questions are split by the same rules.
 */
import { fold, tidy, unmixScripts } from './fold.ts'

/** The token of one word of the text. */
export interface Token {
  /** The words inside it, in order; at least one. */
  readonly parts: readonly string[]
  /** The whole word when it has several parts, and its other spellings. */
  readonly wholes: readonly string[]
}

// Scripts without spaces between words; a run is cut at 400 letters at the latest, where that may split a word.
const noSpaces = String.raw`[[\p{L}\p{M}\p{N}]&&[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmer}\p{sc=Mymr}]]`
const first = String.raw`[[\p{L}\p{N}]--${noSpaces}]`
const rest = String.raw`[[\p{L}\p{M}\p{N}]--${noSpaces}]`
const word = `${first}${rest}*`
const groupedDigits = String.raw`(?<![\p{N}.,])\d{1,3}(?: \d{3})+(?:[.,]\d{1,2})?(?![\p{L}\p{N}]|[.,]\d)`
const compound = String.raw`${word}(?:(?:['.&\-]|_{1,3}|(?<=\d),(?=\d)|(?<=\p{N})\^-?(?=\p{N}))${word})*`
const suffix = String.raw`(?:(?<=[A-Za-z])(?:\+\+?|#)(?![\p{L}\p{N}+#]))?`
// ".NET", ".env"
const dotted = String.raw`(?<![\p{L}\p{M}\p{N}.\/\)\]'\-])\.(?=\p{L}{2})${word}(?![\p{L}\p{M}\p{N}]|[.\-'&_]\p{L})`
const chunk = new RegExp(`${dotted}|${noSpaces}{1,400}|${groupedDigits}|${compound}${suffix}`, 'gv')

const startsUnspaced = new RegExp(`^${noSpaces}`, 'v')
const segmenter = new Intl.Segmenter('und', { granularity: 'word' })

/** A text as it is cut into words, and the surface forms of its words, in order, tidied but with their case. */
export interface Cut {
  readonly text: string
  readonly surfaces: readonly string[]
}

export function cut(text: string): Cut {
  const plain = tidy(hasRaised.test(text) ? raised(text) : text).replace(/[\u2010\u2011]/g, '-')
  return { text: plain, surfaces: plain.match(chunk) ?? [] }
}

const hasRaised = /[\u00b9\u00b2\u00b3\u2070\u2074-\u2079]/
const footnotes = /(?<=\p{L}{4})[\u00b9\u00b2\u00b3\u2070\u2074-\u2079]+/gu
const powers = /(?<=\p{Nd})[\u00b9\u00b2\u00b3\u2070\u2074-\u2079\u207b]+/gu
const raisedDigits = '⁰¹²³⁴⁵⁶⁷⁸⁹'

/**
 * 10⁶ is not 106 and Article 74¹ not 741, so the digits of a power stay apart. After a word they are the mark of a
 * footnote; only short names have powers of their own ("m²", "x²"), which are typed "m2".
 */
function raised(text: string): string {
  const digits = (marks: string) =>
    Array.from(marks, mark => (mark === '⁻' ? '-' : raisedDigits.indexOf(mark))).join('')
  return text.replace(footnotes, ' ').replace(powers, marks => `^${digits(marks)}`)
}

/** The words inside one surface form. */
export function tokenOf(surface: string): Token {
  if (startsUnspaced.test(surface)) return unspaced(surface)
  if (/^[\p{N}., ]+$/u.test(surface)) return number(surface)
  if (surface.includes('^')) return { parts: [fold(surface)], wholes: [] }
  if (/^v\p{N}[\p{N}.]*$/iu.test(surface)) return { parts: [surface.slice(1)], wholes: [fold(surface)] }
  return spaced(surface)
}

/** The words of a text, in order. */
export function tokens(text: string): readonly Token[] {
  return cut(text).surfaces.map(tokenOf)
}

const han = /\p{Script=Han}{2,}/gu

/**
 * Dictionary words and, for Chinese characters, every adjacent pair. A dictionary splits a question and a document
 * differently around an unknown word; pairs never differ.
 */
function unspaced(surface: string): Token {
  const folded = fold(surface)
  const parts = Array.from(segmenter.segment(folded), piece => piece.segment)
  const known = new Set(parts)
  const pairs = (folded.match(han) ?? []).flatMap(pairsOf).filter(pair => !known.has(pair))
  return { parts, wholes: pairs }
}

function pairsOf(run: string): string[] {
  const letters = [...run]
  return letters.slice(1).map((letter, i) => `${letters[i]}${letter}`)
}

/**
 * "1,000", "1 000" and "1000" are one number; in "3,14" the comma is a decimal point. Parts of a number mean nothing
 * alone.
 */
function number(surface: string): Token {
  const parts = surface.includes(' ') ? surface.split(' ').map(pointed) : [pointed(surface)]
  const [, whole, decimals] = grouped.exec(surface) ?? []
  if (whole === undefined) return { parts, wholes: [] }
  const amount = whole.replace(/[., ]/g, '')
  return { parts, wholes: decimals === undefined ? [amount] : [`${amount}.${decimals}`, amount] }
}

/** "1,500", "1.500,50", "1 500.5": the sign before the decimals is not the one between the groups. */
const grouped = /^(\d{1,3}(?:(?:[.]\d{3})+(?=,|$)|(?:[,]\d{3})+(?=\.|$)|(?: \d{3})+(?=[.,]|$)))(?:[.,](\d{1,2}))?$/

function pointed(digits: string): string {
  return digits.replaceAll(',', '.')
}

const camel = /(?<=[\p{Ll}\p{N}])(?=\p{Lu}\p{L})|(?<=\p{Lu})(?=\p{Lu}\p{Ll}{2})/u
const hangul = /^\p{Script=Hangul}{3,}$/u

function spaced(surface: string): Token {
  // ".NET" is said and often typed "dotnet".
  if (surface.startsWith('.')) {
    const name = wordOf(surface.slice(1))
    return { parts: [name], wholes: [`dot${name}`] }
  }
  const sign = /[+#]+$/.exec(surface)?.[0] ?? ''
  const name = withoutClitics(surface.slice(0, surface.length - sign.length))
  const numbered = /^(\p{L}+)\.(\p{N}[\p{N}.]*)$/u.exec(name)
  // "п.3.2.1", "art.12".
  if (numbered) return { parts: [wordOf(numbered[1]!), numbered[2]!], wholes: [joined(numbered.slice(1).map(wordOf))] }
  const pieces = name.split('.').map(piece =>
    piece
      .split(/[_&-]+/)
      .flatMap(part => part.split(camel))
      .map(wordOf),
  )
  const parts = pieces.flat()
  const whole = joined(parts)
  // C is another language than C++, but "Notepad++" is often typed without its signs.
  if (sign)
    return whole.length === 1 ? { parts: [whole + sign], wholes: [] } : { parts: [whole], wholes: [whole + sign] }
  if (parts.length === 1) return { parts, wholes: hangul.test(whole) ? pairsOf(whole) : [] }
  // "U.S.A.", "e.g.": single letters mean nothing alone.
  if (parts.every(part => part.length === 1)) return { parts: [whole], wholes: [] }
  const inner = pieces.length > 1 ? pieces.filter(piece => piece.length > 1).map(joined) : []
  return { parts, wholes: [whole, ...inner] }
}

function wordOf(part: string): string {
  return unmixScripts(fold(part))
}

/** Digits keep their separator: joined, "10-15" would be another number, and "HB-20-41" the part "HB-2041". */
function joined(parts: readonly string[]): string {
  const separated = parts.map((part, i) => {
    const isNumber = startsWithDigit.test(part) && /\p{N}$/u.test((parts[i - 1] ?? '').slice(-2))
    return isNumber ? `-${part}` : part
  })
  return separated.join('')
}

const startsWithDigit = /^\p{N}/u

const english = /'(?:s|re|ve|ll|d|m)$/iu
const elision = /^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|un|gl|all|dall|dell|nell|sull|quest|quell)'(?=[\p{L}\p{N}]{2})/iu

/** Removes words attached by an apostrophe: "Newton's", "l'université", "dell'acqua". */
function withoutClitics(surface: string): string {
  if (!surface.includes("'")) return surface
  return surface.replace(english, '').replace(elision, '').replaceAll("'", '')
}
