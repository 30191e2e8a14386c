import { fold } from './fold.ts'
import { memoized } from './memoized.ts'
import { stem } from './stem.ts'

/** The number of a month, by the stem of its name. */
export type Months = ReadonlyMap<string, number>

/**
 * Names of the months in a language, in English and in Russian, from the Unicode data of the runtime: full and short,
 * alone and in a date ("июнь", "июня").
 */
export const monthsFor = memoized((language: string): Months => {
  const months = new Map<string, number>()
  for (const each of [language, 'en', 'ru']) {
    for (const [name, month] of namesIn(each)) {
      const key = stem(name, language)
      if (!months.has(key)) months.set(key, month)
    }
  }
  return months
})

function namesIn(language: string): [string, number][] {
  if (Intl.DateTimeFormat.supportedLocalesOf(language).length === 0) return []
  const formats = (['long', 'short'] as const).flatMap(month => [
    new Intl.DateTimeFormat(language, { month, timeZone: 'UTC', calendar: 'gregory' }),
    new Intl.DateTimeFormat(language, { month, day: 'numeric', timeZone: 'UTC', calendar: 'gregory' }),
  ])
  return Array.from({ length: 12 }, (_, month) => new Date(Date.UTC(2026, month, 15))).flatMap((date, index) =>
    formats.flatMap(format =>
      format
        .formatToParts(date)
        .filter(part => part.type === 'month')
        // "juin", "juin." and "6月": only names.
        .map(part => fold(part.value).replace(/\.$/, ''))
        .filter(name => /^[\p{L}\p{M}]{3,}$/u.test(name))
        .map((name): [string, number] => [name, index + 1]),
    ),
  )
}
