import { comparable, areNearDuplicates, type Comparable } from './near-duplicates.ts'
import type { Passage, PassageSection, Unit } from '../terms/passage.ts'

/** Adjacent chunks joined into one passage: at 400 tokens each at most, three still fit a prompt of 1,500. */
const maxJoined = 3

/**
 * The best `topK` of the ranked passages, without repetition. A near-duplicate of a better passage is left out.
 * Adjacent chunks of one section become one passage, at the position and with the scores of the better one. Lower ranks
 * fill up, so fewer than `topK` are returned only when there are no more.
 */
export function diversify(ranked: readonly Passage[], topK: number): Passage[] {
  const seen: Comparable[] = []
  const groups: Group[] = []
  for (const passage of ranked) {
    if (groups.length === topK) break
    const text = comparable(passage.text)
    if (seen.some(other => areNearDuplicates(text, other))) continue
    seen.push(text)
    addTo(groups, passage)
  }
  return groups.map(({ joined }) => joined)
}

/** Chunks joined into one passage. */
interface Group {
  readonly joined: Passage
  readonly count: number
}

/** Adds a passage to the group it touches. One between two groups joins them, at the position of the better one. */
function addTo(groups: Group[], passage: Passage): void {
  let group: Group = { joined: passage, count: 1 }
  let position = groups.length
  for (let i = groups.length - 1; i >= 0; i--) {
    const both = joinedGroup(groups[i]!, group)
    if (both === null) continue
    if (position < groups.length) groups.splice(position, 1)
    group = both
    position = i
  }
  groups[position] = group
}

function joinedGroup(better: Group, other: Group): Group | null {
  const count = better.count + other.count
  const joined = count > maxJoined ? null : join(better.joined, other.joined)
  return joined && { joined, count }
}

/**
 * Joins two consecutive parts of one section into the stored text from the start of the first to the end of the last.
 * Null otherwise: the text in between must be known, and a citation of another section or page would lead to the wrong
 * place.
 */
function join(better: Passage, other: Passage): Passage | null {
  if (!areOfOneSection(better, other)) return null
  const [first, second] = better.start <= other.start ? [better, other] : [other, better]
  const between = gapBetween(first, second)
  if (between === null) return null
  const text = first.text + between + second.text.slice(Math.max(0, first.end - second.start))
  const windows = [...first.windows, ...second.windows]
  const units = joinedUnits(first, second)
  const { blanksBefore = '' } = first
  const { tokens: _alone, sections: _sections, tableHeader: _header, units: _units, ...joined } = better
  return {
    ...joined,
    text,
    blanksBefore,
    start: first.start,
    end: Math.max(first.end, second.end),
    windows,
    ...(units.length > 0 && { units }),
    ...joinedSections(first, second),
    ...(first.tableHeader !== undefined && { tableHeader: first.tableHeader }),
  }
}

/** Of units that both have, because the second chunk repeats the end of the first, one. */
function joinedUnits(first: Passage, second: Passage): readonly Unit[] {
  const units = first.units ?? []
  const last = units.at(-1)?.end ?? first.start
  return [...units, ...(second.units ?? []).filter(({ start }) => start >= last)]
}

function joinedSections(first: Passage, second: Passage): Pick<Passage, 'sections'> {
  if (first.sections === undefined && second.sections === undefined) return {}
  return { sections: [...sectionsOf(first), ...sectionsOf(second)] }
}

function sectionsOf({ sections, start, title, url, page }: Passage): readonly PassageSection[] {
  return sections ?? [{ start, title, url, page }]
}

/**
 * The text between two chunks: empty when they overlap by a sentence or two, else whitespace. Null when other chunks
 * lie between, or it is not known.
 */
function gapBetween(first: Passage, second: Passage): string | null {
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
