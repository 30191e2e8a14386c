/** "From Tuesday to Sunday" holds each of the days between, and says of the others that they are not meant. */
import type { Fact, PlacedWord } from './fact-terms.ts'

const joined = /^\s*(?:[–—-]|to|through|thru|till|until|по|до|a|al|alla|fino a|đến|tới)?\s*(?:thứ|la|il)?\s*$/iu
const beginning = /(?:^|[^\p{L}])(?:from|с|со|da|dal|dalla|từ|từ thứ)\s*$|[–—-]\s*$/iu

/** For each range of days of the week, a fact that supports the days between; `off:N` for those outside. */
export function dayRanges(facts: readonly Fact[], text: string, words: readonly PlacedWord[]): Fact[] {
  const days = facts.filter(({ kind, isSoft, keys }) => kind === 'date' && !isSoft && dayOf(keys) !== null)
  return days.flatMap((from, i) => {
    const to = days[i + 1]
    if (to === undefined) return []
    const between = text.slice(words[from.last]!.end, words[to.first]!.start)
    if (!joined.test(between)) return []
    const after = text.slice(words[to.last]!.end, words[to.last]!.end + 8)
    const isRange =
      between.trim() !== '' || /^\s*дейін/u.test(after) || beginning.test(text.slice(0, words[from.first]!.start))
    return isRange ? [rangeOf(from, to)] : []
  })
}

function rangeOf(from: Fact, to: Fact): Fact {
  const [first, last] = [dayOf(from.keys)!, dayOf(to.keys)!]
  const length = (last - first + 7) % 7
  const days = Array.from({ length: 7 }, (_, i) => ({ day: ((first - 1 + i) % 7) + 1, isInside: i <= length }))
  return {
    ...from,
    last: to.last,
    keys: days.map(({ day, isInside }) => (isInside ? `weekday:${day}` : `off:${day}`)),
    isSoft: true,
  }
}

function dayOf(keys: readonly string[]): number | null {
  const day = keys.map(key => /^weekday:([1-7])$/.exec(key)?.[1]).find(each => each !== undefined)
  return day === undefined ? null : Number(day)
}
