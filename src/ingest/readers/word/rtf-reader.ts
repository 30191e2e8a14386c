import type { FlowBlock } from './flow.ts'
import { codePageOf, decodeCodePage } from './rtf-encodings.ts'
import { RtfFlow, type CellPlace } from './rtf-flow.ts'
import { rtfTokens, type RtfToken } from './rtf-tokens.ts'
import { inFont } from './symbols.ts'
import { linkIn } from './word-fields.ts'
import { headingByName } from './word-styles.ts'

type Destination = 'text' | 'skip' | 'quiet' | 'fonts' | 'styles' | 'marker' | 'code'

/** What a group inherits from the group around it. */
interface State {
  destination: Destination
  /** The next control word names a destination that readers may ignore. */
  isOptional: boolean
  font: number
  fallbackLength: number
  isHidden: boolean
  isDeleted: boolean
  isBold: boolean
  position: 'sup' | 'sub' | undefined
  style: number
  outline: number | undefined
  level: number
  isInTable: boolean
  href: string | undefined
  field: { code: string } | undefined
  /** Called when the group ends that this state was made for. */
  onClose: (() => void) | undefined
}

interface Style {
  name: string
  basedOn: number | undefined
  outline: number | undefined
}

const initial: State = {
  destination: 'text',
  isOptional: false,
  font: -1,
  fallbackLength: 1,
  isHidden: false,
  isDeleted: false,
  isBold: false,
  position: undefined,
  style: 0,
  outline: undefined,
  level: 0,
  isInTable: false,
  href: undefined,
  field: undefined,
  onClose: undefined,
}

const deepest = 5000
/** Notes and text boxes within each other. */
const deepestFlow = 20
/** Names of fonts and styles, and the code of a field, are looked at for each paragraph or run that has them. */
const longestName = 200
const longestCode = 4000

/** Not part of the text: what describes the document, what repeats on every page, pictures, and marks for an index. */
const skipped = new Set(
  (
    'colortbl info header headerl headerr headerf footer footerl footerr footerf pict shprslt nonshppict nonesttables ' +
    'xe tc tcn rxe filetbl listtable listoverridetable private ftnsep ftnsepc aftnsep aftnsepc ftncn aftncn template ' +
    'revtbl annotation atnid atnauthor generator themedata colorschememapping datastore latentstyles objdata'
  ).split(' '),
)

const signs: ReadonlyMap<string, string> = new Map([
  ['tab', ' '],
  ['line', '\n'],
  ['page', ' '],
  ['column', ' '],
  ['emdash', '—'],
  ['endash', '–'],
  ['bullet', '•'],
  ['lquote', '‘'],
  ['rquote', '’'],
  ['ldblquote', '“'],
  ['rdblquote', '”'],
  ['emspace', ' '],
  ['enspace', ' '],
  ['qmspace', ' '],
  ['~', ' '],
  ['_', '\u2011'],
  ['nestcell', ' '],
  ['\\', '\\'],
  ['{', '{'],
  ['}', '}'],
])

const paragraphEnds = new Set(['par', 'sect', 'nestrow', '\n', '\r'])

/** How control words change the state. A switch without a number is on. */
const looks = new Map<string, (value: number | undefined) => Partial<State>>([
  ['v', value => ({ isHidden: value !== 0 })],
  ['deleted', value => ({ isDeleted: value !== 0 })],
  ['mvf', value => ({ isDeleted: value !== 0 })],
  ['b', value => ({ isBold: value !== 0 })],
  ['super', value => ({ position: value === 0 ? undefined : 'sup' })],
  ['sub', value => ({ position: value === 0 ? undefined : 'sub' })],
  ['nosupersub', () => ({ position: undefined })],
  ['up', (value = 6) => ({ position: value >= leastShift ? 'sup' : undefined })],
  ['dn', (value = 6) => ({ position: value >= leastShift ? 'sub' : undefined })],
  ['plain', () => ({ isHidden: false, isDeleted: false, isBold: false, position: undefined })],
  ['uc', (value = 1) => ({ fallbackLength: Math.max(0, Math.min(value, 100)) })],
  ['pard', () => ({ style: 0, outline: undefined, level: 0, isInTable: false })],
  ['ilvl', (value = 0) => ({ level: Math.max(0, value) })],
  ['intbl', () => ({ isInTable: true })],
])

/** Text that is set a little higher is no superscript. In half points. */
const leastShift = 4

/** The blocks of an RTF file, with the numbers of lists as the program that wrote it has stored them. */
export function rtfBlocks(file: Buffer): readonly FlowBlock[] {
  const reader = new RtfReader()
  for (const token of rtfTokens(file)) reader.take(token)
  return reader.end()
}

class RtfReader {
  #state: State = { ...initial }
  readonly #outer: State[] = []
  #flow = new RtfFlow()
  #flowDepth = 0
  /** Bytes of text that are not decoded yet, because a character may have several. */
  #bytes: Uint8Array[] = []
  /** Characters still to be skipped: they stand for a Unicode character in programs that do not know it. */
  #fallbackLeft = 0
  #codePage = 1252
  readonly #fonts = new Map<number, { codePage: number | undefined; isSymbol: boolean; name: string }>()
  readonly #styles = new Map<number, Style>()
  #openStyle: Style | undefined
  #marker = ''
  #noteCount = 0
  #rowPlaces: CellPlace[] = []
  #isHeaderRow = false
  #cellLook = { continuesLeft: false, continuesAbove: false }

  take(token: RtfToken): void {
    if (token.kind === 'bytes') this.#takeBytes(token.bytes)
    else if (token.kind === 'control') this.#takeControl(token.word, token.value)
    else {
      this.#flush()
      this.#fallbackLeft = 0
      if (token.kind === 'open') this.#openGroup()
      else this.#closeGroup()
    }
  }

  end(): readonly FlowBlock[] {
    this.#flush()
    while (this.#outer.length > 0) this.#closeGroup()
    this.#endParagraph()
    return this.#flow.end()
  }

  #openGroup(): void {
    this.#outer.push(this.#state)
    if (this.#outer.length > deepest) throw new RangeError('nested too deeply')
    this.#state = { ...this.#state, onClose: undefined }
  }

  #closeGroup(): void {
    this.#state.onClose?.()
    this.#state = this.#outer.pop() ?? this.#state
  }

  #takeBytes(bytes: Uint8Array): void {
    const dropped = Math.min(this.#fallbackLeft, bytes.length)
    this.#fallbackLeft -= dropped
    if (dropped < bytes.length) this.#bytes.push(bytes.subarray(dropped))
  }

  #flush(): void {
    if (this.#bytes.length === 0) return
    const bytes = this.#bytes.length === 1 ? this.#bytes[0]! : Buffer.concat(this.#bytes)
    this.#bytes = []
    const font = this.#fonts.get(this.#state.font)
    if (font?.isSymbol) this.#addText(inFont(Buffer.from(bytes).toString('latin1'), font.name))
    else this.#addText(decodeCodePage(bytes, font?.codePage ?? this.#codePage))
  }

  #addText(text: string): void {
    const { destination, field, isHidden, isDeleted, position, isBold, href } = this.#state
    if (destination === 'marker') this.#marker += text
    else if (destination === 'code' && field !== undefined) field.code += text.slice(0, longestCode - field.code.length)
    else if (destination === 'styles') this.#nameStyle(text)
    else if (destination === 'fonts') this.#nameFont(text)
    else if (destination === 'text' && !isHidden && !isDeleted) this.#flow.add({ text, position, isBold, href })
  }

  /** The name of a style ends with a semicolon. */
  #nameStyle(text: string): void {
    if (this.#openStyle !== undefined)
      this.#openStyle.name = (this.#openStyle.name + text.replace(/;.*/s, '')).slice(0, longestName)
    if (text.includes(';')) this.#openStyle = undefined
  }

  #nameFont(text: string): void {
    const font = this.#fonts.get(this.#state.font)
    if (font !== undefined && font.name === '') font.name = text.replace(/;.*/s, '').trim().slice(0, longestName)
  }

  #takeControl(word: string, value: number | undefined): void {
    if (this.#fallbackLeft > 0 && word !== 'u') {
      this.#fallbackLeft -= 1
      return
    }
    this.#flush()
    if (word === '*') this.#state.isOptional = true
    else if (word === 'u') this.#takeUnicode(value ?? 0)
    else if (this.#takeDestination(word) || this.#takeLook(word, value)) return
    else if (this.#state.destination === 'fonts' || this.#state.destination === 'styles') this.#takeTable(word, value)
    else this.#takeStructure(word, value)
  }

  #takeUnicode(value: number): void {
    this.#addText(inFont(String.fromCharCode(value & 0xffff), this.#fonts.get(this.#state.font)?.name ?? ''))
    this.#fallbackLeft = this.#state.fallbackLength
  }

  /** Whether the word names the destination of its group. */
  #takeDestination(word: string): boolean {
    const state = this.#state
    const isOptional = state.isOptional
    state.isOptional = false
    if (state.destination === 'skip') return true
    if (word === 'fonttbl') state.destination = 'fonts'
    else if (word === 'stylesheet') state.destination = 'styles'
    else if (skipped.has(word)) state.destination = 'skip'
    else if (word === 'listtext' || word === 'pntext') {
      this.#marker = ''
      state.destination = 'marker'
    } else if (word === 'footnote') this.#openNote()
    else if (word === 'shptxt') this.#openBox()
    else if (word === 'shpinst' || word === 'upr') state.destination = 'quiet'
    else if (word === 'ud') state.destination = 'text'
    else if (!this.#takeField(word)) {
      // A style sheet marks character styles as optional; they are no styles of paragraphs.
      if (isOptional) state.destination = 'skip'
      return isOptional
    }
    return true
  }

  #takeField(word: string): boolean {
    const state = this.#state
    if (word === 'field') state.field = { code: '' }
    else if (word === 'fldinst') state.destination = 'code'
    else if (word === 'fldrslt') {
      const code = state.field?.code ?? ''
      state.href = linkIn(code) ?? state.href
      if (/^\s*TOC\b/i.test(code)) state.destination = 'skip'
    } else return false
    return true
  }

  /** Notes and text boxes have paragraphs of their own within a paragraph. */
  #openFlow(onClose: (blocks: readonly FlowBlock[]) => void): void {
    if (++this.#flowDepth > deepestFlow) throw new RangeError('nested too deeply')
    const outer = this.#flow
    const marker = this.#marker
    this.#flow = new RtfFlow()
    this.#marker = ''
    Object.assign(this.#state, { ...initial, font: this.#state.font, fallbackLength: this.#state.fallbackLength })
    this.#state.onClose = () => {
      this.#endParagraph()
      const blocks = this.#flow.end()
      this.#flow = outer
      this.#flowDepth -= 1
      this.#marker = marker
      onClose(blocks)
    }
  }

  #openNote(): void {
    const mark = String((this.#noteCount += 1))
    this.#openFlow(blocks => this.#flow.addNote({ mark, blocks }))
  }

  #openBox(): void {
    this.#openFlow(blocks => this.#flow.addBoxes(blocks))
  }

  /** Whether the word changes how text or its paragraph looks. */
  #takeLook(word: string, value: number | undefined): boolean {
    const change = looks.get(word)
    if (change !== undefined) Object.assign(this.#state, change(value))
    return change !== undefined
  }

  #takeTable(word: string, value: number | undefined): void {
    const state = this.#state
    if (state.destination === 'fonts') {
      const font = this.#fonts.get(state.font)
      if (word === 'f') {
        state.font = value ?? 0
        this.#fonts.set(state.font, { codePage: undefined, isSymbol: false, name: '' })
      } else if (word === 'fcharset' && font !== undefined) {
        font.codePage = codePageOf(value ?? 0)
        font.isSymbol = value === 2
      } else if (word === 'cpg' && font !== undefined) font.codePage = value
      return
    }
    if (word === 's' || this.#openStyle === undefined)
      this.#openStyle = { name: '', basedOn: undefined, outline: undefined }
    if (word === 's') this.#styles.set(value ?? 0, this.#openStyle)
    else if (word === 'sbasedon') this.#openStyle.basedOn = value
    else if (word === 'outlinelevel') this.#openStyle.outline = value
  }

  #takeStructure(word: string, value: number | undefined): void {
    const sign = signs.get(word)
    if (sign !== undefined) this.#addText(sign)
    else if (word === 'f') this.#state.font = value ?? 0
    else if (word === 'ansicpg') this.#codePage = value ?? 1252
    else if (word === 'mac') this.#codePage = 10000
    else if (this.#state.destination !== 'text') return
    else if (word === 's') this.#state.style = value ?? 0
    else if (word === 'outlinelevel') this.#state.outline = value
    else if (paragraphEnds.has(word)) this.#endParagraph()
    else this.#takeRow(word, value)
  }

  #takeRow(word: string, value: number | undefined): void {
    if (word === 'trowd') {
      this.#rowPlaces = []
      this.#isHeaderRow = false
    } else if (word === 'trhdr') this.#isHeaderRow = true
    else if (word === 'clmrg') this.#cellLook.continuesLeft = true
    else if (word === 'clvmrg') this.#cellLook.continuesAbove = true
    else if (word === 'cellx') {
      this.#rowPlaces.push({ right: value ?? 0, ...this.#cellLook })
      this.#cellLook = { continuesLeft: false, continuesAbove: false }
    } else if (word === 'cell') {
      this.#state.isInTable = true
      this.#endParagraph()
      this.#flow.endCell()
    } else if (word === 'row') this.#flow.endRow({ isHeader: this.#isHeaderRow, cells: this.#rowPlaces })
  }

  #endParagraph(): void {
    const { style, outline, level, isInTable } = this.#state
    const shown = this.#marker.replace(/\s+/g, ' ').trim()
    this.#marker = ''
    const marker = shown === '' ? undefined : /[\p{L}\p{N}]/u.test(shown) ? shown : '-'
    this.#flow.endParagraph({ heading: this.#headingOf(style, outline), marker, level }, isInTable)
  }

  #headingOf(styleNumber: number, direct: number | undefined): number | undefined {
    const chain: Style[] = []
    for (
      let next = this.#styles.get(styleNumber);
      next && chain.length < 30;
      next = this.#styles.get(next.basedOn ?? -1)
    )
      chain.push(next)
    const names = chain.map(({ name }) => name.trim())
    if (names.some(name => /^title$/i.test(name))) return 0
    const outline = direct ?? chain.find(style => style.outline !== undefined)?.outline
    if (outline !== undefined) return outline >= 0 && outline < 9 ? outline + 1 : undefined
    return headingByName(names)
  }
}
