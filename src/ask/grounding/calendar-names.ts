import { fold } from '../../text/fold.ts'
import { stem } from '../../text/stem.ts'

/** Numbers of months or days of the week, from 1 for January and Monday, by the stem of their name. */
export type CalendarNames = ReadonlyMap<string, number>

interface Calendar {
  readonly months: CalendarNames
  readonly weekdays: CalendarNames
}

const known = new Map<string, Calendar>()
const none: Calendar = { months: new Map(), weekdays: new Map() }

/** Full names of the months in a language; text/months.ts has those of dates, with other languages and abbreviations. */
export function monthNamesFor(language: string): CalendarNames {
  return calendarFor(language).months
}

/** Full names of the days of the week in a language. */
export function weekdaysFor(language: string): CalendarNames {
  return calendarFor(language).weekdays
}

/** From the Unicode data of the runtime. Callers may name any language, and only those of the runtime are kept. */
function calendarFor(language: string): Calendar {
  const found = known.get(language)
  if (found) return found
  if (!/^[a-z]{2}$/.test(language) || Intl.DateTimeFormat.supportedLocalesOf(language).length === 0) return none
  const names = (count: number, dateOf: (number: number) => Date, part: 'month' | 'weekday') => {
    const format = new Intl.DateTimeFormat(language, { [part]: 'long', timeZone: 'UTC', calendar: 'gregory' })
    const pairs = Array.from({ length: count }, (_, i) => [fold(format.format(dateOf(i + 1))), i + 1] as const)
    // "thứ hai", "6月": names of one word.
    return new Map(
      pairs.filter(([name]) => /^\p{L}[\p{L}\p{M}]+$/u.test(name)).map(([name, i]) => [stem(name, language), i]),
    )
  }
  const calendar = {
    months: names(12, month => new Date(Date.UTC(2026, month - 1, 15)), 'month'),
    // 1 June 2026 is a Monday.
    weekdays: names(7, day => new Date(Date.UTC(2026, 5, day)), 'weekday'),
  }
  known.set(language, calendar)
  return calendar
}
