/** Where a number of a reply stands: an independent reading, with nothing of the check in src/ask/grounding. */
import { numbersIn, wordValuesIn, type PlainNumber } from './plain-numbers.ts'

export type Standing = 'as written' | 'in words or another unit' | 'worked out' | 'nowhere'

/** Minutes, hours, days, weeks, months and years; kilograms, thousands and millions. */
const factors = [7, 12, 24, 30, 60, 1000, 1_000_000]

/** Numbers of some texts, written in digits and in words. */
export interface Held {
  readonly written: ReadonlySet<number>
  readonly spoken: ReadonlySet<number>
}

export function heldIn(texts: readonly string[]): Held {
  return {
    written: new Set(texts.flatMap(text => numbersIn(text).flatMap(({ readings }) => readings.flat()))),
    spoken: new Set(texts.flatMap(wordValuesIn)),
  }
}

export function standingOf({ text, readings }: PlainNumber, { written, spoken }: Held, reply: string): Standing {
  if (readings.some(values => values.every(value => written.has(value)))) return 'as written'
  const all = [...written, ...spoken]
  const isConverted = (value: number) =>
    value === 0 ||
    spoken.has(value) ||
    factors.some(factor => all.some(other => isEqual(other * factor, value) || isEqual(other, value * factor)))
  // 2 p.m. is 14:00.
  const isAfternoon = (value: number) => value > 12 && value <= 24 && written.has(value - 12)
  const isKnown = (value: number) =>
    written.has(value) || isConverted(value) || (isAfternoon(value) && text.includes(':'))
  if (isWorkedOut(text, reply)) return 'worked out'
  return readings.some(values => values.every(isKnown)) ? 'in words or another unit' : 'nowhere'
}

function isEqual(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-9 * Math.max(1, Math.abs(b))
}

/** It is the right result of a calculation that stands in the reply: "12 + 8 = 20". */
function isWorkedOut(number: string, reply: string): boolean {
  const at =
    reply.indexOf(`= ${number}`) >= 0
      ? reply.indexOf(`= ${number}`)
      : reply.search(new RegExp(`= ?[^\\d=]{0,3}${escaped(number)}`))
  if (at < 0) return false
  const [left = ''] = /[^.!?\n=]*(?:[.,]\d[^.!?\n=]*)*$/.exec(reply.slice(0, at)) ?? []
  const terms = [...left.matchAll(/([-+−×*]?)\s*[^\d\s+×*−-]{0,3}\s*(\d[\d.,]*)/g)]
  const value = (text: string) =>
    numbersIn(text)
      .flatMap(each => each.readings.map(reading => reading[0]!))
      .slice(-1)[0] ?? 0
  const [first, ...rest] = terms.slice(-2).map(match => ({ sign: match[1]!, value: value(match[2]!) }))
  if (first === undefined || rest[0] === undefined) return false
  const [second] = rest
  const result = /[×*]/.test(second.sign)
    ? first.value * second.value
    : /[-−]/.test(second.sign)
      ? first.value - second.value
      : first.value + second.value
  return isEqual(result, value(number))
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
