import { readHtml } from '../html/html.ts'
import { escaped, htmlOf, spanOf, tagged } from '../html/to-html.ts'
import { UnreadableError, type Content } from '../content.ts'

/** A run of text with what is kept of its look. */
export interface Piece {
  readonly text: string
  readonly position?: 'sup' | 'sub' | undefined
  readonly href?: string | undefined
  readonly isBold?: boolean | undefined
}

export interface Paragraph {
  readonly kind: 'paragraph'
  readonly pieces: readonly Piece[]
  /** Level of a heading, from 1; 0 is the title of the document. */
  readonly heading?: number | undefined
  /** What stands in front of a list item, as shown: "3.2.", "a)", or "-" for any bullet. */
  readonly marker?: string | undefined
  /** Depth of a list item, from 0. */
  readonly level?: number | undefined
  readonly notes?: readonly Note[]
}

/** A footnote or an endnote. */
export interface Note {
  readonly mark: string
  readonly blocks: readonly FlowBlock[]
}

export interface Cell {
  readonly blocks: readonly FlowBlock[]
  readonly colSpan: number
  readonly rowSpan: number
}

export interface Row {
  readonly isHeader: boolean
  readonly cells: readonly Cell[]
}

export interface Table {
  readonly kind: 'table'
  readonly rows: readonly Row[]
}

export type FlowBlock = Paragraph | Table

/** A row whose cells may continue the cell above. */
export interface UnjoinedRow {
  readonly isHeader: boolean
  readonly cells: readonly {
    readonly blocks: readonly FlowBlock[]
    readonly colSpan: number
    readonly continues: boolean
  }[]
}

/** Turns cells that continue the cell above into row spans. */
export function joinedDown(rows: readonly UnjoinedRow[]): Row[] {
  /** By its first column, the cell that may be continued. */
  let above = new Map<number, { rowSpan: number }>()
  return rows.map(({ isHeader, cells }) => {
    const here = new Map<number, { rowSpan: number }>()
    const own: Cell[] = []
    let column = 0
    for (const { blocks, colSpan, continues } of cells) {
      const origin = continues ? above.get(column) : undefined
      if (origin === undefined) {
        const cell = { blocks, colSpan, rowSpan: 1 }
        own.push(cell)
        here.set(column, cell)
      } else {
        origin.rowSpan += 1
        here.set(column, origin)
      }
      column += colSpan
    }
    above = here
    return { isHeader, cells: own }
  })
}

/** A longer paragraph in the style of a heading is a numbered clause. */
const longestHeading = 200

/** Reads what a word processor shows, in order, as the HTML reader reads a page. */
export function readFlow(blocks: readonly FlowBlock[]): Content {
  const content = readHtml(flowHtml(blocks))
  if (content.blocks.length === 0) throw new UnreadableError('has no text')
  return content
}

/** HTML of the blocks. The marker of a list item is an attribute, because HTML itself can only count. */
export function flowHtml(blocks: readonly FlowBlock[]): string {
  const hasTitle = blocks.some(block => block.kind === 'paragraph' && block.heading === 0)
  const html: string[] = []
  let notes: Note[] = []
  let items: Paragraph[] = []
  const endList = (): void => {
    html.push(listHtml(items), notes.map(noteHtml).join(''))
    items = []
    notes = []
  }
  for (const block of withOneTitle(blocks.flatMap(unboxed))) {
    if (block.kind === 'paragraph' && isItem(block)) {
      items.push(block)
      for (const note of block.notes ?? []) notes.push(note)
      continue
    }
    endList()
    notes = notesIn(block)
    html.push(block.kind === 'table' ? tableHtml(block) : paragraphHtml(block, hasTitle))
    html.push(notes.map(noteHtml).join(''))
    notes = []
  }
  endList()
  return `<body>${html.join('')}</body>`
}

/** A title may be set in several paragraphs. */
function withOneTitle(blocks: readonly FlowBlock[]): FlowBlock[] {
  const joined: FlowBlock[] = []
  /** Pieces of the title at the end of `joined`. */
  let pieces: Piece[] | null = null
  for (const block of blocks) {
    if (block.kind !== 'paragraph' || block.heading !== 0) {
      pieces = null
      joined.push(block)
    } else if (pieces === null) {
      pieces = [...block.pieces]
      joined.push({ ...block, pieces })
    } else {
      pieces.push({ text: ' ' })
      for (const piece of block.pieces) pieces.push(piece)
    }
  }
  return joined
}

/** Tables of one column are frames around text. */
function unboxed(block: FlowBlock): readonly FlowBlock[] {
  if (block.kind === 'paragraph' || block.rows.some(row => row.cells.length > 1)) return [block]
  return block.rows.flatMap(row => row.cells.flatMap(cell => cell.blocks.flatMap(unboxed)))
}

function isHeading({ heading, pieces }: Paragraph): boolean {
  return heading !== undefined && pieces.reduce((length, { text }) => length + text.length, 0) <= longestHeading
}

function isItem(paragraph: Paragraph): boolean {
  return (paragraph.marker ?? '') !== '' && !isHeading(paragraph)
}

function notesIn(block: FlowBlock): Note[] {
  if (block.kind === 'paragraph') return [...(block.notes ?? [])]
  return block.rows.flatMap(row => row.cells.flatMap(cell => cell.blocks.flatMap(notesIn)))
}

/** Notes follow what they belong to. Their marks are not left in the text, where they would join a number: 1954⁷. */
function noteHtml({ mark, blocks }: Note): string {
  return `<p>${mark === '' ? '' : `<sup>${escaped(mark)}</sup> `}${inlineHtml(blocks).trim()}</p>`
}

function paragraphHtml(paragraph: Paragraph, hasTitle: boolean): string {
  const html = piecesHtml(paragraph.pieces)
  if (html === '') return ''
  if (!isHeading(paragraph)) return `<p>${html}</p>`
  const level = Math.min(6, paragraph.heading! + (hasTitle ? 1 : 0))
  const marker = paragraph.marker === '-' ? '' : (paragraph.marker ?? '')
  return `<h${level}>${marker === '' ? '' : `${escaped(marker)} `}${html}</h${level}>`
}

/** Deeper levels are shown at this one. */
const deepestLevel = 12

function listHtml(items: readonly Paragraph[]): string {
  const open: number[] = []
  let html = ''
  for (const item of items) {
    const text = piecesHtml(item.pieces)
    if (text === '') continue
    const level = Math.min(item.level ?? 0, deepestLevel)
    while (open.length > 0 && open.at(-1)! > level) {
      open.pop()
      html += '</li></ul>'
    }
    if (open.at(-1) === level) html += '</li>'
    else {
      open.push(level)
      html += '<ul>'
    }
    html += `<li data-askwell-marker="${escaped(item.marker!)}">${text}`
  }
  return html + '</li></ul>'.repeat(open.length)
}

function tableHtml({ rows }: Table): string {
  const body = rows.map(({ cells, isHeader }) => {
    const name = isHeader ? 'th' : 'td'
    const inner = cells.map(
      cell =>
        `<${name}${spanOf('col', cell.colSpan)}${spanOf('row', cell.rowSpan)}>${inlineHtml(cell.blocks)}</${name}>`,
    )
    return `<tr>${inner.join('')}</tr>`
  })
  return `<table>${body.join('')}</table>`
}

/** Blocks within a cell, one a line. */
function inlineHtml(blocks: readonly FlowBlock[]): string {
  const lines = blocks.map(block => {
    if (block.kind === 'table')
      return block.rows
        .map(row =>
          row.cells
            .map(cell => inlineHtml(cell.blocks))
            .filter(Boolean)
            .join(' '),
        )
        .join('<br>')
    const html = piecesHtml(block.pieces)
    const marker = block.marker ?? ''
    return html === '' || marker === '' ? html : `${escaped(marker)} ${html}`
  })
  return lines.filter(line => line !== '').join('<br>')
}

/** A paragraph that is bold from end to end is marked as such, because it may be a heading that has no style. */
function piecesHtml(pieces: readonly Piece[]): string {
  const merged = mergedPieces(pieces)
  const filled = merged.filter(({ text }) => text.trim() !== '')
  if (filled.length === 0) return ''
  const html = merged.map(pieceHtml).join('')
  return filled.every(piece => piece.isBold) ? `<strong>${html}</strong>` : html
}

/** Word divides text into runs anywhere, even within a number. */
function mergedPieces(pieces: readonly Piece[]): Piece[] {
  const merged: Piece[] = []
  for (const piece of pieces) {
    const last = merged.at(-1)
    const isSame = last !== undefined && last.position === piece.position && last.href === piece.href
    if (isSame && (last.isBold ?? false) === (piece.isBold ?? false))
      merged[merged.length - 1] = { ...last, text: last.text + piece.text }
    else merged.push(piece)
  }
  return merged
}

function pieceHtml({ text, position, href }: Piece): string {
  const placed = tagged(htmlOf(text), position ?? null)
  return href === undefined || text.trim() === '' ? placed : `<a href="${escaped(href)}">${placed}</a>`
}
