import { fold } from '../../text/fold.ts'
import { memoized } from '../../text/memoized.ts'

/** A negated bound ("no more than five") without its negation is another claim; so is a bound turned around. */
const directions: Readonly<Record<string, readonly [most: string, least: string, over: string, under: string]>> = {
  en: [
    'no later than|not later than|no more than|not more than|no longer than|at most|up to|maximum|not exceed|not exceeding|within',
    'no less than|not less than|at least|no fewer than|minimum|no earlier than|not earlier than',
    'more than|over|exceeds?|longer than|later than',
    'less than|fewer than|under|below|earlier than',
  ],
  ru: [
    'не позднее|не позже|не более|не больше|не свыше|не превышает|не дольше|максимум|до',
    'не менее|не меньше|не ранее|не раньше|минимум|как минимум',
    'более|больше|свыше|позднее|позже|дольше',
    'менее|меньше|ранее|раньше',
  ],
  vi: [
    'không quá|không muộn hơn|không nhiều hơn|tối đa|chậm nhất',
    'không ít hơn|không dưới|ít nhất|tối thiểu',
    'hơn|trên|quá|vượt quá',
    'dưới|ít hơn',
  ],
  it: ['non oltre|non più di|al massimo|massimo|entro', 'non meno di|almeno|minimo', 'più di|oltre', 'meno di|sotto'],
  kk: ['аспайтын|аспайды|артық емес|көп емес|дейін', 'кем емес|кемінде', 'артық|асатын|асса', 'кем|аз'],
}

type Direction = 'most' | 'least' | 'over' | 'under'

const directionsFor = memoized((language: string) =>
  (['most', 'least', 'over', 'under'] as const).map((direction, i) => {
    const words = directions[language]![i]!.split('|').map(word => fold(word).replace(/\s+/g, '\\s+'))
    return {
      direction,
      pattern: new RegExp(`(?<![\\p{L}\\p{M}])(?:${words.join('|')})(?=\\s+(?:[\\p{L}]+\\s+)?\\d)`, 'gu'),
    }
  }),
)

/** The bounds that a text sets, where it says so. */
export function boundsOf(text: string, language: string): ReadonlySet<Direction> {
  const found = new Set<Direction>()
  if (!Object.hasOwn(directions, language)) return found
  let rest = fold(text)
  for (const { direction, pattern } of directionsFor(language)) {
    const left = rest.replace(pattern, ' ')
    if (left !== rest) found.add(direction)
    rest = left
  }
  return found
}
