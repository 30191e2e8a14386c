/** Offsets into a text. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Boundaries at which a long text may be divided, best first: between paragraphs, lines, clauses and words. */
const seams = [/\n[^\S\n]*\n/g, /\n/g, /(?<=[.!?;,:])\s/g, /\s/g]

/**
 * Divides a span that is longer than `limit` (in units of `lengthOf`) into pieces that fit. It halves recursively, at
 * the best boundary near the middle. Pieces have no whitespace around them; nothing else is lost.
 */
export function splitLong(text: string, span: Span, limit: number, lengthOf: (text: string) => number): Span[] {
  const { start, end } = trimmed(text, span)
  if (start === end) return []
  const slice = text.slice(start, end)
  // One character may be several tokens, but it cannot be divided.
  const isOneCharacter = slice === String.fromCodePoint(slice.codePointAt(0)!)
  if (isOneCharacter || lengthOf(slice) <= limit) return [{ start, end }]
  const cut = start + middleSeam(slice)
  return [
    ...splitLong(text, { start, end: cut }, limit, lengthOf),
    ...splitLong(text, { start: cut, end }, limit, lengthOf),
  ]
}

function trimmed(text: string, { start, end }: Span): Span {
  const slice = text.slice(start, end)
  const blank = slice.length - slice.trimStart().length
  return { start: start + blank, end: start + blank + slice.trim().length }
}

function middleSeam(text: string): number {
  const from = Math.floor(text.length / 4)
  const middle = text.slice(from, Math.ceil((text.length * 3) / 4))
  for (const seam of seams) {
    const offset = nearestMatch(middle, seam, text.length / 2 - from)
    if (offset !== undefined && from + offset > 0) return from + offset
  }
  return betweenCharacters(text, Math.ceil(text.length / 2))
}

/** Iterates over the matches, because an array of them can take a hundred times the memory of the text. */
function nearestMatch(text: string, seam: RegExp, wanted: number): number | undefined {
  let before: number | undefined
  for (const { index } of text.matchAll(seam)) {
    if (index >= wanted) return before !== undefined && wanted - before <= index - wanted ? before : index
    before = index
  }
  return before
}

function nearest(offsets: readonly number[], wanted: number): number {
  return offsets.reduce((best, next) => (Math.abs(next - wanted) < Math.abs(best - wanted) ? next : best))
}

const characters = new Intl.Segmenter('und', { granularity: 'grapheme' })
const context = 64

/**
 * The offset, or one near it, that does not split a surrogate pair, nor a letter from its combining marks unless there
 * are dozens of them.
 */
function betweenCharacters(text: string, offset: number): number {
  const from = wholePair(text, Math.max(0, offset - context))
  const nearby = text.slice(from, offset + context)
  const bounds = [...characters.segment(nearby)].map(({ index }) => from + index).filter(bound => bound > from)
  return bounds.length > 0 ? nearest(bounds, offset) : wholePair(text, offset)
}

function wholePair(text: string, offset: number): number {
  const code = text.charCodeAt(offset)
  return code >= 0xdc00 && code <= 0xdfff && offset > 0 ? offset - 1 : offset
}
