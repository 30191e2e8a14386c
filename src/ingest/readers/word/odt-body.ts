import type { Cell, FlowBlock, Note, Paragraph, Piece, Row, Table } from './flow.ts'
import { createLists, nextMarker, type OdtList } from './odt-lists.ts'
import type { OdtStyle, OdtStyles } from './odt-styles.ts'
import { headingByName } from './word-styles.ts'
import { child, elementsOf, textOf, type Xml } from './xml.ts'

interface Open {
  readonly chain: readonly OdtStyle[]
  readonly pieces: Piece[]
  readonly notes: Note[]
  readonly boxes: FlowBlock[]
  readonly href: string | undefined
}

/** Not part of the text: comments, deleted text, tables of contents, definitions and the code of forms. */
const skipped = new Set(
  (
    'office:annotation office:annotation-end text:tracked-changes text:table-of-content text:ruby-text office:forms ' +
    'text:sequence-decls text:variable-decls text:user-field-decls text:hidden-text text:placeholder text:script ' +
    'office:event-listeners svg:title svg:desc text:dde-connection-decls'
  ).split(' '),
)

/** Reads the body of an OpenDocument text in order, with the text as LibreOffice shows and prints it. */
export function readOdtBody(body: Xml, styles: OdtStyles): FlowBlock[] {
  return new OdtReader(styles, deletionsIn(body)).readBlocks(body)
}

class OdtReader {
  readonly #styles: OdtStyles
  readonly #lists = createLists()
  readonly #outline: OdtList

  readonly #deletions: ReadonlySet<string>
  /** The deletions that are open: some files keep deleted text in its place. */
  readonly #deleting = new Set<string>()

  constructor(styles: OdtStyles, deletions: ReadonlySet<string>) {
    this.#styles = styles
    this.#deletions = deletions
    this.#outline = { levels: styles.outline, counts: new Map() }
  }

  readBlocks(parent: Xml): FlowBlock[] {
    return elementsOf(parent).flatMap(element => this.#readBlock(element))
  }

  #readBlock(element: Xml): FlowBlock[] {
    const { name } = element
    if (skipped.has(name) || isHidden(element)) return []
    if (name === 'text:p' || name === 'text:h') return this.#readParagraph(element)
    if (name === 'text:list') return this.#readList(element, undefined, 1)
    if (name === 'table:table') return [this.#readTable(element)]
    if (name.startsWith('draw:')) return this.#readDrawing(element)
    return this.readBlocks(element)
  }

  #readParagraph(element: Xml): FlowBlock[] {
    const chain = this.#styles.chain('paragraph', element.attributes['text:style-name'])
    const open: Open = { chain, pieces: [], notes: [], boxes: [], href: undefined }
    this.#readInline(element, open)
    const heading = headingOf(element, chain)
    const marker = element.name === 'text:h' ? this.#outlineNumber(element, chain, open.pieces) : undefined
    return [{ kind: 'paragraph', pieces: open.pieces, heading, marker, notes: open.notes }, ...open.boxes]
  }

  /** The number of a heading by the outline of the document, unless its style has a list of its own, or none. */
  #outlineNumber({ attributes }: Xml, chain: readonly OdtStyle[], pieces: readonly Piece[]): string | undefined {
    const level = Number(attributes['text:outline-level'] ?? 1)
    const listStyle = chain.find(style => style.listStyle !== undefined)?.listStyle
    const isNumbered = listStyle === undefined || listStyle === 'Outline'
    const isHeader = attributes['text:is-list-header'] === 'true' || pieces.every(({ text }) => text.trim() === '')
    if (!isNumbered || isHeader || this.#outline.levels.get(level) === undefined) return undefined
    return nextMarker(this.#outline, level, attributes['text:start-value'])
  }

  /** `outer`: the list that this one is part of. */
  #readList(element: Xml, outer: OdtList | undefined, level: number): FlowBlock[] {
    const styleName = element.attributes['text:style-name'] ?? paragraphListStyle(element, this.#styles)
    const own = this.#styles.list(styleName)
    const list =
      outer === undefined
        ? this.#lists.open(element, own ?? new Map(), styleName)
        : { levels: own ?? outer.levels, counts: outer.counts }
    return elementsOf(element).flatMap(item => {
      if (item.name === 'text:list-header') return this.readBlocks(item)
      return item.name === 'text:list-item' ? this.#readItem(item, list, level) : []
    })
  }

  #readItem(item: Xml, list: OdtList, level: number): FlowBlock[] {
    const blocks: FlowBlock[] = []
    let first: Paragraph | undefined
    for (const element of elementsOf(item)) {
      if (element.name === 'text:list') for (const block of this.#readList(element, list, level + 1)) blocks.push(block)
      else {
        for (const block of this.#readBlock(element)) {
          if (block.kind === 'table') blocks.push(block)
          else if (first === undefined) {
            const marker = nextMarker(list, level, item.attributes['text:start-value'])
            first = { ...block, level: level - 1, marker: marker || block.marker }
            blocks.push(first)
          } else if (blocks.at(-1) === first && first.heading === undefined)
            blocks[blocks.length - 1] = first = continued(first, block)
          else blocks.push(block)
        }
      }
    }
    return blocks
  }

  #readInline(parent: Xml, open: Open): void {
    for (const node of parent.children) {
      if (typeof node === 'string') this.#add(node.replace(/\s+/g, ' '), open)
      else this.#readInlineElement(node, open)
    }
  }

  #readInlineElement(element: Xml, open: Open): void {
    const { name, attributes } = element
    const change = attributes['text:change-id'] ?? ''
    if (name === 'text:change-start' && this.#deletions.has(change)) this.#deleting.add(change)
    if (name === 'text:change-end') this.#deleting.delete(change)
    if (skipped.has(name) || isHidden(element)) return
    this.#readContent(element, open)
  }

  #readContent(element: Xml, open: Open): void {
    const { name, attributes } = element
    if (name === 'text:span') {
      this.#readInline(element, {
        ...open,
        chain: [...this.#styles.chain('text', attributes['text:style-name']), ...open.chain],
      })
    } else if (name === 'text:a') this.#readInline(element, { ...open, href: addressOf(attributes['xlink:href']) })
    else if (name === 'text:s' || name === 'text:tab') this.#add(' ', open)
    else if (name === 'text:line-break') this.#add('\n', open)
    else if (name === 'text:note') this.#readNote(element, open)
    else if (name.startsWith('draw:')) for (const box of this.#readDrawing(element)) open.boxes.push(box)
    else if (name === 'text:p' || name === 'text:h' || name === 'table:table')
      for (const box of this.#readBlock(element)) open.boxes.push(box)
    else this.#readInline(element, open)
  }

  #add(text: string, { chain, pieces, href }: Open): void {
    if (this.#deleting.size > 0 || chain.find(style => style.isHidden !== undefined)?.isHidden) return
    const position = chain.find(style => style.position !== undefined)?.position
    const isBold = chain.find(style => style.isBold !== undefined)?.isBold
    pieces.push({ text, href, isBold, position: position === 'none' ? undefined : position })
  }

  #readNote(element: Xml, { notes }: Open): void {
    const citation = child(element, 'text:note-citation')
    const body = child(element, 'text:note-body')
    if (body !== undefined) {
      notes.push({ mark: citation === undefined ? '' : textOf(citation).trim(), blocks: this.readBlocks(body) })
    }
  }

  /** Text boxes, and what a picture shows in words. */
  #readDrawing(element: Xml): FlowBlock[] {
    const words = child(element, 'svg:desc')
    const alternative = words === undefined ? '' : textOf(words).trim()
    const blocks = this.readBlocks(element)
    return alternative === '' ? blocks : [{ kind: 'paragraph', pieces: [{ text: alternative }] }, ...blocks]
  }

  #readTable(table: Xml): Table {
    return { kind: 'table', rows: this.#readRows(table, false) }
  }

  #readRows(parent: Xml, isHeader: boolean): Row[] {
    return elementsOf(parent).flatMap(element => {
      if (element.name === 'table:table-row') return [{ isHeader, cells: this.#readCells(element) }]
      const isGroup = /^table:table-(?:header-rows|rows|row-group)$/.test(element.name)
      return isGroup ? this.#readRows(element, isHeader || element.name === 'table:table-header-rows') : []
    })
  }

  /** Cells that another one covers are left out, as in HTML. */
  #readCells(row: Xml): Cell[] {
    const cells = elementsOf(row).filter(({ name }) => name === 'table:table-cell')
    return cells.flatMap(cell => {
      const number = (name: string): number => Math.max(1, Number.parseInt(cell.attributes[name] ?? '1', 10) || 1)
      const read = {
        blocks: this.readBlocks(cell),
        colSpan: number('table:number-columns-spanned'),
        rowSpan: number('table:number-rows-spanned'),
      }
      return Array.from({ length: Math.min(widestRepeat, number('table:number-columns-repeated')) }, () => read)
    })
  }
}

/** Ids of the tracked changes that delete text. */
function deletionsIn(body: Xml): Set<string> {
  const changes = child(body, 'text:tracked-changes')
  const regions = changes === undefined ? [] : elementsOf(changes)
  return new Set(
    regions
      .filter(region => child(region, 'text:deletion') !== undefined)
      .map(({ attributes }) => attributes['text:id'] ?? attributes['xml:id'] ?? ''),
  )
}

const widestRepeat = 64

/** A further paragraph of a list item. */
function continued(item: Paragraph, next: Paragraph): Paragraph {
  if (next.pieces.every(({ text }) => text.trim() === '')) return item
  return {
    ...item,
    pieces: [...item.pieces, { text: '\n' }, ...next.pieces],
    notes: [...(item.notes ?? []), ...(next.notes ?? [])],
  }
}

function headingOf({ name, attributes }: Xml, chain: readonly OdtStyle[]): number | undefined {
  if (chain.some(style => /^title$/i.test(style.name))) return 0
  if (name !== 'text:h') return headingByName(chain.map(style => style.name))
  return Math.max(1, Number.parseInt(attributes['text:outline-level'] ?? '1', 10) || 1)
}

/** A list without a style uses that of its paragraphs. */
function paragraphListStyle(list: Xml, styles: OdtStyles): string | undefined {
  const item = child(list, 'text:list-item')
  const first = item === undefined ? undefined : elementsOf(item)[0]
  if (first?.name === 'text:list') return paragraphListStyle(first, styles)
  const chain = styles.chain('paragraph', first?.attributes['text:style-name'])
  return chain.find(style => style.listStyle !== undefined)?.listStyle
}

function isHidden({ name, attributes, children }: Xml): boolean {
  if (name === 'text:section') return attributes['text:display'] === 'none' || attributes['text:is-hidden'] === 'true'
  if (name === 'loext:content-control') return attributes['loext:showing-place-holder'] === 'true'
  const isParagraph = name === 'text:p' || name === 'text:h'
  return (
    isParagraph &&
    children.some(
      node =>
        typeof node !== 'string' &&
        node.name === 'text:hidden-paragraph' &&
        node.attributes['text:is-hidden'] === 'true',
    )
  )
}

/** A link within the document has no address. */
function addressOf(href: string | undefined): string | undefined {
  return href === undefined || href.startsWith('#') || href === '' ? undefined : href
}
