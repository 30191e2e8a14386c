import { comparable, areNearDuplicates, type Comparable } from './near-duplicates.ts'
import type { Passage } from '../terms.ts'

/** Neighbours that stand as one passage: chunks of at most 400 tokens, so that three still fit a prompt of 1,500. */
const mostJoined = 3

/**
 * The best `topK` of ranked passages, each saying something of its own. A passage that says the same as a better one
 * is left out; neighbouring chunks of one section become one passage, at the place and with the scores of the better.
 * What follows in the ranking fills up, so that fewer than `topK` come back only when there are no more.
 */
export function diversify(ranked: readonly Passage[], topK: number): Passage[] {
  const kept: Comparable[] = []
  const groups: Group[] = []
  for (const passage of ranked) {
    if (groups.length === topK) break
    const text = comparable(passage.text)
    if (kept.some(other => areNearDuplicates(text, other))) continue
    kept.push(text)
    addTo(groups, passage)
  }
  return groups.map(({ joined }) => joined)
}

/** Chunks that stand as one passage. */
interface Group {
  readonly joined: Passage
  readonly count: number
}

/** A passage goes to the group it touches; one between two groups brings them together, at the place of the better. */
function addTo(groups: Group[], passage: Passage): void {
  let group: Group = { joined: passage, count: 1 }
  let place = groups.length
  for (let i = groups.length - 1; i >= 0; i--) {
    const both = together(groups[i]!, group)
    if (both === null) continue
    if (place < groups.length) groups.splice(place, 1)
    group = both
    place = i
  }
  groups[place] = group
}

function together(better: Group, other: Group): Group | null {
  const count = better.count + other.count
  const joined = count > mostJoined ? null : join(better.joined, other.joined)
  return joined && { joined, count }
}

/**
 * Two parts of one section that follow on each other, as the stored text from where the first starts to where the
 * last ends. Null for others: what stands between them must be known, and a citation of another section or page would
 * lead to the wrong place.
 */
function join(better: Passage, other: Passage): Passage | null {
  if (!areOfOneSection(better, other)) return null
  const [first, second] = better.start <= other.start ? [better, other] : [other, better]
  const between = betweenThem(first, second)
  if (between === null) return null
  const text = first.text + between + second.text.slice(Math.max(0, first.end - second.start))
  const windows = [...first.windows, ...second.windows]
  const { blanksBefore = '' } = first
  const { tokens: _alone, ...joined } = better
  return { ...joined, text, blanksBefore, start: first.start, end: Math.max(first.end, second.end), windows }
}

/** Chunks overlap by a sentence or two, or there are blanks between them. Null: other chunks are, or nobody knows. */
function betweenThem(first: Passage, second: Passage): string | null {
  const length = second.start - first.end
  if (length <= 0) return ''
  return second.blanksBefore?.length === length ? second.blanksBefore : null
}

function areOfOneSection(a: Passage, b: Passage): boolean {
  return (
    a.documentId === b.documentId &&
    a.version === b.version &&
    a.title === b.title &&
    a.url === b.url &&
    a.page === b.page
  )
}
