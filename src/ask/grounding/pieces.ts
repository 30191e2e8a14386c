/** Cuts a model's draft into pieces that are checked one by one, while it is still being written. */
import { unitsOf } from '../../text/units.ts'

export interface Piece {
  readonly kind: 'sentence' | 'item' | 'row' | 'code' | 'heading' | 'rule'
  /** Whitespace before it, as written. */
  readonly lead: string
  readonly text: string
  /** The row below it separates a header from its table. */
  readonly isTableHeader: boolean
}

export interface PieceReader {
  /** Takes the next text and returns the pieces that no later text can change. */
  push(text: string): Piece[]
  /** The rest. */
  end(): Piece[]
}

/** A boundary is sure when this much of the next sentence is known: it may be an abbreviation, or a marker may follow. */
const lookahead = 12

/** A boundary is decided within this many characters after its sign: the beginning of what follows, and markers. */
const decidedWithin = 96
/** A sentence that does not end is cut here, so that it is not read again from its beginning with every token. */
const longestSentence = 4000
const anyFence = /(?:^|\n)[^\S\n]*(?:`{3}|~{3})/
const ends = /[.!?…。！？।:;\n|\]]/u

/** How the text is split into pushes hardly changes the pieces: only a boundary that later text moves may differ. */
export function createPieceReader(language: string): PieceReader {
  let pending = ''
  /** Where a block of code begins that is not closed yet. */
  let fence: number | undefined

  function take(isFinal: boolean): Piece[] {
    fence = openFence(pending)
    const units = unitsIn(isFinal ? pending : pending.slice(0, fence ?? pending.length), language)
    const isComplete = (index: number) =>
      isFinal || (index + 1 < units.length && isSure(pending.slice(units[index + 1]!.start)))
    const pieces: Piece[] = []
    let end = 0
    for (const [index, unit] of units.entries()) {
      if (!isComplete(index)) break
      const next = units[index + 1]
      const text = pending.slice(unit.start, unit.end)
      const isTableHeader = unit.kind === 'row' && next !== undefined && isRule(pending.slice(next.start, next.end))
      pieces.push({ kind: kindOf(text, unit.kind), lead: pending.slice(end, unit.start), text, isTableHeader })
      end = unit.end
    }
    pending = pending.slice(end)
    if (fence !== undefined) fence -= end
    return pieces
  }

  /** The beginning of a sentence without end, up to a space where there is one. */
  function cutEndless(): Piece[] {
    const pieces: Piece[] = []
    while (fence === undefined && pending.length > longestSentence && !anyFence.test(pending)) {
      const space = pending.lastIndexOf(' ', longestSentence)
      const end = space > longestSentence / 2 ? space : longestSentence
      const own = pending.slice(0, end)
      const text = own.trim()
      pieces.push({ kind: 'sentence', lead: own.slice(0, own.indexOf(text)), text, isTableHeader: false })
      pending = pending.slice(end)
    }
    return pieces
  }

  return {
    push(text) {
      const from = Math.max(0, pending.length - decidedWithin)
      pending += text
      // Most tokens end nothing, and only what is new, or may be decided by it, is looked at.
      const recent = pending.slice(from)
      const isEnd = fence === undefined ? ends.test(recent.slice(0, -lookahead)) : /[`~]/.test(recent)
      return isEnd ? [...take(false), ...cutEndless()] : cutEndless()
    },
    end: () => take(true),
  }
}

interface CutUnit {
  readonly start: number
  readonly end: number
  readonly kind: string
}

/** Sentences with the markers after them: "It costs 5 euros. [1] It is new." are two, and the marker is of the first. */
function unitsIn(text: string, language: string): CutUnit[] {
  const units: CutUnit[] = []
  const fence = openFence(text)
  const whole = fence === undefined ? text : text.slice(0, fence)
  for (const unit of unitsOf(whole, { start: 0, end: whole.length }, language)) {
    const own = text.slice(unit.start, unit.end)
    const markers = unit.kind === 'code' ? null : /^(?:\s*\[\d{1,2}\])+[.,;]?\s*/.exec(own)
    const last = units.at(-1)
    if (
      markers !== null &&
      last !== undefined &&
      last.kind !== 'code' &&
      !text.slice(last.end, unit.start).includes('\n')
    ) {
      units[units.length - 1] = { ...last, end: unit.start + markers[0].trimEnd().length }
      if (markers[0].length < own.length) units.push({ ...unit, start: unit.start + markers[0].length })
    } else units.push(unit)
  }
  if (fence !== undefined) units.push({ start: fence, end: text.trimEnd().length, kind: 'code' })
  return units
}

/** Where a fence begins that is not closed yet. */
function openFence(text: string): number | undefined {
  let open: { readonly at: number; readonly sign: string } | undefined
  for (const { index, 1: sign } of text.matchAll(/(?:^|(?<=\n))[^\S\n]*(`{3,}|~{3,})/g)) {
    if (open === undefined) open = { at: index, sign: sign! }
    else if (sign!.startsWith(open.sign)) open = undefined
  }
  return open?.at
}

function isSure(following: string): boolean {
  return following.replace(/^(?:\s*\[\d{1,2}\])+/, '').length >= lookahead
}

function kindOf(text: string, kind: string): Piece['kind'] {
  if (kind === 'code') return 'code'
  if (isRule(text)) return 'rule'
  if (kind === 'row') return 'row'
  if (/^#{1,6}\s|^\*\*[^*\n]+\*\*:?$/.test(text)) return 'heading'
  return /^(?:[-*+•·▪◦–—]|\(?\d{1,3}[.)]|\(?\p{L}\))\s/u.test(text) ? 'item' : 'sentence'
}

/** The line below the header of a table, or a line across the page. */
function isRule(text: string): boolean {
  return /^[|\s:_*=-]+$/.test(text) && /[-_*=]{2,}|[-*+•]\s*$/.test(text)
}

/** What a piece says: without the sign of a list or heading, markers and emphasis. */
export function claimOf({ kind, text }: Piece): string {
  if (kind === 'code') return text
  return text
    .replace(/^(?:>\s*)+/, '')
    .replace(/^(?:[-*+•·▪◦–—]|\(?\d{1,3}[.)]|\(?\p{L}\)|#{1,6})\s+/u, '')
    .replace(/ ?\[\d{1,2}\](?!\()/g, '')
    .replace(/\*\*|__/g, '')
    .trim()
}
