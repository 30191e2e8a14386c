import { codeBlocks } from './code-blocks.ts'
import { sentences, type Span } from './sentences.ts'
import { isTableRow } from './table-rows.ts'

/** The units of chunks and windows: a sentence or list item, a table row, or a whole block of code. */
export interface Unit extends Span {
  readonly kind: 'sentence' | 'row' | 'code' | 'heading'
}

/** The units of a part of a text, in order, without overlap; together they contain everything but whitespace. */
export function unitsOf(text: string, { start, end }: Span, language: string): Unit[] {
  const part = text.slice(start, end)
  const units: Unit[] = []
  let from = 0
  for (const code of codeBlocks(part)) {
    addProse(units, part.slice(from, code.start), start + from, language)
    units.push({ kind: 'code', start: start + code.start, end: start + part.slice(0, code.end).trimEnd().length })
    from = code.end
  }
  addProse(units, part.slice(from), start + from, language)
  return units
}

/** Whether two adjacent units are rows of one table: no line is between them. */
export function areRowsOfOneTable(text: string, unit: Unit | undefined, next: Unit | undefined): boolean {
  if (unit?.kind !== 'row' || next?.kind !== 'row') return false
  return /^[^\S\n]*\n[^\S\n]*$/.test(text.slice(unit.end, next.start))
}

function addProse(units: Unit[], prose: string, offset: number, language: string): void {
  for (const { start, end } of sentences(prose, language))
    units.push({
      kind: isTableRow(prose.slice(start, end)) ? 'row' : 'sentence',
      start: start + offset,
      end: end + offset,
    })
}
