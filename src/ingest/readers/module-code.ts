/** The imports, exports and comments of MDX, outside of fenced code (where they are the subject), taken out of it. */
export function withoutModuleCode(mdx: string): string {
  const fences = fencesOf(mdx)
  let [kept, from] = ['', 0]
  for (const { start, end, isCode } of pieces(mdx, fences)) {
    if (isCode) continue
    kept += mdx.slice(from, start)
    from = end
  }
  return kept + mdx.slice(from)
}

interface Piece {
  readonly start: number
  readonly end: number
  /** Fenced code, which stays. */
  readonly isCode: boolean
}

const opening = /^(?:`{3,}|~{3,})|^(?:import|export)\s|\{\/\*/gm
/** As far as lines with something on them go on. */
const statement = /(?:.+\n?)+/y

/** From left to right, each behind the one before. What is not closed is none, and is not looked for to the end again and again. */
function* pieces(mdx: string, fences: readonly Fence[]): Generator<Piece> {
  const lastComment = mdx.lastIndexOf('*/}')
  let fence = 0
  opening.lastIndex = 0
  for (let found = opening.exec(mdx); found !== null; found = opening.exec(mdx)) {
    const start = found.index
    let end: number
    if (found[0] === '{/*') {
      end = start + 3 <= lastComment ? mdx.indexOf('*/}', start + 3) + 3 : start
    } else if (/^[`~]/.test(found[0])) {
      while (fences[fence]!.at < start) fence += 1
      end = endOfCode(mdx, fences, fence) ?? start
    } else {
      statement.lastIndex = start + found[0].length
      end = statement.test(mdx) ? statement.lastIndex : start
    }
    if (end > start) yield { start, end, isCode: /^[`~]/.test(found[0]) }
    opening.lastIndex = Math.max(end, start + found[0].length)
  }
}

interface Fence {
  readonly at: number
  readonly sign: string
  readonly length: number
  /** The longest of its sign further down; a block without a longer one is closed by that. */
  longestBelow: number
}

function fencesOf(mdx: string): Fence[] {
  const fences = Array.from(mdx.matchAll(/^(?:`{3,}|~{3,})/gm), ({ 0: signs, index }): Fence => ({
    at: index,
    sign: signs[0]!,
    length: signs.length,
    longestBelow: 0,
  }))
  const longest = new Map<string, number>()
  for (const fence of fences.toReversed()) {
    fence.longestBelow = longest.get(fence.sign) ?? 0
    longest.set(fence.sign, Math.max(fence.longestBelow, fence.length))
  }
  return fences
}

/** The end of the line that closes a block. */
function endOfCode(mdx: string, fences: readonly Fence[], opening: number): number | undefined {
  const { sign, length, longestBelow } = fences[opening]!
  if (longestBelow === 0) return undefined
  const wanted = Math.min(length, longestBelow)
  let closing = opening + 1
  while (fences[closing]!.sign !== sign || fences[closing]!.length < wanted) closing += 1
  const lineEnd = mdx.indexOf('\n', fences[closing]!.at)
  return lineEnd === -1 ? mdx.length : lineEnd
}
