/** Times and days that are written without their usual signs: "noon", "at 14 hours", "31/12", "8:00-де". */
import { fold } from '../../text/fold.ts'
import type { Amount } from './quantities.ts'

const noon = /^(?:noon|midday|полд(?:ень|ня|ню|нем)|полудн(?:я|ю|ем)|mezzogiorno)$/u
const midnight = /^(?:midnight|полноч(?:ь|и|ью)|полуноч(?:и|ью)|mezzanotte)$/u

/** The times that a word names by itself, as keys of facts. */
export function timesNamed(surface: string): readonly string[] {
  const word = fold(surface)
  if (noon.test(word)) return ['12:00']
  return midnight.test(word) ? ['0:00', '24:00'] : []
}

/** "10" or "10 hours" may be the time 10:00; null where it is none. `counted`: what a number counts, if anything. */
export function hourOf({ value, unit }: Amount, counted: string | null): string | null {
  if (!Number.isInteger(value)) return null
  const hours = unit?.kind === 'time' ? (value * unit.factor) / 3600 : value
  const isHour = unit === undefined ? counted === null : unit.kind === 'time' && unit.factor === 3600
  return isHour && hours >= 0 && hours <= 24 ? `${hours}:00` : null
}

/** "31/12" may be a day: `--12-31`; in either order where both can be. */
export function daysWritten(term: string): string[] {
  const [, one, two] = /^(\d{1,2})\/(\d{1,2})$/.exec(term) ?? []
  if (one === undefined || two === undefined) return []
  const key = (month: string, day: string) => `--${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  const isDay = (month: string, day: string) =>
    Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= 31
  return [...(isDay(two, one) ? [key(two, one)] : []), ...(isDay(one, two) ? [key(one, two)] : [])]
}

const inflectedTime = /(?<=(?<!\d)\d{1,2}:\d\d)-\p{Script=Cyrillic}{2,4}(?![\p{L}\p{M}])/gu

/** Kazakh times without their case endings: "07:30-да" is "07:30". */
export function withoutTimeEndings(text: string): string {
  return text.replace(inflectedTime, '')
}
