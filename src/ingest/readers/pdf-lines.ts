/** A piece of text in a PDF. Its position is the lower left corner in points, from the bottom of the page. */
export interface PlacedText {
  readonly str: string
  readonly y: number
  readonly fontSize: number
  readonly hasEOL: boolean
}

export interface Line {
  readonly text: string
  readonly y: number
  readonly fontSize: number
}

/** Joins pieces into lines. A PDF has no lines, but each piece states whether its line ends with it. */
export function linesOf(pieces: readonly PlacedText[]): Line[] {
  const lines: Line[] = []
  let text = ''
  let tallest: PlacedText | null = null
  for (const piece of pieces) {
    text += piece.str
    if (piece.str.trim() !== '' && (tallest === null || piece.fontSize > tallest.fontSize)) tallest = piece
    if (!piece.hasEOL) continue
    if (tallest !== null) lines.push({ text: text.trim(), y: tallest.y, fontSize: tallest.fontSize })
    text = ''
    tallest = null
  }
  if (tallest !== null) lines.push({ text: text.trim(), y: tallest.y, fontSize: tallest.fontSize })
  return lines
}

/** Joins lines into paragraphs. A wider gap, the top of a column or another font size begins a new paragraph. */
export function paragraphsOf(lines: readonly Line[], gap: number): string[] {
  const paragraphs: string[][] = []
  lines.forEach((line, i) => {
    const before = lines[i - 1]
    const parts = paragraphs.at(-1)
    if (before === undefined || parts === undefined || isApart(before, line, gap)) paragraphs.push([line.text])
    else addLine(parts, line.text)
  })
  return paragraphs.map(parts => parts.join(''))
}

/** Joins with the last line only, because a paragraph may have as many lines as the file. */
function addLine(parts: string[], line: string): void {
  const last = parts.pop() ?? ''
  const joined = joinLines(last, line)
  parts.push(joined.slice(0, joined.length - line.length), line)
}

/** Usual gap between lines of a paragraph: the first quartile, because gaps between paragraphs are wider. */
export function usualGap(pages: readonly (readonly Line[])[]): number {
  const gaps = pages.flatMap(lines => lines.slice(1).map((line, i) => gapBetween(lines[i]!, line)))
  const sorted = gaps.filter(gap => gap > 0).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 4)] ?? 0
}

/** The gap is 0 if the line is hardly lower, such as a superscript or the next cell of a table. */
function gapBetween(before: Line, line: Line): number {
  const gap = before.y - line.y
  return gap > before.fontSize * 0.7 ? gap : 0
}

function isApart(before: Line, line: Line, usual: number): boolean {
  const gap = before.y - line.y
  const isOtherSize = Math.abs(before.fontSize - line.fontSize) > 1
  return gap < 0 || gap > usual * 1.4 || isOtherSize || /^(?:[•▪‣–-]|\d+[.)])\s/.test(line.text)
}

/** Joins two lines and a hyphenated word ("exam-" and "ple"). The hyphen stays before a capital letter or a digit. */
export function joinLines(first: string, second: string): string {
  if (/\p{L}[-\u2010]$/u.test(first.slice(-3)) && /^\p{Ll}/u.test(second)) return first.slice(0, -1) + second
  return `${first} ${second}`
}
