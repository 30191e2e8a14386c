/** A piece of text in a PDF: its lower left corner and its width, in points, in a frame in which lines run rightwards. */
export interface Piece {
  readonly text: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly size: number
}

/** Consecutive pieces on one line without a wide gap between them. */
export interface Segment {
  readonly text: string
  readonly x: number
  readonly right: number
  readonly y: number
  readonly size: number
  /** Place in the order in which the page is drawn. */
  readonly order: number
  /** True for the value of a form's field, which is a line of its own. */
  readonly isField?: boolean
}

/** In sizes of the font: a wider gap separates columns or cells. */
const widestSpace = 0.8
const narrowestSpace = 0.17

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹'
const subscripts = '₀₁₂₃₄₅₆₇₈₉'

/** Signs of a list, also those of symbol fonts, and numbers and letters with a full stop or a parenthesis. */
export const listMarker = /^(?:[•▪‣◦●○■□❖➢✓·\uf0a7\uf0b7\uf0d8*–—-]|\(?(?:\d{1,3}|\p{L}|[ivx]{1,5})[.)])\s/u

interface Open {
  readonly x: number
  readonly y: number
  readonly size: number
  right: number
  parts: string[]
  last: string
}

/** Joins pieces into segments, in the order in which they are drawn. Raised and lowered digits keep their place. */
export function segmentsOf(pieces: readonly Piece[]): Segment[] {
  const open: Open[] = []
  const lastWith = new Map<string, Piece>()
  for (const piece of pieces) {
    if (piece.text.trim() === '' || isDrawnTwice(piece, lastWith.get(piece.text))) continue
    lastWith.set(piece.text, piece)
    const segment = open.at(-1)
    const text = segment === undefined ? null : continuation(segment, piece)
    if (segment === undefined || text === null) open.push(opened(piece))
    else extend(segment, text, piece)
  }
  return open.map(({ x, y, size, right, parts }, order) => ({ text: parts.join('').trim(), x, y, size, right, order }))
}

/** Some programs draw a text twice, a little apart, to make it look bold. */
function isDrawnTwice(piece: Piece, before: Piece | undefined): boolean {
  if (before === undefined) return false
  const near = piece.size * 0.15
  return Math.abs(piece.x - before.x) < near && Math.abs(piece.y - before.y) < near && piece.width > 0
}

function opened(piece: Piece): Open {
  const { text, x, y, size } = piece
  return { x, y, size, right: rightOf(piece), parts: [text], last: text }
}

/** The width of a piece includes the spaces at its end. */
function rightOf({ text, x, width, size }: Piece): number {
  const spaces = text.length - text.trimEnd().length
  return x + Math.max(0, width - spaces * 0.25 * size)
}

function extend(segment: Open, text: string, piece: Piece): void {
  segment.parts.push(text)
  segment.last = text
  segment.right = Math.max(segment.right, rightOf(piece))
}

/** The text that continues the segment, or null if the piece stands apart from it. */
function continuation(segment: Open, piece: Piece): string | null {
  const gap = piece.x - segment.right
  if (gap > 0 && gap < 4 * segment.size && isMarker(segment.parts) && isOnLine(segment, piece)) return ` ${piece.text}`
  if (gap < -0.5 * segment.size || gap > widestGap(segment, piece)) return null
  const shifted = shiftedDigits(segment, piece, gap)
  if (shifted !== null) return shifted
  if (!isOnLine(segment, piece) || piece.size > segment.size * 1.5) return null
  const isSpace = gap > narrowestSpace * segment.size && !/\s$/.test(segment.last) && !/^\s/.test(piece.text)
  return isSpace ? ` ${piece.text}` : piece.text
}

function isOnLine(segment: Open, piece: Piece): boolean {
  return Math.abs(piece.y - segment.y) <= 0.3 * segment.size
}

/** The sign or number of a list item stands apart from its text. */
function isMarker(parts: readonly string[]): boolean {
  return parts.length === 1 && listMarker.test(`${parts[0]!.trim()} `)
}

/** Korean fonts may have a space as wide as a syllable. */
function widestGap(segment: Open, piece: Piece): number {
  const isKorean = /\p{Script=Hangul}/u.test(segment.last.slice(-1)) || /^\p{Script=Hangul}/u.test(piece.text)
  return (isKorean ? 1.1 : widestSpace) * Math.max(segment.size, piece.size)
}

/** Small digits above or below the line, after a letter, a digit or a closing mark, as Unicode's own. */
function shiftedDigits(segment: Open, piece: Piece, gap: number): string | null {
  const rise = (piece.y - segment.y) / segment.size
  if (piece.size > segment.size * 0.85 || Math.abs(rise) > 0.8 || gap > 0.35 * segment.size) return null
  const isRaised = rise > 0.12
  const isLowered = rise < -0.05
  if (!isRaised && !isLowered) return null
  const text = piece.text.trim()
  if (!/[\p{L}\p{N}\p{Pe}\p{Pf}.,;:!?"'%°]$/u.test(segment.last.trimEnd().slice(-2))) return piece.text
  if (isRaised && /^[-+−]?\d+(?:[,–-]\d+)*$/.test(text)) return raised(text)
  if (isLowered && /^\d+$/.test(text)) return text.replace(/\d/g, digit => subscripts[Number(digit)]!)
  return piece.text
}

function raised(text: string): string {
  return text
    .replace(/\d/g, digit => superscripts[Number(digit)]!)
    .replace(/^[-−]/, '⁻')
    .replace(/^\+/, '⁺')
}
