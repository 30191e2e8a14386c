/**
 * Dates, times, provisions, codes and ranges as terms of their own, equal however they are written: "30 June 2026",
 * "30.06.2026" and "ngày 30 tháng 6 năm 2026" are `2026-06-30`, "§ 5 (2)" and "Section 5(2)" are `sec:5:2`. They stand
 * beside the words that they consist of. All but a few contain a digit, so only words with one are looked at.
 */
import { fold } from './fold.ts'
import { kindsFor, subdivisionsFor } from './provisions.ts'
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
  readonly surface: string
  /** Its first term. */
  readonly stem: string
}

interface Place extends NotedWord {
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

const hasDigit = /\p{Nd}/u

/** The notations of a tidied text, whose words are given in order. */
export function notationsOf(text: string, words: readonly NotedWord[], language: string): Notation[] {
  if (!hasDigit.test(text)) return []
  const places = placed(text, words)
  const view: Words = {
    text,
    language,
    at: index => places[index],
    gap: index => text.slice(places[index]?.end ?? text.length, places[index + 1]?.start ?? text.length),
  }
  const found: Notation[] = []
  let last = -1
  for (const [index, word] of places.entries()) {
    if (index <= last || !hasDigit.test(word.surface)) continue
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

/** Words stand in the text in their order, with nothing between them that could be taken for the next one. */
function placed(text: string, words: readonly NotedWord[]): Place[] {
  let from = 0
  return words.map(word => {
    const start = text.indexOf(word.surface, from)
    from = start + word.surface.length
    return { ...word, start, end: from }
  })
}

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

const numericDate: Finder = ({ at, gap, language }, index, { surface }) => {
  const [separator, next, third] = [gap(index), at(index + 1), at(index + 2)]
  const isSlashed = separator === '/' && gap(index + 1) === '/' && third !== undefined
  const written = isSlashed ? [surface, next?.surface, third.surface].join('-') : surface
  const span = { first: index, last: isSlashed ? index + 2 : index }
  const ordered = yearFirst.exec(written)
  if (ordered) return dayTerm(Number(ordered[1]), Number(ordered[3]), Number(ordered[4]), span)
  const [, one = '', sign, other = '', last = ''] = yearLast.exec(written) ?? []
  if (one === '' || (last.length === 2 && (one.length < 2 || other.length < 2 || (sign === '-' && !isSlashed))))
    return []
  const year = Number(last) + (last.length === 2 ? 2000 : 0)
  const [a, b] = [Number(one), Number(other)]
  const monthFirst = b > 12 || (sign !== '.' && bothOrders.has(language)) ? dayTerm(year, a, b, span) : []
  const dayFirst = a > 12 || sign === '.' || b <= 12 ? dayTerm(year, b, a, span) : []
  return a === b ? dayFirst : [...dayFirst, ...monthFirst]
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
  const months = monthsFor(words.language)
  const before = step(words, index, -1)
  const after = step(words, index, 1)
  const monthAfter = after === null ? undefined : months.get(words.at(after)!.stem)
  const monthBefore = before === null ? undefined : months.get(words.at(before)!.stem)
  const value = number(word)
  const day = Number(ordinal.exec(word.surface)?.[1] ?? NaN)
  if (isDay(day) && monthAfter !== undefined)
    return withYear(words, { day, month: monthAfter, first: index, last: after! })
  if (isDay(day) && monthBefore !== undefined)
    return withYear(words, { day, month: monthBefore, first: before!, last: index })
  if (!isYear(value)) return []
  const dayAfter = after === null ? NaN : Number(ordinal.exec(words.at(after)!.surface)?.[1] ?? NaN)
  const last = after === null ? null : step(words, after, 1)
  const month = last === null ? undefined : months.get(words.at(last)!.stem)
  // "2026 жылғы 30 маусым", "2026 June 30", "2026. június 30."
  if (isDay(dayAfter) && month !== undefined) return dayTerm(value, month, dayAfter, { first: index, last: last! })
  if (monthAfter !== undefined) {
    const at = step(words, after!, 1)
    const of = at === null ? NaN : Number(ordinal.exec(words.at(at)!.surface)?.[1] ?? NaN)
    return isDay(of)
      ? dayTerm(value, monthAfter, of, { first: index, last: at! })
      : monthTerm(value, monthAfter, { first: index, last: after! })
  }
  return monthBefore === undefined ? [] : monthTerm(value, monthBefore, { first: before!, last: index })
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

const time: Finder = ({ text, at, gap }, index, { surface, end }) => {
  const next = fold(at(index + 1)?.surface ?? '')
  const joined = /^(\d{1,2})h(\d{2})$/i.exec(surface)
  if (joined) return timeTerm(joined[1]!, joined[2]!, '', { first: index, last: index })
  const clock = gap(index) === ':' && /^\d{1,2}$/.test(surface) && /^(\d{2})(am|pm)?$/.exec(next)
  if (clock) {
    half.lastIndex = at(index + 1)!.end
    const mark = clock[2] ?? half.exec(text)?.[1] ?? ''
    return timeTerm(surface, clock[1]!, mark, { first: index, last: index + 1 })
  }
  if (['giờ', 'gio'].includes(next) && /^\d{2}$/.test(at(index + 2)?.surface ?? ''))
    return timeTerm(surface, at(index + 2)!.surface, '', { first: index, last: index + 2 })
  const short = /^(\d{1,2})([ap])m$/i.exec(surface)
  if (short) return timeTerm(short[1]!, '00', short[2]!, { first: index, last: index })
  half.lastIndex = end
  const mark = /^\d{1,2}(?:\.\d{2})?$/.test(surface) ? half.exec(text)?.[1] : undefined
  const [hour = '', minute = '00'] = surface.split('.')
  if (mark) return timeTerm(hour, minute, mark, { first: index, last: index })
  const isHour = afterHour.has(next) || beforeHour.has(fold(at(index - 1)?.surface ?? ''))
  return isHour && /^\d{1,2}\.[0-5]\d$/.test(surface) ? timeTerm(hour, minute, '', { first: index, last: index }) : []
}

function timeTerm(hour: string, minute: string, half: string, span: Span): Found[] {
  const hours = Number(hour)
  const isHalf = half !== '' && hours >= 1 && hours <= 12
  const onClock = isHalf ? (hours % 12) + (half.toLowerCase() === 'p' ? 12 : 0) : hours
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
  const [, abbreviation = '', itsNumber = ''] = glued.exec(word.surface) ?? []
  const named = abbreviation ? kinds.get(kinds.keyOf(abbreviation)) : undefined
  if (named) return { kind: named, number: fold(itsNumber), first: index, last: index }
  const [, before = '', name = ''] = suffixed.exec(word.surface) ?? []
  const ending = name ? kinds.get(kinds.keyOf(name)) : undefined
  if (ending) return { kind: ending, number: before, first: index, last: index }
  if (!provisionNumber.test(word.surface)) return undefined
  const number = fold(word.surface)
  if (sections.test(text.slice(Math.max(0, word.start - 4), word.start)))
    return { kind: 'sec', number, first: index, last: index }
  const previous = at(index - 1)
  const kind = previous && /^\.?\s*(?:№\s*)?$/.test(gap(index - 1)) ? kinds.get(previous.stem) : undefined
  return kind ? { kind, number, first: index - 1, last: index } : undefined
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
  time,
  provision,
  slashedCode,
  range,
  spacedCode,
]
