import { joinedDown, type FlowBlock, type Note, type Paragraph, type Piece, type Table } from './flow.ts'

/** Where a cell ends, and which cells it continues. */
export interface CellPlace {
  readonly right: number
  readonly continuesLeft: boolean
  readonly continuesAbove: boolean
}

export interface RowPlaces {
  readonly isHeader: boolean
  readonly cells: readonly CellPlace[]
}

interface OpenRow {
  readonly places: RowPlaces
  readonly cells: readonly (readonly FlowBlock[])[]
}

/** Collects paragraphs, cells and rows in the order in which RTF ends them. */
export class RtfFlow {
  readonly #blocks: FlowBlock[] = []
  #pieces: Piece[] = []
  #notes: Note[] = []
  #boxes: FlowBlock[] = []
  #cell: FlowBlock[] = []
  #cells: (readonly FlowBlock[])[] = []
  #rows: OpenRow[] = []

  add(piece: Piece): void {
    this.#pieces.push(piece)
  }

  addNote(note: Note): void {
    this.#notes.push(note)
  }

  addBoxes(blocks: readonly FlowBlock[]): void {
    for (const block of blocks) this.#boxes.push(block)
  }

  endParagraph(look: Omit<Paragraph, 'kind' | 'pieces' | 'notes'>, isInTable: boolean): void {
    const paragraph: Paragraph = { kind: 'paragraph', pieces: this.#pieces, notes: this.#notes, ...look }
    const isEmpty = paragraph.pieces.every(({ text }) => text.trim() === '')
    const ended = [...(isEmpty ? [] : [paragraph]), ...this.#boxes]
    this.#pieces = []
    this.#notes = []
    this.#boxes = []
    if (!isInTable) this.#endTable()
    const blocks = isInTable ? this.#cell : this.#blocks
    for (const block of ended) blocks.push(block)
  }

  endCell(): void {
    this.#cells.push(this.#cell)
    this.#cell = []
  }

  endRow(places: RowPlaces): void {
    if (this.#cells.length > 0) this.#rows.push({ places, cells: this.#cells })
    this.#cells = []
  }

  end(): readonly FlowBlock[] {
    this.endParagraph({}, false)
    return this.#blocks
  }

  #endTable(): void {
    if (this.#cells.length > 0 || this.#cell.length > 0) {
      this.endCell()
      this.endRow({ isHeader: false, cells: [] })
    }
    if (this.#rows.length > 0) this.#blocks.push(tableOf(this.#rows))
    this.#rows = []
  }
}

/** Edges of columns that are nearer to each other are one: programs round them. In twentieths of a point. */
const sameEdge = 40

/** Index of the last edge that is not to the right of this one. */
function columnIn(edges: readonly number[], right: number): number {
  let [from, to] = [0, edges.length]
  while (to - from > 1) {
    const middle = (from + to) >>> 1
    if (edges[middle]! <= right) from = middle
    else to = middle
  }
  return from
}

/** A cell spans as many columns as edges of other rows lie within it. */
function tableOf(rows: readonly OpenRow[]): Table {
  // Rows without places of their own share those of the row above.
  const places = new Set(rows.map(row => row.places.cells))
  const rights = [...places].flatMap(cells => cells.map(({ right }) => right)).sort((a, b) => a - b)
  const edges = rights.filter((edge, i) => i === 0 || edge - rights[i - 1]! > sameEdge)
  const columnAt = (right: number) => columnIn(edges, right)
  return {
    kind: 'table',
    rows: joinedDown(
      rows.map(({ places, cells }) => {
        const joined: { blocks: readonly FlowBlock[]; colSpan: number; continues: boolean }[] = []
        let column = 0
        cells.forEach((blocks, i) => {
          const place = places.cells[i]
          const next = place === undefined ? column + 1 : Math.max(column + 1, columnAt(place.right) + 1)
          const last = joined.at(-1)
          if (place?.continuesLeft && last !== undefined) last.colSpan += next - column
          else joined.push({ blocks, colSpan: next - column, continues: place?.continuesAbove ?? false })
          column = next
        })
        return { isHeader: places.isHeader, cells: joined }
      }),
    ),
  }
}
