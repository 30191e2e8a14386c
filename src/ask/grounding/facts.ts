/**
 * The facts of a text that can be compared exactly: numbers with their units, dates, times, codes and names. Each is
 * read from the words of the text, whatever the form that it is written in.
 */
import { analyze, isStopWord } from '../../text/analyze.ts'
import { fold } from '../../text/fold.ts'
import { withoutLinkTargets } from '../../text/links.ts'
import type { Notation } from '../../text/notations.ts'
import { cut } from '../../text/tokens.ts'
import { multiplier, spokenNumbers } from './number-words.ts'
import { inDays, unitAround, unitNamed, valuesOf, type Amount } from './quantities.ts'
import { monthNamesFor, weekdaysFor } from './calendar-names.ts'
import { daysWritten, hourOf, timesNamed, withoutTimeEndings } from './clock.ts'
import { dayRanges } from './day-ranges.ts'
import type { Fact, FactKind, PlacedWord, ReadText } from './fact-terms.ts'
import { isSentenceStart, nameRule, type NameRule } from './names.ts'

/** Reads a text by the rules of a language. */
export function readText(text: string, language: string): ReadText {
  const written = withoutTimeEndings(text)
  const analysis = analyze(written, language)
  const { text: plain, surfaces } = cut(withoutLinkTargets(written))
  let end = 0
  const words = surfaces.map((surface, i): PlacedWord => {
    const start = plain.indexOf(surface, end)
    end = start + surface.length
    return { surface, word: analysis.words[i]!, start, end }
  })
  const view: View = { text: plain, words, language: analysis.language, code: codeSpans(written, plain) }
  const noted = notedFacts(analysis.notations, view)
  const taken = new Set(noted.flatMap(({ first, last }) => range(first, last)))
  const spoken = spokenFacts(view, taken)
  for (const { first, last } of spoken) for (const index of range(first, last)) taken.add(index)
  const names = nameRule(view)
  const single = words.flatMap((_, index) =>
    taken.has(index) ? [] : isAddress(view, index) ? [addressFact(view, index)] : wordFacts(view, index, names),
  )
  const facts = [...noted, ...spoken, ...single]
  return { language: view.language, words, text: plain, facts: [...facts, ...dayRanges(facts, plain, words)] }
}

/** The first word of a mail address. */
function isAddress({ text, words }: View, index: number): boolean {
  const [own, next] = [words[index]!, words[index + 1]]
  return next !== undefined && next.start === own.end + 1 && text[own.end] === '@'
}

function addressFact(view: View, index: number): Fact {
  const last = index + 1
  const surface = view.text.slice(view.words[index]!.start, view.words[last]!.end)
  return fact('code', view, index, { last, keys: [compact(surface)] })
}

interface View extends Omit<ReadText, 'facts'> {
  /** Inline code. */
  readonly code: readonly { readonly start: number; readonly end: number }[]
}

/** Places of inline code in the tidied text, where a backtick is an apostrophe. */
function codeSpans(text: string, plain: string) {
  let from = 0
  return Array.from(text.matchAll(/`([^`\n]+)`/g), match => {
    const code = `'${cut(match[1]!).text}'`
    const start = plain.indexOf(code, from)
    if (start >= 0) from = start + code.length
    return { start, end: start < 0 ? start : from }
  })
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

const nothing = { keys: [], wider: [], amounts: [], counted: null, isSoft: false } as const

function fact(kind: FactKind, view: View, first: number, more: Partial<Fact>): Fact {
  const last = more.last ?? first
  const surface = view.text.slice(view.words[first]!.start, view.words[last]!.end)
  return {
    ...nothing,
    kind,
    surface,
    first,
    last,
    ...more,
    ...(kind === 'number' && countedBy(view, last, more.amounts ?? [])),
  }
}

/** What a number counts: the word after it, or after the unit of an amount ("12 GB of memory"). */
function countedBy(view: View, last: number, amounts: readonly Amount[]): Pick<Fact, 'counted' | 'wider'> {
  const { kind } = amounts[0]?.unit ?? {}
  const isOfSomething = kind !== undefined && measured.has(kind)
  const counted = isOfSomething
    ? wordAfter(view, wordAfterIs(view, last, kind) ? last + 1 : last)
    : wordAfter(view, last)
  const hours = amounts.map(amount => hourOf(amount, counted)).filter(each => each !== null)
  return { counted, wider: hours }
}

/** Units of what is named after them; after others comes something else. */
const measured: ReadonlySet<string> = new Set(['weight', 'data', 'length'])
const genitives: ReadonlySet<string> = new Set(['of', 'di', "d'", 'de'])

function wordAfterIs({ words }: View, last: number, kind: string): boolean {
  const next = words[last + 1]
  return next !== undefined && unitNamed(fold(next.surface))?.kind === kind
}

/** The stem of the content word after another; null where none follows at once. */
function wordAfter(view: View, last: number): string | null {
  const { text, words, language } = view
  const [own, next] = [words[last]!, words[last + 1]]
  if (next === undefined || text.slice(own.end, next.start) !== ' ') return null
  if (genitives.has(next.word.parts[0] ?? '')) return wordAfter(view, last + 1)
  const [term = null] = next.word.terms
  return term === null || isStopWord(term, language) ? null : term
}

/** "may" and "march" are verbs, too. */
const doubtfulMonths = /(?:^|\s)(?:may|march|mar|dec|sat|sun)(?:\s|$)/

/** Dates, times, provisions and codes that the analysis has found; several readings of one place are one fact. */
function notedFacts(notations: readonly Notation[], view: View): Fact[] {
  const places = Map.groupBy(notations, ({ first, last }) => `${first}-${last}`)
  return [...places.values()].flatMap(readings => {
    const [{ term, first, last }] = readings as [Notation, ...Notation[]]
    // A range claims its two numbers.
    if (/^\d+-\d+$/.test(term)) return []
    const surface = view.text.slice(view.words[first]!.start, view.words[last]!.end)
    const isDate = /^(?:--|\d{4}-\d\d)/.test(term)
    if (isDate && doubtfulMonths.test(surface)) return []
    const isTime = /^\d{1,2}:\d\d$/.test(term)
    const kind = isDate ? 'date' : isTime ? 'time' : 'code'
    const months = isDate ? readings.map(each => `month:${Number(/(?:^--|-)(\d\d)/.exec(each.term)![1])}`) : []
    const keys = readings.flatMap(each => [each.term, ...daysWritten(each.term)])
    const wider = [...readings.flatMap(each => each.wider), ...months]
    return [fact(kind, view, first, { last, keys, wider })]
  })
}

function spokenFacts(view: View, taken: ReadonlySet<number>): Fact[] {
  // "twenty-five" is one word of the text.
  const parts = view.words.flatMap(({ word }, index) =>
    (taken.has(index) || word.hasDigit || isMultiplier(view, index) ? [''] : word.parts).map(part => ({
      word: part,
      index,
    })),
  )
  const found = spokenNumbers(
    parts.map(({ word }) => word),
    view.language,
  )
  return found.flatMap(({ value, isSoft, ...place }) => {
    const [first, last] = [parts[place.first]!.index, parts[place.last]!.index]
    const isWeekday = value >= 2 && value <= 7 && /^thứ$/iu.test(view.words[first - 1]?.surface ?? '')
    if (view.language === 'vi' && isWeekday)
      return [fact('date', view, first, { last, keys: [`weekday:${value - 1}`] })]
    // "per cento", "phần trăm".
    if (/^(?:per|phần)$/iu.test(view.words[first - 1]?.surface ?? '') && value === 100) return []
    return [fact('number', view, first, { last, isSoft, amounts: [amountAt(view, value, first, last)] })]
  })
}

/** "2 million": read with the digits before it. */
function isMultiplier({ words, language }: View, index: number): boolean {
  return /^[\d.,]+$/.test(words[index - 1]?.surface ?? '') && multiplier(fold(words[index]!.surface), language) > 1
}

function amountAt({ text, words }: View, value: number, first: number, last: number): Amount {
  const [start, end] = [words[first]!.start, words[last]!.end]
  const named = unitAround(text.slice(Math.max(0, start - 2), start), text.slice(end, end + 40))
  const before = named === undefined && first > 0 ? unitNamed(fold(words[first - 1]!.surface)) : undefined
  const isMoney = before !== undefined && before.factor === 1 && /^(?:eur|usd|gbp|kzt|rub|vnd)$/.test(before.kind)
  return inDays({ value, unit: named ?? (isMoney ? before : undefined) })
}

function wordFacts(view: View, index: number, isName: NameRule): Fact[] {
  const { surface, word, start, end } = view.words[index]!
  const isCode = view.code.some(span => start >= span.start && end <= span.end)
  if (word.hasDigit) return isCode && !/^[\d.,]+$/.test(surface) ? [codeFact(view, index)] : digitFacts(view, index)
  if (isCode || isIdentifier(surface)) return [codeFact(view, index)]
  if (isLetterName(view, index)) return [codeFact(view, index)]
  const times = timesNamed(surface)
  if (times.length > 0) return [fact('time', view, index, { keys: times })]
  const days = daysNamed(word.parts[0] ?? '')
  if (days.length > 0) return [fact('date', view, index, { keys: days, isSoft: true })]
  const calendar = calendarKey(view, index)
  if (calendar !== null) return [fact('date', view, index, { keys: [calendar] })]
  // "4 GB" is a number with its unit.
  const isUnit = view.words[index - 1]?.word.hasDigit === true && unitNamed(fold(surface)) !== undefined
  return isName(index) && !isUnit ? [fact('name', view, index, { keys: word.terms })] : []
}

/** "Type B", "building C". */
function isLetterName({ text, words }: View, index: number): boolean {
  const { surface, start, end } = words[index]!
  if (index === 0 || !/^[A-HJ-Z]$/.test(surface) || text[end] === '.' || text[start - 1] === '°') return false
  return !isSentenceStart(text, start)
}

/** Ordinals: "27-м", "5-ші". */
const inflectedNumber = /^(\d{1,6})-(\p{Script=Cyrillic}{1,3})$/u
const suffixed = /^(\d[\d.,]*)-?(\p{Ll}[\p{L}\p{M}]*)$/u

function digitFacts(view: View, index: number): Fact[] {
  const { surface, end } = view.words[index]!
  const number = (digits: string, unitLetters = ''): Fact[] => {
    const next = view.words[index + 1]
    const times = next && next.start - end <= 1 ? multiplier(fold(next.surface), view.language) : 1
    const unit = unitNamed(fold(unitLetters))
    const amounts = valuesOf(digits).map(value =>
      unit ? inDays({ value, unit }) : amountAt(view, value * times, index, times === 1 ? index : index + 1),
    )
    return amounts.length === 0 ? [codeFact(view, index)] : [fact('number', view, index, { amounts })]
  }
  if (/^[\d., ]+$/.test(surface)) return number(surface)
  if (/^\d+(?:-\d+)+$/.test(surface)) return surface.split('-').flatMap(part => number(part))
  const inflected = inflectedNumber.exec(surface)?.[1]
  if (inflected !== undefined) return number(inflected)
  const [, digits, letters] = suffixed.exec(surface) ?? []
  const isQuantity =
    digits !== undefined && (letters!.length > 1 || unitNamed(letters!) !== undefined || letters === 'x')
  return isQuantity ? number(digits, letters) : [codeFact(view, index)]
}

const elided = /^\p{L}{1,5}['’](?=\p{L}*\d)/u

function codeFact(view: View, index: number): Fact {
  const { surface } = view.words[index]!
  const digits = /\d+/.exec(surface)?.[0]
  return fact('code', view, index, {
    // "L'S1" is S1.
    keys: [compact(surface), ...(elided.test(surface) ? [compact(surface.replace(elided, ''))] : [])],
    ...(digits !== undefined && { amounts: [{ value: Number(digits) }] }),
  })
}

/** A code without case and separators: "FH-203" and "fh 203" are one. */
export function compact(text: string): string {
  return fold(text).replace(/[^\p{L}\p{M}\p{N}]+/gu, '')
}

/** "config.yaml", "max_connections", "useEffect", but not "e.g." and not a full stop without a space. */
function isIdentifier(surface: string): boolean {
  if (/_|\p{Ll}\p{Lu}/u.test(surface)) return true
  return /^[\p{L}\p{N}_-]{2,}(?:\.[\p{Ll}\p{N}_-]{2,})+$/u.test(surface)
}

/** `month:6` or `weekday:1` where a word names one. */
function calendarKey({ words, language }: View, index: number): string | null {
  const { surface, word } = words[index]!
  const [term = ''] = word.terms
  // In English such a word is a verb unless it has a capital.
  if (language === 'en' && !/^\p{Lu}/u.test(surface)) return null
  const [month, weekday] = [monthNamesFor(language).get(term), weekdaysFor(language).get(term)]
  return month !== undefined ? `month:${month}` : weekday !== undefined ? `weekday:${weekday}` : null
}

const dayWords: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^(?:weekdays?|будн\p{L}*|ferial[ei])$/u, [1, 2, 3, 4, 5]],
  [/^(?:weekends?|выходн\p{L}*|festiv[oi])$/u, [6, 7]],
]

/** "On weekdays" supports each of the days, and claims none. */
function daysNamed(word: string): string[] {
  const days = dayWords.find(([pattern]) => pattern.test(word))?.[1] ?? []
  return days.map(day => `weekday:${day}`)
}
