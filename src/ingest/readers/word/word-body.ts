import { inFont } from './symbols.ts'
import { createFields } from './word-fields.ts'
import { joinedDown, type UnjoinedRow } from './flow.ts'
import type { FlowBlock, Note, Paragraph, Piece, Table } from './flow.ts'
import type { NumberedBy, Shown } from './word-numbers.ts'
import { headingOf, isOn, lookOf, numberOf, valueOf, type Look, type Style, type Styles } from './word-styles.ts'
import { child, descendant, elementsOf, textOf, type Xml } from './xml.ts'

export interface WordContext {
  readonly styles: Styles
  readonly shownNumber: (numbered: NumberedBy, chain: readonly Style[]) => Shown | undefined
  /** Targets of external relationships by id. */
  readonly links: ReadonlyMap<string, string>
  readonly notes: ReadonlyMap<string, WordNote>
}

export interface WordNote {
  readonly element: Xml
  readonly links: ReadonlyMap<string, string>
}

/** What of an open paragraph has been read. */
interface Open {
  readonly look: readonly Look[]
  readonly pieces: Piece[]
  readonly notes: Note[]
  /** Text boxes that are anchored in the paragraph. */
  readonly boxes: FlowBlock[]
  readonly href?: string | undefined
}

/** Elements that only group others. */
const groups = new Set(
  'w:ins w:moveTo w:smartTag w:customXml w:sdtContent w:dir w:bdo w:object w:drawing w:pict w:rubyBase w:ruby wp:inline wp:anchor a:graphic a:graphicData wpg:wgp wpg:grpSp wpc:wpc wps:wsp wps:txbx v:shape v:rect v:roundrect v:oval v:group v:textbox m:oMath m:oMathPara m:e m:num m:den m:sup m:sub m:deg m:fName m:d m:rad m:nary m:func m:box m:bar m:acc m:limLow m:limUpp m:m m:mr m:eqArr'.split(
    ' ',
  ),
)

/** Reads the body of a Word document in order, with the text as Word shows and prints it. */
export function readBody(body: Xml, context: WordContext): FlowBlock[] {
  return new BodyReader(context).read(body)
}

class BodyReader {
  readonly #context: WordContext
  readonly #fields = createFields()
  readonly #noteCounts = new Map<string, number>()
  readonly #readNotes = new Set<WordNote>()
  /** Pieces of a paragraph whose end was deleted: they belong to the next one. */
  #carried: Piece[] = []

  constructor(context: WordContext) {
    this.#context = context
  }

  read(body: Xml): FlowBlock[] {
    const blocks = this.#readBlocks(body)
    return this.#carried.length === 0 ? blocks : [...blocks, { kind: 'paragraph', pieces: this.#carried }]
  }

  #readBlocks(parent: Xml): FlowBlock[] {
    return elementsOf(parent).flatMap(element => this.#readBlock(element))
  }

  #readBlock(element: Xml): FlowBlock[] {
    if (element.name === 'w:p') return this.#readParagraph(element)
    if (element.name === 'w:tbl') return [this.#readTable(element)]
    if (element.name === 'w:sdt') return isFilled(element) ? this.#readBlocks(contentOf(element)) : []
    if (element.name === 'mc:AlternateContent') return this.#readBlocks(alternativeOf(element))
    return groups.has(element.name) ? this.#readBlocks(element) : []
  }

  #readParagraph(element: Xml): FlowBlock[] {
    const properties = child(element, 'w:pPr')
    const chain = this.#context.styles.chain(
      valueOf(child(properties, 'w:pStyle')) ?? this.#context.styles.defaultParagraph,
    )
    const open: Open = { look: chain, pieces: this.#carried, notes: [], boxes: [], href: undefined }
    this.#carried = []
    this.#readInline(element, open)
    const mark = child(properties, 'w:rPr')
    const hasText = open.pieces.some(({ text }) => text !== '')
    if (child(mark, 'w:del') !== undefined || child(mark, 'w:moveFrom') !== undefined) {
      this.#carried = open.pieces
      return open.boxes
    }
    if ((!hasText && lookOf(mark).isHidden) || chain.some(({ name }) => /^toc (?:\d|heading)/i.test(name)))
      return open.boxes
    const shown = this.#context.shownNumber(numberedBy(properties), chain)
    const paragraph: Paragraph = {
      kind: 'paragraph',
      pieces: open.pieces,
      heading: headingOf(chain, numberOf(child(properties, 'w:outlineLvl'))),
      notes: open.notes,
      ...shown,
    }
    return [paragraph, ...open.boxes]
  }

  #readInline(parent: Xml, open: Open): void {
    for (const element of elementsOf(parent)) this.#readInlineElement(element, open)
  }

  #readBox(element: Xml, open: Open): void {
    for (const block of readBody(element, this.#context)) open.boxes.push(block)
  }

  #readInlineElement(element: Xml, open: Open): void {
    const { name } = element
    if (name === 'w:r' || name === 'm:r') this.#readRun(element, open)
    else if (name === 'w:hyperlink')
      this.#readInline(element, { ...open, href: this.#context.links.get(element.attributes['r:id'] ?? '') })
    else if (name === 'w:fldSimple')
      this.#fields.simple(element.attributes['w:instr'] ?? '', () => this.#readInline(element, open))
    else if (name === 'w:sdt') {
      if (isFilled(element)) this.#readInline(contentOf(element), open)
    } else if (name === 'w:txbxContent') this.#readBox(element, open)
    else if (name === 'mc:AlternateContent') this.#readInline(alternativeOf(element), open)
    else if (name === 'wp:docPr') this.#readAlternativeText(element, open)
    else if (name.startsWith('m:')) this.#readFormula(element, open)
    else if (groups.has(name)) {
      for (const inner of elementsOf(element)) this.#readInlineElement(inner, open)
    }
  }

  #readRun(run: Xml, open: Open): void {
    const properties = child(run, 'w:rPr')
    const looks = [
      lookOf(properties),
      ...this.#context.styles.chain(valueOf(child(properties, 'w:rStyle'))),
      ...open.look,
    ]
    if (looks.find(look => look.isHidden !== undefined)?.isHidden) {
      for (const element of elementsOf(run)) this.#fields.read(element)
      return
    }
    const position = looks.find(look => look.position !== undefined)?.position
    const look = {
      position: position === 'none' ? undefined : position,
      isBold: looks.find(each => each.isBold !== undefined)?.isBold,
    }
    const font = looks.find(each => each.font !== undefined)?.font ?? ''
    const add = (text: string): void => {
      if (text !== '' && !this.#fields.isSkipping())
        open.pieces.push({ text, ...look, href: open.href ?? this.#fields.href() })
    }
    for (const element of elementsOf(run)) {
      add(this.#fields.read(element) + this.#runText(element, font))
      if (/^w:(?:foot|end)noteReference$/.test(element.name)) this.#readNote(element, open)
      else this.#readInlineElement(element, open)
    }
  }

  #readNote(reference: Xml, { notes }: Open): void {
    const kind = reference.name.slice(2, -'Reference'.length)
    const note = this.#context.notes.get(`${kind}/${reference.attributes['w:id'] ?? ''}`)
    // Word refers to each note once. A small file may refer to a long one ten thousand times.
    if (note === undefined || this.#fields.isSkipping() || this.#readNotes.has(note)) return
    this.#readNotes.add(note)
    notes.push({
      mark: this.#markOf(kind),
      blocks: readBody(note.element, { ...this.#context, links: note.links, notes: new Map() }),
    })
  }

  #markOf(kind: string): string {
    const count = (this.#noteCounts.get(kind) ?? 0) + 1
    this.#noteCounts.set(kind, count)
    return String(count)
  }

  #readAlternativeText(element: Xml, open: Open): void {
    const text = element.attributes['descr']
    if (text && !this.#fields.isSkipping()) open.pieces.push({ text: ` ${text} ` })
  }

  /** Powers, indices and fractions; the rest of a formula is read as a line of text. */
  #readFormula(element: Xml, open: Open): void {
    const part = (name: string): Piece[] => {
      const inner: Open = { ...open, pieces: [] }
      const found = child(element, name)
      if (found !== undefined) this.#readInline(found, inner)
      return inner.pieces
    }
    if (/^m:s(?:Sup|Sub|SubSup)$/.test(element.name)) {
      const placed = (name: string, position: 'sup' | 'sub') => part(name).map(piece => ({ ...piece, position }))
      open.pieces.push(...part('m:e'), ...placed('m:sub', 'sub'), ...placed('m:sup', 'sup'))
    } else if (element.name === 'm:f') open.pieces.push(...part('m:num'), { text: '/' }, ...part('m:den'))
    else if (groups.has(element.name)) this.#readInline(element, open)
  }

  #readTable(table: Xml): Table {
    const rows = rowsOf(table).map(row => this.#readRow(row))
    return { kind: 'table', rows: joinedDown(rows) }
  }

  #readRow(row: Xml): UnjoinedRow {
    const properties = child(row, 'w:trPr')
    const header = child(properties, 'w:tblHeader')
    const empty = numberOf(child(properties, 'w:gridBefore')) ?? 0
    const before = Array.from({ length: Math.min(empty, widestGap) }, () => ({
      blocks: [],
      colSpan: 1,
      continues: false,
    }))
    const cells = cellsOf(row).map(cell => {
      const cellProperties = child(cell, 'w:tcPr')
      const merge = child(cellProperties, 'w:vMerge')
      return {
        blocks: this.#readBlocks(cell),
        colSpan: Math.max(1, numberOf(child(cellProperties, 'w:gridSpan')) ?? 1),
        continues: merge !== undefined && valueOf(merge) !== 'restart',
      }
    })
    return { isHeader: header !== undefined && isOn(valueOf(header) ?? '1'), cells: [...before, ...cells] }
  }

  #runText(element: Xml, font: string): string {
    if (element.name === 'w:t' || element.name === 'm:t') return inFont(textOf(element), font)
    if (element.name === 'w:sym') return symbolText(element)
    if (element.name === 'w:br') return /^(?:page|column)$/.test(element.attributes['w:type'] ?? '') ? ' ' : '\n'
    return signs.get(element.name) ?? ''
  }
}

const signs: ReadonlyMap<string, string> = new Map([
  ['w:tab', ' '],
  ['w:ptab', ' '],
  ['w:cr', '\n'],
  ['w:noBreakHyphen', '\u2011'],
])

function symbolText({ attributes }: Xml): string {
  const code = Number.parseInt(attributes['w:char'] ?? '', 16)
  return Number.isNaN(code) || code > 0xffff ? '' : inFont(String.fromCharCode(code), attributes['w:font'] ?? '')
}

/** A row cannot begin with more empty columns than Word allows. */
const widestGap = 63

/** Rows and cells may be wrapped in content controls. Deleted rows are left out. */
function rowsOf(table: Xml): Xml[] {
  return unwrapped(table, 'w:tr').filter(row => child(child(row, 'w:trPr'), 'w:del') === undefined)
}

function cellsOf(row: Xml): Xml[] {
  return unwrapped(row, 'w:tc').filter(cell => child(child(cell, 'w:tcPr'), 'w:cellDel') === undefined)
}

function unwrapped(parent: Xml, name: string): Xml[] {
  return elementsOf(parent).flatMap(element => {
    if (element.name === name) return [element]
    return ['w:sdt', 'w:sdtContent', 'w:customXml', 'w:ins'].includes(element.name) ? unwrapped(element, name) : []
  })
}

function numberedBy(properties: Xml | undefined): NumberedBy {
  const numbering = child(properties, 'w:numPr')
  return { numId: valueOf(child(numbering, 'w:numId')), level: numberOf(child(numbering, 'w:ilvl')) }
}

/** Whether a content control has a value, and is not a table of contents. */
function isFilled(control: Xml): boolean {
  const properties = child(control, 'w:sdtPr')
  const placeholder = child(properties, 'w:showingPlcHdr')
  if (placeholder !== undefined && isOn(valueOf(placeholder) ?? '1')) return false
  const gallery = valueOf(child(child(properties, 'w:docPartObj'), 'w:docPartGallery'))
  return gallery !== 'Table of Contents'
}

function contentOf(control: Xml): Xml {
  return child(control, 'w:sdtContent') ?? { name: '', attributes: {}, children: [] }
}

/** Of the forms of a drawing, the one with text. */
function alternativeOf(element: Xml): Xml {
  const choices = elementsOf(element).filter(({ name }) => name === 'mc:Choice' || name === 'mc:Fallback')
  return choices.find(choice => descendant(choice, 'w:txbxContent') !== undefined) ?? choices[0] ?? element
}
