/** Removes imports, exports and comments from MDX, except in fenced code, where they are content. */
export function withoutModuleCode(mdx: string): string {
  const fences = fencesOf(mdx)
  let [rest, from] = ['', 0]
  for (const { start, end, isCode } of pieces(mdx, fences)) {
    if (isCode) continue
    rest += mdx.slice(from, start)
    from = end
  }
  return rest + mdx.slice(from)
}

interface Piece {
  readonly start: number
  readonly end: number
  /** Whether this is fenced code, which stays. */
  readonly isCode: boolean
}

const opening = /^(?:`{3,}|~{3,})|^(?:import|export)\s|\{\/\*/gm
/** Matches up to the next empty line. */
const statement = /(?:.+\n?)+/y

/**
 * The pieces in order, without overlap. An unclosed piece does not count, and the search for its end is not repeated
 * for each candidate.
 */
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
  /** Length of the longest fence of this sign further down, which closes the block if there is none of full length. */
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

/** End of the line that closes a block. */
function endOfCode(mdx: string, fences: readonly Fence[], opening: number): number | undefined {
  const { sign, length, longestBelow } = fences[opening]!
  if (longestBelow === 0) return undefined
  const wanted = Math.min(length, longestBelow)
  let closing = opening + 1
  while (fences[closing]!.sign !== sign || fences[closing]!.length < wanted) closing += 1
  const lineEnd = mdx.indexOf('\n', fences[closing]!.at)
  return lineEnd === -1 ? mdx.length : lineEnd
}
