/**
 * Dates, times, provisions, codes and ranges as terms of their own, equal however they are written: "30 June 2026",
 * "30.06.2026" and "ngày 30 tháng 6 năm 2026" are `2026-06-30`, "§ 5 (2)" and "Section 5(2)" are `sec:5:2`. They are
 * indexed in addition to the words that they consist of. All but a few contain a digit, so only words with one are looked at.
 */
import { fold } from './fold.ts'
import { type Kinds, kindsFor, subdivisionsFor } from './provisions.ts'
import { monthsFor } from './months.ts'

export interface Notation {
  readonly term: string
  /** What it is a part of, indexed too: the month of a day, the article of a paragraph. */
  readonly wider: readonly string[]
  /** Positions of its first and last word. */
  readonly first: number
  readonly last: number
}

/** A word of the text as notations see it. */
export interface NotedWord {
  readonly terms: readonly string[]
  readonly hasDigit: boolean
}

interface Place {
  readonly surface: string
  /** Its first term. */
  readonly stem: string
  readonly start: number
  readonly end: number
}

/** The words of a text with what stands between them. */
interface Words {
  readonly text: string
  readonly language: string
  readonly at: (index: number) => Place | undefined
  /** The text between a word and the next one. */
  readonly gap: (index: number) => string
}

type Found = Omit<Notation, 'wider'> & { readonly wider?: readonly string[] }
type Finder = (words: Words, index: number, word: Place) => readonly Found[]

/** The notations of a tidied text, given with the surface forms of its words and their analysis. */
export function notationsOf(
  text: string,
  surfaces: readonly string[],
  words: readonly NotedWord[],
  language: string,
): Notation[] {
  const found: Notation[] = []
  let [view, last]: [View | undefined, number] = [undefined, -1]
  for (let index = 0; index < words.length; index++) {
    if (!words[index]!.hasDigit) continue
    view ??= createView(text, surfaces, words, language)
    const word = view.moveTo(index)
    if (index <= last) continue
    for (const finder of finders) {
      const all = finder(view, index, word)
      for (const each of all) {
        found.push({ wider: [], ...each })
        last = each.last
      }
      if (all.length > 0) break
    }
  }
  return found
}

interface View extends Words {
  /** Goes to the next word with a digit. */
  readonly moveTo: (index: number) => Place
}

/** Nothing longer stands inside a notation. */
const longestGap = 16

/**
 * Finds the places of words with digits, and of their neighbours as they are asked for: most words are far from any
 * digit. Every digit is part of a word, and nothing between two words can be taken for either of them, so the nearest
 * occurrence is the word itself.
 */
function createView(text: string, surfaces: readonly string[], words: readonly NotedWord[], language: string): View {
  let [current, passed] = [0, 0]
  let near: (Place | undefined)[] = []
  const place = (index: number, start: number): Place => {
    const surface = surfaces[index]!
    return { surface, stem: words[index]?.terms[0] ?? '', start, end: start + surface.length }
  }
  const find = (index: number): Place => {
    const surface = surfaces[index]!
    return index < current
      ? place(index, text.lastIndexOf(surface, at(index + 1)!.start - surface.length))
      : place(index, text.indexOf(surface, at(index - 1)!.end))
  }
  // Words before and after the current one take turns: 0, 1, -1, 2, -2, …
  const at = (index: number): Place | undefined => {
    if (index < 0 || index >= surfaces.length) return undefined
    const slot = index < current ? 2 * (current - index) : 2 * (index - current) + 1
    return (near[slot] ??= find(index))
  }
  return {
    text,
    language,
    at,
    gap: index => {
      const [start, end] = [at(index)?.end ?? text.length, at(index + 1)?.start ?? text.length]
      return end - start > longestGap ? tooLong : text.slice(start, end)
    },
    moveTo: index => {
      const own = place(index, text.indexOf(surfaces[index]!, passed))
      ;[current, passed, near] = [index, own.end, []]
      near[1] = own
      return own
    },
  }
}

/** Stands for a long gap; no notation has it inside. */
const tooLong = '\n\n…\n\n'

// Dates ---------------------------------------------------------------------------------------------------------------

const two = (value: number): string => String(value).padStart(2, '0')
const isYear = (value: number): boolean => value >= 1000 && value <= 2999
const isDay = (value: number): boolean => value >= 1 && value <= 31
const isMonth = (value: number): boolean => value >= 1 && value <= 12

interface Span {
  readonly first: number
  readonly last: number
}

function dayTerm(year: number, month: number, day: number, span: Span): Found[] {
  if (!isYear(year) || !isMonth(month) || !isDay(day)) return []
  const date = `${year}-${two(month)}`
  return [{ term: `${date}-${two(day)}`, wider: [date, `--${two(month)}-${two(day)}`], ...span }]
}

function monthTerm(year: number, month: number, span: Span): Found[] {
  return isYear(year) && isMonth(month) ? [{ term: `${year}-${two(month)}`, ...span }] : []
}

/** Without a year, as in "until 30 June". */
function yearlyTerm(month: number, day: number, span: Span): Found[] {
  return isMonth(month) && isDay(day) ? [{ term: `--${two(month)}-${two(day)}`, ...span }] : []
}

/** Languages whose dates begin with the month in one country and with the day in another. */
const bothOrders: ReadonlySet<string> = new Set(['en', 'und'])

const yearFirst = /^(\d{4})([.-])(\d{1,2})\2(\d{1,2})$/
const yearLast = /^(\d{1,2})([.-])(\d{1,2})\2(\d{4}|\d{2})$/

const numericDate: Finder = (words, index, { surface }) => {
  const slashed = slashedDate(words, index)
  const span = { first: index, last: slashed === null ? index : index + 2 }
  const ordered = yearFirst.exec(slashed ?? surface)
  if (ordered) return dayTerm(Number(ordered[1]), Number(ordered[3]), Number(ordered[4]), span)
  const match = yearLast.exec(slashed ?? surface)
  if (!match) return []
  const [, one, sign, other, last] = match as unknown as [string, string, string, string, string]
  // "26" is a year only in a date written out: "3.2.10" is a section, "10-06-26" may be anything.
  const isShort = last.length === 2
  if (isShort && ((one + other).length < 4 || (sign === '-' && slashed === null))) return []
  const [a, b, year] = [Number(one), Number(other), Number(last) + (isShort ? 2000 : 0)]
  const isEither = sign !== '.' && bothOrders.has(words.language)
  const dayFirst = dayTerm(year, b, a, span)
  return a === b || !(isEither || b > 12) ? dayFirst : [...dayFirst, ...dayTerm(year, a, b, span)]
}

/** "30/06/2026" with hyphens, or null. */
function slashedDate({ at, gap }: Words, index: number): string | null {
  const isOne = gap(index) === '/' && gap(index + 1) === '/' && at(index + 2) !== undefined
  return isOne ? [index, index + 1, index + 2].map(each => at(each)?.surface).join('-') : null
}

/** "06.2026", "06/2026". */
const numericMonth: Finder = ({ at, gap }, index, { surface }) => {
  const dotted = /^(\d{2})\.(\d{4})$/.exec(surface)
  if (dotted) return monthTerm(Number(dotted[2]), Number(dotted[1]), { first: index, last: index })
  const next = at(index + 1)?.surface ?? ''
  if (gap(index) !== '/' || gap(index + 1).startsWith('/') || !/^\d{2}$/.test(surface) || !/^\d{4}$/.test(next))
    return []
  return monthTerm(Number(next), Number(surface), { first: index, last: index + 1 })
}

const ideographs = /^(\d{4})[年년]\s?(\d{1,2})[月월](?:\s?(\d{1,2})[日일号])?/

/** "2026年6月30日", "2026년 6월 30일". */
const eastAsianDate: Finder = ({ text, at }, index, { start }) => {
  const match = ideographs.exec(text.slice(start, start + 20))
  if (!match) return []
  const end = start + match[0].length
  let last = index
  while ((at(last + 1)?.start ?? end) < end) last++
  const span = { first: index, last }
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  return match[3] ? dayTerm(year, month, day, span) : monthTerm(year, month, span)
}

/** "ngày 30 tháng 6 năm 2026", "30 tháng 6, 2026", "tháng 6/2026", "tháng 6". */
const vietnameseDate: Finder = ({ at, gap }, index, { surface }) => {
  const isThang = (i: number) => /^th[aá]ng$/i.test(at(i)?.surface ?? '')
  const monthAt = isThang(index + 1) ? index + 2 : isThang(index - 1) ? index : -1
  if (monthAt < 0) return []
  const month = number(at(monthAt))
  const yearAt = /^n[aă]m$/i.test(at(monthAt + 1)?.surface ?? '') ? monthAt + 2 : monthAt + 1
  const year = /^[\s,/]*$/.test(gap(monthAt)) ? number(at(yearAt)) : NaN
  const day = monthAt === index ? NaN : number({ surface })
  const span = { first: Math.min(index, monthAt - 1), last: isYear(year) ? yearAt : monthAt }
  if (isDay(day)) return isYear(year) ? dayTerm(year, month, day, span) : yearlyTerm(month, day, span)
  return monthTerm(year, month, span)
}

function number(word: Pick<Place, 'surface'> | undefined): number {
  return /^\d{1,4}$/.test(word?.surface ?? '') ? Number(word?.surface) : NaN
}

const ordinal = /^(\d{1,2})(?:st|nd|rd|th|er|-?е|-?го|º|°|-?ші|-?шы)?$/iu
const betweenParts = /^(?:\s*[.,/-]?\s*|[.,]?\s+)$/
/** Words inside a date: "30 de junio de 2026", "the 30th of June", "2026 жылғы 30 маусым", "30. Juni des Jahres 2026". */
const links: ReadonlySet<string> = new Set(['de', 'of', 'del', 'di', 'жылгы', 'жылдын', 'жылы', 'm', 'года', 'г'])

/** A date with the name of the month, found from its first number. */
const namedDate: Finder = (words, index, word) => {
  const day = dayOf(words, index)
  const year = number(word)
  if (isDay(day)) return dayFound(words, index, day)
  return isYear(year) ? yearFound(words, index, year) : []
}

/** "30 June 2026", "June 30, 2026". */
function dayFound(words: Words, index: number, day: number): readonly Found[] {
  const [before, after] = [step(words, index, -1), step(words, index, 1)]
  const next = monthOf(words, after)
  if (next !== undefined) return withYear(words, { day, month: next, first: index, last: after! })
  const month = monthOf(words, before)
  return month === undefined ? [] : withYear(words, { day, month, first: before!, last: index })
}

/** "2026 жылғы 30 маусым", "2026. június 30.", "June 2026". */
function yearFound(words: Words, index: number, year: number): readonly Found[] {
  const after = step(words, index, 1)
  const last = after === null ? null : step(words, after, 1)
  const month = monthOf(words, last)
  if (isDay(dayOf(words, after)) && month !== undefined)
    return dayTerm(year, month, dayOf(words, after), { first: index, last: last! })
  const next = monthOf(words, after)
  if (next !== undefined && isDay(dayOf(words, last)))
    return dayTerm(year, next, dayOf(words, last), { first: index, last: last! })
  if (next !== undefined) return monthTerm(year, next, { first: index, last: after! })
  const before = step(words, index, -1)
  const previous = monthOf(words, before)
  return previous === undefined ? [] : monthTerm(year, previous, { first: before!, last: index })
}

function monthOf({ at, language }: Words, index: number | null): number | undefined {
  return index === null ? undefined : monthsFor(language).get(at(index)?.stem ?? '')
}

function dayOf({ at }: Words, index: number | null): number {
  return index === null ? NaN : Number(ordinal.exec(at(index)?.surface ?? '')?.[1] ?? NaN)
}

interface DayAndMonth extends Span {
  readonly day: number
  readonly month: number
}

function withYear(words: Words, { day, month, first, last }: DayAndMonth): Found[] {
  const next = step(words, last, 1)
  const year = next === null ? NaN : number(words.at(next))
  if (isYear(year)) return dayTerm(year, month, day, { first, last: next! })
  return yearlyTerm(month, day, { first, last })
}

/** The neighbour of a word within a date, or null. */
function step({ at, gap }: Words, from: number, by: 1 | -1): number | null {
  let index = from
  for (let passed = 0; passed < 3; passed++) {
    if (!betweenParts.test(gap(by === 1 ? index : index - 1))) return null
    index += by
    const word = at(index)
    if (word === undefined) return null
    if (!links.has(fold(word.surface).replaceAll('ғ', 'г').replaceAll('ң', 'н'))) return index
  }
  return null
}

// Times ---------------------------------------------------------------------------------------------------------------

const beforeHour: ReadonlySet<string> = new Set('ore alle dalle um kl klo kello в с до к сағат lúc'.split(' '))
const afterHour: ReadonlySet<string> = new Set('uhr ч час часов uur h'.split(' '))

const half = /\s?([ap])\.?m\b/iy

/** "15:30", "3:30 pm", "15 giờ 30". */
const clockTime: Finder = ({ text, at, gap }, index, { surface }) => {
  const next = at(index + 1)
  if (next === undefined || !/^\d{1,2}$/.test(surface)) return []
  if (gap(index) === ':') {
    const [, minutes, mark] = /^(\d{2})([ap]m)?$/i.exec(next.surface) ?? []
    half.lastIndex = next.end
    const span = { first: index, last: index + 1 }
    return minutes ? timeTerm(surface, minutes, mark ?? half.exec(text)?.[1] ?? '', span) : []
  }
  const after = at(index + 2)?.surface ?? ''
  const isSpoken = /^gi[ờo]$/i.test(next.surface) && /^\d{2}$/.test(after)
  return isSpoken ? timeTerm(surface, after, '', { first: index, last: index + 2 }) : []
}

/** "3 pm", "3pm", "15h30", "15.30 Uhr", "ore 15.30". */
const namedTime: Finder = ({ text, at }, index, { surface, end }) => {
  const span = { first: index, last: index }
  const joined = /^(\d{1,2})(?:h(\d{2})|([ap])m)$/i.exec(surface)
  if (joined) return timeTerm(joined[1]!, joined[2] ?? '00', joined[3] ?? '', span)
  if (!/^\d{1,2}(?:\.[0-5]\d)?$/.test(surface)) return []
  const [hour, minute] = surface.split('.') as [string, string?]
  half.lastIndex = end
  const marked = half.exec(text)
  if (marked) return timeTerm(hour, minute ?? '00', marked[1]!, span)
  const isHour = afterHour.has(fold(at(index + 1)?.surface ?? '')) || beforeHour.has(fold(at(index - 1)?.surface ?? ''))
  return isHour && minute ? timeTerm(hour, minute, '', span) : []
}

function timeTerm(hour: string, minute: string, half: string, span: Span): Found[] {
  const hours = Number(hour)
  const isHalf = half !== '' && hours >= 1 && hours <= 12
  const onClock = isHalf ? (hours % 12) + (/^p/i.test(half) ? 12 : 0) : hours
  return onClock <= 24 && Number(minute) < 60 ? [{ term: `${onClock}:${minute}`, ...span }] : []
}

// Provisions ----------------------------------------------------------------------------------------------------------

const provisionNumber = /^\d{1,4}(?:[.-]\d{1,4})*(?:\^\d{1,3})?\p{L}?$/u
const glued = /^(\p{L}+)\.(\d{1,4}(?:[.-]\d{1,4})*(?:\^\d{1,3})?\p{L}?)$/u
const suffixed = /^(\d{1,4}(?:\.\d{1,4})*)-(\p{L}{2,})$/u
const sections = /§{1,2}\s?$/
const bracketed = /\s?\(([\p{L}\p{N}]{1,3})\)/uy

const provision: Finder = (words, index, word) => {
  const own = provisionAt(words, index, word)
  if (!own) return []
  const { text, at } = words
  const parts = [own.number]
  bracketed.lastIndex = word.end
  let last = own.last
  for (let match = bracketed.exec(text); match && parts.length < 5; match = bracketed.exec(text)) {
    parts.push(fold(match[1]!))
    last++
  }
  const next = at(last + 1)
  if (next && parts.length === 1) {
    const below = subdivisionAfter(words, last)
    if (below) {
      parts.push(below.number)
      last = below.last
    }
  }
  const above = parts.length === 1 ? subdivisionBefore(words, own.first) : undefined
  if (above) parts.push(above.number)
  const terms = parts.map((_, i) => [own.kind, ...parts.slice(0, i + 1)].join(':'))
  return [{ term: terms.at(-1)!, wider: terms.slice(0, -1), first: above?.first ?? own.first, last }]
}

interface Provision extends Span {
  readonly kind: string
  readonly number: string
}

function provisionAt({ text, language, at, gap }: Words, index: number, word: Place): Provision | undefined {
  const kinds = kindsFor(language)
  const compound = compoundProvision(word.surface, kinds)
  if (compound) return { ...compound, first: index, last: index }
  if (!provisionNumber.test(word.surface)) return undefined
  const number = fold(word.surface)
  if (sections.test(text.slice(Math.max(0, word.start - 4), word.start)))
    return { kind: 'sec', number, first: index, last: index }
  const previous = at(index - 1)
  const kind = previous && /^\.?\s*(?:№\s*)?$/.test(gap(index - 1)) ? kinds.get(previous.stem) : undefined
  return kind ? { kind, number, first: index - 1, last: index } : undefined
}

/** "п.3.2.1", "14-бап". */
function compoundProvision(surface: string, kinds: Kinds) {
  const [, before, number] = glued.exec(surface) ?? []
  const [, ahead, after] = suffixed.exec(surface) ?? []
  const kind = kinds.get(kinds.keyOf(before ?? after ?? ''))
  return kind && { kind, number: fold(number ?? ahead ?? '') }
}

/** "co. 2" after "art. 7", "khoản 1" after "Điều 82", "Abs. 2" after "§ 5". */
function subdivisionAfter({ language, at, gap }: Words, last: number) {
  const [name, number] = [at(last + 1), at(last + 2)]
  if (!name || !number || !/^,?\s$/.test(gap(last)) || !/^\.?\s?$/.test(gap(last + 1))) return undefined
  const isOne = subdivisionsFor(language).has(name.stem) && /^\d{1,3}\p{L}?$/u.test(number.surface)
  return isOne ? { number: fold(number.surface), last: last + 2 } : undefined
}

/** "ч. 2 ст. 5", "paragraph 2 of Article 5". */
function subdivisionBefore({ language, at, gap }: Words, first: number) {
  const of = ['of', 'der', 'des', 'del', "dell'"].includes(at(first - 1)?.surface ?? '') ? 1 : 0
  const [name, number] = [at(first - 2 - of), at(first - 1 - of)]
  if (!name || !number || !/^\.?\s?$/.test(gap(first - 2 - of)) || !/^,?\s$/.test(gap(first - 1))) return undefined
  const isOne = subdivisionsFor(language).has(name.stem) && /^\d{1,3}$/.test(number.surface)
  return isOne ? { number: number.surface, first: first - 2 - of } : undefined
}

// Codes and ranges ----------------------------------------------------------------------------------------------------

const codePart = /^[\p{L}\p{N}^-]{1,12}$/u

/** "K7/300", "12/2024". */
const slashedCode: Finder = ({ text, at, gap }, index, word) => {
  let [first, last] = [index, index]
  const joins = (left: number) => gap(left) === '/' && codePart.test(at(left)?.surface ?? '')
  while (index - first < 3 && first > 0 && joins(first - 1)) first--
  while (last - index < 3 && joins(last) && codePart.test(at(last + 1)?.surface ?? '')) last++
  const [start, end] = [at(first)!, at(last)!]
  // A longer row of slashes is a path.
  const isPath = /[/:.]/.test(text.charAt(start.start - 1)) || text.charAt(end.end) === '/'
  if (first === last || isPath || !codePart.test(word.surface)) return []
  return [{ term: fold(text.slice(start.start, end.end)), first, last }]
}

const capitals = /^\p{Lu}{1,5}$/u

/** "HB 2041", which is "HB-2041" and "HB2041" too. */
const spacedCode: Finder = ({ at, gap }, index, { surface }) => {
  const name = at(index - 1)?.surface ?? ''
  if (gap(index - 1) !== ' ' || !capitals.test(name) || !/^\d{2,}$/.test(surface)) return []
  return [{ term: fold(name + surface), first: index - 1, last: index }]
}

/** "10–15", "10 - 15". */
const range: Finder = ({ at, gap }, index, { surface }) => {
  const next = at(index + 1)?.surface ?? ''
  const isOne = /^(?:\s?[–—‒]\s?|\s-\s)$/.test(gap(index)) && /^\d{1,6}$/.test(surface) && /^\d{1,6}$/.test(next)
  return isOne ? [{ term: `${surface}-${next}`, first: index, last: index + 1 }] : []
}

/** The first that finds something decides. */
const finders: readonly Finder[] = [
  eastAsianDate,
  numericDate,
  numericMonth,
  vietnameseDate,
  namedDate,
  clockTime,
  namedTime,
  provision,
  slashedCode,
  range,
  spacedCode,
]
