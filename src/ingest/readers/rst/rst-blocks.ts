import { escaped } from '../html/to-html.ts'
import { inlineHtml, type Names } from './rst-inline.ts'
import {
  gridTable,
  isGridTop,
  isSimpleTop,
  simpleTable,
  withoutIndent,
  type RstCell,
  type RstTable,
} from './rst-tables.ts'

/** The blocks of reStructuredText, as HTML. */

interface Context {
  readonly names: Names
  /** Styles of section titles in the order in which they first occur: that order is their level. */
  readonly styles: string[]
  readonly depth: number
}

interface Block {
  readonly html: string
  /** Index of the line after the block. */
  readonly next: number
}

type BlockReader = (lines: readonly string[], at: number, context: Context) => Block | undefined

const deepest = 50

export function readBlocks(lines: readonly string[], names: Names): string {
  return blocksHtml(lines, { names, styles: [], depth: 0 })
}

function blocksHtml(lines: readonly string[], context: Context): string {
  if (context.depth > deepest) throw new RangeError('nested too deeply')
  const parts: string[] = []
  for (let at = 0; at < lines.length;) {
    if (lines[at]! === '') {
      at += 1
      continue
    }
    const block = readers
      .map(read => () => read(lines, at, context))
      .reduce<Block | undefined>((found, read) => found ?? read(), undefined)
    parts.push(block!.html)
    at = block!.next
  }
  return parts.join('\n')
}

function inside(lines: readonly string[], context: Context): string {
  return blocksHtml(withoutIndent(lines), { ...context, depth: context.depth + 1 })
}

const adornment = /^([!-/:-@[-`{-~])\1*$/

function title(lines: readonly string[], at: number, context: Context): Block | undefined {
  const [line = '', below = ''] = lines.slice(at, at + 2)
  const isOver = isOverlined(lines, at)
  if (!isOver && !isUnderlined(line, below)) return undefined
  const [text, style] = isOver ? [below, `over${line[0]}`] : [line, `under${below[0]}`]
  if (!context.styles.includes(style)) context.styles.push(style)
  const level = Math.min(6, context.styles.indexOf(style) + 1)
  return { html: `<h${level}>${inlineHtml(text.trim(), context.names)}</h${level}>`, next: at + (isOver ? 3 : 2) }
}

function isOverlined(lines: readonly string[], at: number): boolean {
  const [line = '', text = '', below = ''] = lines.slice(at, at + 3)
  return adornment.test(line) && line.length >= 3 && below === line && text !== '' && !adornment.test(text)
}

/** An underline is as long as its title; like Docutils, a shorter one of four signs is tolerated. */
function isUnderlined(text: string, line: string): boolean {
  if (!adornment.test(line) || adornment.test(text) || text.startsWith(' ')) return false
  return line.length >= Math.min(text.length, 4)
}

function transition(lines: readonly string[], at: number): Block | undefined {
  return adornment.test(lines[at]!) && lines[at]!.length >= 4 && (lines[at + 1] ?? '') === ''
    ? { html: '', next: at + 1 }
    : undefined
}

function table(lines: readonly string[], at: number, context: Context): Block | undefined {
  const line = lines[at]!
  if (isGridTop(line)) {
    let next = at
    while (next < lines.length && /^[+|]/.test(lines[next]!)) next += 1
    const grid = gridTable(lines.slice(at, next))
    return grid === undefined ? undefined : { html: tableHtml(grid, context), next }
  }
  if (!isSimpleTop(line) || !line.includes(' ')) return undefined
  const end = simpleEnd(lines, at)
  return end === undefined ? undefined : { html: tableHtml(simpleTable(lines.slice(at, end)), context), next: end }
}

/** The line after the last border: the second one that a blank line follows, or the third. */
function simpleEnd(lines: readonly string[], at: number): number | undefined {
  let borders = 1
  for (let i = at + 1; i < lines.length; i++) {
    if (!/^=[= ]*$/.test(lines[i]!)) continue
    borders += 1
    if (borders === 3 || (lines[i + 1] ?? '') === '') return i + 1
  }
  return undefined
}

function tableHtml({ head, body }: RstTable, context: Context): string {
  const rowsHtml = (rows: readonly (readonly RstCell[])[], tag: 'th' | 'td') =>
    rows.map(row => `<tr>${row.map(cell => cellHtml(cell, tag, context)).join('')}</tr>`).join('')
  return `<table><thead>${rowsHtml(head, 'th')}</thead><tbody>${rowsHtml(body, 'td')}</tbody></table>`
}

function cellHtml({ lines, columns, rows }: RstCell, tag: 'th' | 'td', context: Context): string {
  return `<${tag} colspan="${columns}" rowspan="${rows}">${inside(lines, context)}</${tag}>`
}

/** The lines from `at` on that are blank or indented by at least `columns`, without trailing blank lines. */
function indentedEnd(lines: readonly string[], at: number, columns: number): number {
  let end = at
  for (let i = at; i < lines.length; i++) {
    if (lines[i]! === '') continue
    if (lines[i]!.search(/\S/) < columns) break
    end = i + 1
  }
  return end
}

const bullet = /^[-*+•‣⁃](?: +|$)/
const enumerator = /^(?:\((\d{1,9}|#|[A-Za-z]|[ivxlc]{1,8})\)|(\d{1,9}|#|[A-Za-z]|[ivxlc]{1,8})[.)]) +/

function list(lines: readonly string[], at: number, context: Context): Block | undefined {
  const isBullet = bullet.test(lines[at]!)
  const marker = isBullet ? bullet : enumerator
  const first = marker.exec(lines[at]!)
  if (first === null || (!isBullet && !isItem(lines, at))) return undefined
  const items: string[] = []
  let next = at
  while (next < lines.length) {
    const found = marker.exec(lines[next]!)
    if (found === null) break
    const width = Math.max(2, found[0].length)
    const end = Math.max(next + 1, indentedEnd(lines, next + 1, Math.min(width, 2)))
    items.push(
      `<li>${inside([' '.repeat(width) + lines[next]!.slice(found[0].length), ...lines.slice(next + 1, end)], context)}</li>`,
    )
    next = end
    while (lines[next] === '' && marker.test(lines[next + 1] ?? '')) next += 1
  }
  const start = Number(first[1] ?? first[2])
  return {
    html: isBullet
      ? `<ul>${items.join('')}</ul>`
      : `<ol start="${Number.isNaN(start) ? 1 : start}">${items.join('')}</ol>`,
    next,
  }
}

/** "A. Smith wrote it" on one of several unindented lines is no list. */
function isItem(lines: readonly string[], at: number): boolean {
  const below = lines[at + 1] ?? ''
  return below === '' || below.startsWith(' ') || enumerator.test(below)
}

function field(lines: readonly string[], at: number, context: Context): Block | undefined {
  const found = /^:((?:[^:\\`]|\\.){1,100}):(?: +(.*))?$/.exec(lines[at]!)
  if (found === null) return undefined
  const next = Math.max(at + 1, indentedEnd(lines, at + 1, 1))
  const body = inside([found[2] ?? '', ...withoutIndent(lines.slice(at + 1, next))], context)
  return { html: titled(inlineHtml(found[1]!, context.names), 'line', body), next }
}

function titled(title: string, kind: 'heading' | 'line', body: string): string {
  return `<h6 data-titles="${kind}">${title}</h6>${body}<hr data-titles="end">`
}

function explicit(lines: readonly string[], at: number, context: Context): Block | undefined {
  const line = lines[at]!
  if (/^__ \S/.test(line)) return { html: '', next: at + 1 }
  if (line !== '..' && !line.startsWith('.. ')) return undefined
  const next = Math.max(at + 1, indentedEnd(lines, at + 1, 1))
  const directive = /^\.\. ([A-Za-z][\w:+.-]*?) ?::(?: +(.*))?$/.exec(line)
  if (directive !== null)
    return { html: directiveHtml(directive[1]!, directive[2] ?? '', lines.slice(at + 1, next), context), next }
  const note = /^\.\. \[([^\]]{1,60})\] ?(.*)$/.exec(line)
  if (note !== null) {
    const body = inside([note[2]!, ...withoutIndent(lines.slice(at + 1, next))], context)
    return { html: body.replace('<p>', `<p>[${escaped(note[1]!)}] `), next }
  }
  // Targets and substitutions have been collected; anything else is a comment.
  return { html: '', next }
}

const notes = new Set('attention caution danger error hint important note tip warning seealso todo'.split(' '))
const titledParts = new Set(
  'admonition topic sidebar dropdown tab tab-item group-tab code-tab card grid-item-card details collapse'.split(' '),
)
const code = new Set(
  'code code-block sourcecode parsed-literal prompt math doctest testcode highlight-block'.split(' '),
)
/** They show what is elsewhere, or only steer the output. */
const leftOut =
  /^(?:contents|toctree|include|literalinclude|raw|index|highlight|meta|sectnum|default-role|role|title|header|footer|tabularcolumns|currentmodule|module|auto\w+|image|bibliography|graphviz|plot|only-image|testsetup|testcleanup)$/

function directiveHtml(name: string, argument: string, below: readonly string[], context: Context): string {
  const lines = withoutIndent(below)
  const { options, rest } = optionsOf(lines)
  const [, own = name] = /(?:^|:)([\w-]+)$/.exec(name.toLowerCase()) ?? []
  if (leftOut.test(own)) return ''
  if (own === 'image' || own === 'figure') return picture(options, own === 'figure' ? inside(rest, context) : '')
  if (code.has(own)) return pre(own === 'math' && argument !== '' ? [argument, ...rest] : rest)
  if (own === 'csv-table') return captioned(argument, csvTable(options, rest), context)
  if (own === 'list-table') return captioned(argument, listTable(options, rest), context)
  return textHtml(own, argument, lines, context)
}

function textHtml(own: string, argument: string, lines: readonly string[], context: Context): string {
  const { rest } = optionsOf(lines)
  if (notes.has(own))
    return titled(noteTitle(own), 'line', inside(argument === '' ? rest : [argument, ...lines], context))
  const title = inlineHtml(argument, context.names)
  const body = inside(rest, context)
  if (/^version(?:added|changed)$|^deprecated$/.test(own))
    return titled(`${capitalized(own.replace('version', ''))} in ${title}`, 'line', body)
  if (argument === '') return body
  if (titledParts.has(own)) return titled(title, 'heading', body)
  // An object of an API with its signature; for a table or a rubric, its title.
  return `<p>${own === 'table' || own === 'rubric' ? title : `<code>${escaped(argument)}</code>`}</p>${body}`
}

function noteTitle(name: string): string {
  return name === 'seealso' ? 'See also' : capitalized(name)
}

function capitalized(word: string): string {
  return word.replace(/^./, first => first.toUpperCase())
}

function picture(options: ReadonlyMap<string, string>, caption: string): string {
  const alt = options.get('alt')
  return (alt === undefined ? '' : `<p>${escaped(alt)}</p>`) + caption
}

function captioned(caption: string, table: RstTable, context: Context): string {
  return (caption === '' ? '' : `<p>${inlineHtml(caption, context.names)}</p>`) + tableHtml(table, context)
}

/** Lines `:name: value` at the top of a directive. */
function optionsOf(lines: readonly string[]): { options: ReadonlyMap<string, string>; rest: readonly string[] } {
  const options = new Map<string, string>()
  let at = 0
  for (let found; (found = /^:([\w-]+):(?: +(.*))?$/.exec(lines[at] ?? '')) !== null; at++)
    options.set(found[1]!, found[2] ?? '')
  return { options, rest: lines.slice(at) }
}

function withHead(rows: readonly (readonly RstCell[])[], options: ReadonlyMap<string, string>): RstTable {
  const count = Number(options.get('header-rows') ?? 0) || 0
  return { head: rows.slice(0, count), body: rows.slice(count) }
}

function csvTable(options: ReadonlyMap<string, string>, lines: readonly string[]): RstTable {
  const header = options.get('header')
  const rows = [...(header === undefined ? [] : [header]), ...lines.filter(line => line !== '')].map(csvCells)
  return header === undefined ? withHead(rows, options) : { head: rows.slice(0, 1), body: rows.slice(1) }
}

function csvCells(line: string): RstCell[] {
  return Array.from(line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) => ({
    lines: [(quoted?.replaceAll('""', '"') ?? plain ?? '').trim()],
    columns: 1,
    rows: 1,
  }))
}

/** A list of lists: `* - cell`, and below it `  - cell`. */
function listTable(options: ReadonlyMap<string, string>, lines: readonly string[]): RstTable {
  const rows: string[][][] = []
  for (const line of lines) {
    const isRow = /^[*+-] +[*+-](?: |$)/.test(line)
    if (isRow) rows.push([[/^[*+-] +[*+-] ?(.*)$/.exec(line)![1]!]])
    else if (/^ {1,4}[*+-](?: |$)/.test(line)) rows.at(-1)?.push([/^ *[*+-] ?(.*)$/.exec(line)![1]!])
    else rows.at(-1)?.at(-1)?.push(line.trimStart())
  }
  return withHead(
    rows.map(row => row.map(cell => ({ lines: cell, columns: 1, rows: 1 }))),
    options,
  )
}

function lineBlock(lines: readonly string[], at: number, context: Context): Block | undefined {
  let next = at
  while (/^\|(?: |$)/.test(lines[next] ?? '')) next += 1
  if (next === at) return undefined
  return {
    html: `<p>${lines
      .slice(at, next)
      .map(line => inlineHtml(line.slice(1).trim(), context.names))
      .join('<br>')}</p>`,
    next,
  }
}

function doctest(lines: readonly string[], at: number): Block | undefined {
  if (!lines[at]!.startsWith('>>> ')) return undefined
  let next = at
  while (next < lines.length && lines[next] !== '') next += 1
  return { html: pre(lines.slice(at, next)), next }
}

function pre(lines: readonly string[]): string {
  return `<pre><code>${escaped(withoutIndent(lines).join('\n').replace(/^\n+/, ''))}</code></pre>`
}

function quote(lines: readonly string[], at: number, context: Context): Block | undefined {
  if (!lines[at]!.startsWith(' ')) return undefined
  const next = Math.max(at + 1, indentedEnd(lines, at, 1))
  return { html: `<div>${inside(lines.slice(at, next), context)}</div>`, next }
}

function definition(lines: readonly string[], at: number, context: Context): Block | undefined {
  const below = lines[at + 1] ?? ''
  if (!below.startsWith(' ') || lines[at]!.endsWith('::')) return undefined
  const next = indentedEnd(lines, at + 1, 1)
  const term = lines[at]!
  const kind = /[?？]$/.test(term) ? 'heading' : 'line'
  return { html: titled(inlineHtml(term, context.names), kind, inside(lines.slice(at + 1, next), context)), next }
}

/** Options of a command: `-a, --all  What it does`. */
function option(lines: readonly string[], at: number, context: Context): Block | undefined {
  const found =
    /^((?:--?\w[\w-]*|\/\w)(?:[ =]<?[\w-]+>?)?(?:, (?:--?\w[\w-]*|\/\w)(?:[ =]<?[\w-]+>?)?)*)(?: {2,}(.*))?$/.exec(
      lines[at]!,
    )
  if (found === null || (found[2] === undefined && !(lines[at + 1] ?? '').startsWith(' '))) return undefined
  const next = Math.max(at + 1, indentedEnd(lines, at + 1, 1))
  return {
    html: titled(
      `<code>${escaped(found[1]!)}</code>`,
      'line',
      inside([found[2] ?? '', ...withoutIndent(lines.slice(at + 1, next))], context),
    ),
    next,
  }
}

/** A paragraph that ends with `::` announces a literal block, indented or with a sign before every line. */
function paragraph(lines: readonly string[], at: number, context: Context): Block {
  let next = at + 1
  while (next < lines.length && lines[next] !== '') next += 1
  const text = lines.slice(at, next).join('\n')
  const announces = text.endsWith('::')
  const shown = announces ? text.replace(/(?:^|\s)::$|:$/, '') : text
  const html = shown.trim() === '' ? '' : `<p>${inlineHtml(shown, context.names)}</p>`
  if (!announces) return { html, next }
  while (lines[next] === '') next += 1
  const end = indentedEnd(lines, next, 1)
  return { html: end > next ? html + pre(lines.slice(next, end)) : html, next: Math.max(next, end) }
}

const readers: readonly BlockReader[] = [
  title,
  table,
  transition,
  explicit,
  option,
  list,
  field,
  lineBlock,
  doctest,
  quote,
  definition,
  paragraph,
]
