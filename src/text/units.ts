import { sentences } from '../text/sentences.ts'
import type { Span } from './sentences.ts'

/** What chunks and windows are made of: a sentence, list item or table row, or a whole block of code. */
export interface Unit extends Span {
  readonly kind: 'sentence' | 'code' | 'heading'
}

/** The lookaheads keep a long row of backticks from being tried as a fence of every shorter length. */
const fencedCode = /^[^\S\n]*(`{3,}(?!`)|~{3,}(?!~))[^\n]*\n(?:[\s\S]*?\n)??[^\S\n]*\1[`~]*[^\S\n]*$/gm

/** The units of a part of a text, in order, apart from each other; together they hold all that is not blank. */
export function unitsOf(text: string, { start, end }: Span, language: string): Unit[] {
  const part = text.slice(start, end)
  const units: Unit[] = []
  let from = 0
  for (const code of part.matchAll(fencedCode)) {
    units.push(...proseUnits(part.slice(from, code.index), start + from, language))
    units.push({ kind: 'code', start: start + code.index, end: start + code.index + code[0].trimEnd().length })
    from = code.index + code[0].length
  }
  return [...units, ...proseUnits(part.slice(from), start + from, language)]
}

function proseUnits(prose: string, offset: number, language: string): Unit[] {
  return sentences(prose, language).map(({ start, end }) => ({ kind: 'sentence', start: start + offset, end: end + offset }))
}
