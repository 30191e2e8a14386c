import { indentOf } from './indent.ts'

/**
 * Finds the borders at which Markdown can be cut so that its parts, parsed separately, give the blocks of the whole. A
 * border is before an unindented line with a blank line above, outside of fenced code and raw HTML. If that is not
 * certain, there is no border.
 *
 * The rules follow CommonMark. The inside of lists, quotes and footnotes is not tracked, because an unindented line
 * ends them.
 */

/** The construct that is open after the lines so far. `stuck` means that it is unknown; there are no more borders. */
type Open =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'fence'; readonly mark: string; readonly length: number }
  /** Raw HTML that continues across blank lines. */
  | { readonly kind: 'html'; readonly end: RegExp }
  /** Raw HTML, or possibly raw HTML, up to the next blank line. */
  | { readonly kind: 'html block'; readonly isSure: boolean }
  | { readonly kind: 'stuck' }

/** A list item or footnote that continues on lines indented by `offset`. It may not exist if `isSure` is false. */
interface Container {
  readonly offset: number
  readonly isSure: boolean
  /** Whether the line above certainly belongs to a paragraph inside, which a less indented line then continues. */
  readonly isText: boolean
}

interface State {
  readonly open: Open
  readonly container: Container | null
  /** Kind of the line above. */
  readonly above: 'blank' | 'text' | 'other'
}

/** Where a part may begin. Within a table, `head` is its first two lines, which the rows below need to be a table. */
export interface Border {
  readonly at: number
  readonly head: string | null
}

const start: State = { open: { kind: 'nothing' }, container: null, above: 'blank' }

/** All borders except the beginning of the text. */
export function* markdownBorders(markdown: string): Generator<Border> {
  let state = start
  const table = createTable()
  const lines = /([^\r\n]*)(\r\n|\n|\r|$)/g
  for (let found = lines.exec(markdown); found !== null && found[0] !== ''; found = lines.exec(markdown)) {
    const line = found[1]!
    if (found.index > 0 && isBorder(state, line)) {
      yield { at: found.index, head: null }
      state = start
    }
    const head = table.headAt(line, state)
    if (head !== null) yield { at: found.index, head }
    state = after(state, line)
    if (state.open.kind === 'stuck') return
  }
}

function isBorder({ open, above }: State, line: string): boolean {
  return open.kind === 'nothing' && above === 'blank' && /^[^\s\ufeff]/.test(line) && marker(line, 0) === null
}

/** Tracks an unindented table whose lines all have outer bars. Other tables have no borders inside. */
function createTable() {
  let above: string | null = null
  let head: string | null = null

  function headAt(line: string, { open, above: kind }: State): string | null {
    const cells = cellsOf(line)
    if (open.kind !== 'nothing' || cells === null) {
      above = head = null
    } else if (head !== null) {
      return head
    } else if (above !== null && cells === cellsOf(above) && /^\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*$/.test(line)) {
      head = `${above}\n${line}\n`
    } else {
      above = kind === 'blank' ? line : null
    }
    return null
  }

  return { headAt }
}

/** Number of cells of a table row, or null if the line is not one. */
function cellsOf(line: string): number | null {
  const plain = line.replace(/\\[\\|]/g, '')
  return /^\|.*\|[ \t]*$/.test(plain) ? plain.split('|').length - 2 : null
}

function after(state: State, line: string): State {
  const { open } = state
  const isBlank = /^[ \t]*$/.test(line)
  if (open.kind === 'fence') return closes(line, open) ? { ...state, open: { kind: 'nothing' }, above: 'other' } : state
  if (open.kind === 'html') return open.end.test(line) ? { ...state, open: { kind: 'nothing' }, above: 'other' } : state
  if (isBlank) return { ...state, open: { kind: 'nothing' }, above: 'blank' }
  if (open.kind === 'html block') return !open.isSure && mayOpen(line) ? stuck(state) : state
  return afterText(state, line)
}

function stuck(state: State): State {
  return { ...state, open: { kind: 'stuck' } }
}

function closes(line: string, { mark, length }: { readonly mark: string; readonly length: number }): boolean {
  const run = /^ {0,3}(`+|~+)[ \t]*$/.exec(line)?.[1]
  return run !== undefined && run[0] === mark && run.length >= length
}

/** Whether the line may open, at any position, a construct that continues across blank lines. */
function mayOpen(line: string): boolean {
  return /```|~~~|<(?:script|pre|style|textarea|!|\?)/i.test(line)
}

function afterText({ container, above }: State, line: string): State {
  const indent = indentOf(line)
  if (container !== null && indent >= container.offset) return inside(container, line, above)
  if (indent >= 4) {
    // Indented code, or the continuation of a paragraph: nothing begins in either.
    return {
      open: { kind: 'nothing' },
      container: above === 'blank' ? null : unsure(container),
      above: above === 'text' ? 'text' : 'other',
    }
  }
  const text = line.trimStart()
  const opened = openedBy(text)
  if (opened !== null) return { open: opened, container: null, above: 'other' }
  const offset = marker(text, indent)
  if (offset !== null)
    return {
      open: { kind: 'nothing' },
      container: { offset, isSure: isSureItem(text, above), isText: isPlain(text.replace(/^\S+[ \t]{1,4}(?=\S)/, '')) },
      above: 'text',
    }
  if (interrupts(text)) return { open: { kind: 'nothing' }, container: null, above: 'other' }
  return { open: { kind: 'nothing' }, container: above === 'blank' ? null : unsure(container), above: 'text' }
}

/** State for a line inside a container, which the next unindented line ends together with everything opened in it. */
function inside(container: Container, line: string, above: State['above']): State {
  if (!container.isSure && mayOpen(line)) return stuck({ open: { kind: 'nothing' }, container, above: 'text' })
  return {
    open: { kind: 'nothing' },
    container: { ...container, isText: container.isText && above !== 'blank' && isPlain(line.trimStart()) },
    above: 'text',
  }
}

/** A less indented line without a blank line above may continue the paragraph inside the container. */
function unsure(container: Container | null): Container | null {
  return container === null || container.isText ? container : { ...container, isSure: false }
}

/** Whether a line with this text can only begin or continue a paragraph. */
function isPlain(text: string): boolean {
  return /^(?:[\p{L}("']|\*{1,2}[\p{L}`]|`[^`]|\[[^\][]+\]\()/u.test(text)
}

/** Column at which the content of a list item or footnote begins, or null if the line begins neither. */
function marker(text: string, indent: number): number | null {
  if (/^(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/.test(text)) return null
  if (/^\[\^[^\]]*\]:/.test(text)) return 4
  const found = /^([-+*]|\d{1,9}[.)])(?=[ \t]|$)/.exec(text)
  if (found === null) return null
  const end = indent + found[1]!.length
  const rest = text.slice(found[1]!.length)
  const content = indentOf(' '.repeat(end % 4) + rest) - (end % 4)
  return /^[ \t]*$/.test(rest) || content > 4 ? end + 1 : end + content
}

/**
 * Whether the line certainly begins a list item. Within a paragraph, only a bullet or a "1." with text does. An empty
 * item may be the underline of a heading.
 */
function isSureItem(text: string, above: State['above']): boolean {
  const isEmpty = /^\S+[ \t]*$/.test(text)
  if (isEmpty) return false
  return above === 'blank' || /^(?:[-+*]|1[.)])[ \t]/.test(text)
}

/** Whether the line ends a paragraph, even inside a list: a heading, a thematic break or a quote. */
function interrupts(text: string): boolean {
  return /^(?:#{1,6}(?:[ \t]|$)|>|(?:\*[ \t]*){3,}$|(?:_[ \t]*){3,}$)/.test(text)
}

/** Elements that begin raw HTML up to the next blank line, whatever follows them (CommonMark, kind 6). */
const blocks = new Set(
  (
    'address article aside base basefont blockquote body caption center col colgroup dd details dialog dir div dl dt fieldset figcaption figure ' +
    'footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe legend li link main menu menuitem nav noframes ol optgroup option p ' +
    'param search section summary table tbody td tfoot th thead title tr track ul'
  ).split(' '),
)

function openedBy(text: string): Open | null {
  const fence = /^(`{3,}(?=[^`]*$)|~{3,})/.exec(text)?.[1]
  if (fence !== undefined) return { kind: 'fence', mark: fence[0]!, length: fence.length }
  return text.startsWith('<') ? openedHtml(text) : null
}

function openedHtml(text: string): Open | null {
  const end = endOf(text)
  if (end === null) return htmlBlock(text)
  if (end === 'unsure') return { kind: 'stuck' }
  return end.test(text) ? { kind: 'nothing' } : { kind: 'html', end }
}

/** Pattern that ends raw HTML across blank lines, or null if the HTML is of another kind. */
function endOf(text: string): RegExp | 'unsure' | null {
  if (/^<(?:script|pre|style|textarea)(?=[\s>]|$)/i.test(text)) return /<\/(?:script|pre|style|textarea)>/i
  if (/^<!--?-?>|^<\?>/.test(text)) return 'unsure'
  if (text.startsWith('<!--')) return /-->/
  if (text.startsWith('<?')) return /\?>/
  if (text.startsWith('<![CDATA[')) return /\]\]>/
  return /^<![a-z]/i.test(text) ? />/ : null
}

/** Matches every tag that is alone on its line, and some text that is not a tag. */
const loneTag = /^<\/?[a-z](?:[^"'>]|"[^"]*"|'[^']*')*>[ \t]*$/i

function htmlBlock(text: string): Open | null {
  const name = /^<\/?([a-z][a-z0-9-]*)(?=[\s/>]|$)/i.exec(text)?.[1]
  if (name === undefined) return null
  if (blocks.has(name.toLowerCase())) return { kind: 'html block', isSure: true }
  // Other elements begin a block only if the complete tag is alone on its line, and not always then.
  return loneTag.test(text) ? { kind: 'html block', isSure: false } : null
}
