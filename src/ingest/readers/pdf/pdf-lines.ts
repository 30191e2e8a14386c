import type { Line } from './pdf-regions.ts'
import { listMarker } from './pdf-pieces.ts'

/** Joins lines into paragraphs. A wider gap, the top of a column or another font size begins a new paragraph. */
export function paragraphsOf(lines: readonly Line[], gap: number): Paragraph[] {
  const paragraphs: { parts: string[]; size: number; lines: number; isData: boolean }[] = []
  lines.forEach((line, i) => {
    const before = lines[i - 1]
    const last = paragraphs.at(-1)
    if (before === undefined || last === undefined || isApart(before, line, gap)) {
      paragraphs.push({ parts: [shown(line.text)], size: line.size, lines: 1, isData: line.isField === true })
    } else {
      addLine(last.parts, shown(line.text), isWrapped(lines, i) ? ' ' : '\n')
      last.lines += 1
    }
  })
  return paragraphs.map(({ parts, ...rest }) => ({ ...rest, text: withJoinedLinks(parts.join('')) }))
}

export interface Paragraph {
  readonly text: string
  /** Size of the font of its first line. */
  readonly size: number
  readonly lines: number
  /** True for tables and for fields of a form, which are never headings. */
  readonly isData: boolean
}

/** Joins with the last line only, because a paragraph may have as many lines as the file. */
function addLine(parts: string[], line: string, joint: ' ' | '\n'): void {
  if (joint === '\n') {
    parts.push('\n', line)
    return
  }
  const last = parts.pop() ?? ''
  const joined = joinLines(last, line)
  parts.push(joined.slice(0, joined.length - line.length), line)
}

/** A list item begins with a hyphen, whatever sign the document has. Leader dots of a table of contents are cut. */
function shown(line: string): string {
  return line
    .replace(/^(?:[•▪‣◦●○■□❖➢✓·\uf0a7\uf0b7\uf0d8]\s*|[*–—]\s+)/u, '- ')
    .replace(/\s+/g, ' ') // first, because looking for spaces before the dots would go over long runs again and again
    .replace(/ ?(?:\. ?){5,}/g, ' … ')
    .trimEnd()
}

/** Usual gap between lines of a paragraph: the first quartile, because gaps between paragraphs are wider. */
export function usualGap(blocks: readonly (readonly Line[])[]): number {
  const gaps = blocks.flatMap(lines => lines.slice(1).map((line, i) => gapBetween(lines[i]!, line)))
  const sorted = gaps.filter(gap => gap > 0).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 4)] ?? 0
}

/** The gap is 0 if the line is hardly lower. */
function gapBetween(before: Line, line: Line): number {
  const gap = before.y - line.y
  return gap > before.size * 0.7 ? gap : 0
}

/** Distance of double-spaced lines, in sizes of the font. */
const widestPitch = 2.6

function isApart(before: Line, line: Line, usual: number): boolean {
  const gap = before.y - line.y
  const widest = Math.min(Math.max(usual * 1.4, line.size * 1.3), line.size * widestPitch)
  return gap < 0 || gap > widest || Math.abs(before.size - line.size) > 1
}

/** Lines before and after a line that show where lines end. */
const around = 12
/** A line of this length (in characters) that reaches the edge goes on in the next one. */
const longLine = 45

/** Whether the sentence goes on from the line before: that line is full, and what follows looks like its continuation. */
function isWrapped(lines: readonly Line[], i: number): boolean {
  const [before, line] = [lines[i - 1]!, lines[i]!]
  if (listMarker.test(line.text) || / … \S+$|(?:\.\s?){4}/.test(before.text)) return false
  if (line.isOrdered === true) return true
  if (line.isField === true || before.isField === true) return false
  const isWithin = /^[\p{Ll}(]/u.test(line.text)
  if (isWithin && isHyphened(before.text)) return true
  const near = lines
    .slice(Math.max(0, i - around), i + around)
    .filter(({ size, x }) => Math.abs(size - line.size) <= 1 && Math.abs(x - before.x) < 4 * line.size)
  const edge = near.reduce((most, { right }) => Math.max(most, right), -Infinity)
  const slack = edge - before.right
  if (slack > firstWordWidth(line) + 0.5 * line.size) return isWithin && slack < 0.35 * (edge - before.x)
  if (isWithin || before.text.length >= longLine) return true
  return isRunningText(near, edge)
}

function firstWordWidth({ text, x, right }: Line): number {
  // Chinese and Japanese may break after any character.
  const word = isSpaceless(text.slice(0, 1)) ? 1 : text.search(/\s|$/)
  return ((right - x) / text.length) * word
}

/** Many lines begin within a sentence or, in scripts without small letters, most are full. */
function isRunningText(lines: readonly Line[], edge: number): boolean {
  if (lines.length < 2) return false
  if (lines.some(({ text }) => /\p{Ll}/u.test(text))) {
    return lines.filter(({ text }) => /^\p{Ll}/u.test(text)).length >= lines.length * 0.25
  }
  const full = lines.filter(({ right, size }) => edge - right < 2 * size).length
  return full >= lines.length / 2 && lines.every(({ text }) => text.length > 8)
}

/** Joins two lines and a hyphenated word ("exam-" and "ple"). The hyphen stays before a capital letter or a digit. */
export function joinLines(first: string, second: string): string {
  if (isHyphened(first) && /^\p{Ll}/u.test(second)) return first.slice(0, -1) + second
  return isSpaceless(first.slice(-1)) && isSpaceless(second.slice(0, 1)) ? first + second : `${first} ${second}`
}

function isHyphened(text: string): boolean {
  return /\p{L}[-\u2010]$/u.test(text.slice(-3))
}

/** Scripts that have no spaces between words, with their punctuation. */
function isSpaceless(character: string): boolean {
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3001-\u3020\uff01-\uff60]/u.test(character)
}

/** A link that goes over two lines is one link. */
function withJoinedLinks(text: string): string {
  return text.replace(
    /\]\(([^\s()]+)\)(\s?)(?=\[[^\]\n]*\]\(([^\s()]+)\))\[/g,
    (all, url: string, space: string, next: string) => (url === next ? space : all),
  )
}
