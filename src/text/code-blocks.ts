import type { Span } from './sentences.ts'

type Sign = '`' | '~'

/** A line that starts with backticks or tildes. */
interface FenceLine extends Span {
  readonly sign: Sign
  /** Number of consecutive fence characters. */
  readonly length: number
  /** Whether the line contains nothing else. */
  readonly isBare: boolean
}

const line = /[^\n]+/g
const fenceStart = /^[^\S\n]*(`+|~+)/
const bare = /^[`~]+$/
const shortestFence = 3

/**
 * The fenced blocks of code, in order, each from the start of its opening line to the end of its closing one. A fence
 * that is never closed opens nothing. Its end is not searched for, since every line may be such a fence.
 */
export function codeBlocks(text: string): Span[] {
  const fences = fenceLines(text)
  const longestBelow = longestBareBelow(fences)
  const blocks: Span[] = []
  for (let at = 0; at < fences.length; at++) {
    const { start, sign, length } = fences[at]!
    if (length < shortestFence || longestBelow[sign][at]! < length) continue
    at = closingLine(fences, at)
    blocks.push({ start, end: fences[at]!.end })
  }
  return blocks
}

/** Index of the closing line of a block that has one. */
function closingLine(fences: readonly FenceLine[], opening: number): number {
  const { sign, length } = fences[opening]!
  let at = opening + 1
  while (!fences[at]!.isBare || fences[at]!.sign !== sign || fences[at]!.length < length) at += 1
  return at
}

function fenceLines(text: string): FenceLine[] {
  const found: FenceLine[] = []
  for (const { 0: content, index } of text.matchAll(line)) {
    const signs = fenceStart.exec(content)?.[1]
    if (signs === undefined) continue
    found.push({
      start: index,
      end: index + content.length,
      sign: signs[0] as Sign,
      length: signs.length,
      isBare: bare.test(content.trim()),
    })
  }
  return found
}

/** For each fence line, the longest bare fence of each kind below it. */
function longestBareBelow(fences: readonly FenceLine[]): Record<Sign, number[]> {
  const longest = { '`': 0, '~': 0 }
  const below: Record<Sign, number[]> = { '`': [], '~': [] }
  for (const { sign, length, isBare } of fences.toReversed()) {
    below['`'].push(longest['`'])
    below['~'].push(longest['~'])
    if (isBare) longest[sign] = Math.max(longest[sign], length)
  }
  return { '`': below['`'].reverse(), '~': below['~'].reverse() }
}
