import { UnreadableError } from '../content.ts'
import type { Position } from '../html/superscripts.ts'
import { isUsefulTitle } from './office-parts.ts'
import { htmlOf, linkHtml, paragraphsHtml, tableHtml, tagged, type Paragraph, type TableCell } from '../html/to-html.ts'
import { childAt, childrenOf, elementsIn, parseXml, textIn, type XmlElement } from '../xml.ts'
import { openZip, type Archive } from '../zip.ts'

/** Opens an OpenDocument file of this kind (`spreadsheet`, `presentation`). */
export async function openOdf(bytes: Buffer, kind: string): Promise<Archive> {
  const archive = await openZip(bytes)
  const manifest = await archive.bytes('META-INF/manifest.xml')
  if (manifest !== null && elementsIn(await parseXml([manifest]), 'encryption-data').length > 0)
    throw new UnreadableError('is protected by a password; remove it first')
  const type = (await archive.bytes('mimetype'))?.toString('latin1').trim()
  if (type !== undefined && !type.includes(kind)) throw new Error('another kind of document')
  if (!archive.has('content.xml')) throw new Error('no content.xml')
  return archive
}

export async function odfTitle(archive: Archive): Promise<string | undefined> {
  if (!archive.has('meta.xml')) return undefined
  const title = textIn(childAt(await parseXml(archive.stream('meta.xml')), 'meta', 'title')).trim()
  return isUsefulTitle(title) ? title : undefined
}

/** What the text refers to. */
export interface OdfStyles {
  /** Styles of raised and lowered text. */
  readonly positions: ReadonlyMap<string, Position>
  /** Names of list styles with numbers on the first level. */
  readonly numbered: ReadonlyMap<string, string>
}

export function odfStyles(root: XmlElement): OdfStyles {
  const positions = new Map<string, Position>()
  for (const style of elementsIn(childAt(root, 'automatic-styles') ?? root, 'style')) {
    const way = positionOf(childAt(style, 'text-properties')?.attributes['style:text-position'] ?? '')
    if (way !== null) positions.set(style.attributes['style:name'] ?? '', way)
  }
  const numbered = new Map<string, string>()
  for (const list of elementsIn(root, 'list-style')) {
    for (const level of childrenOf(list, 'list-level-style-number')) {
      const format = level.attributes['style:num-format'] ?? ''
      if (format !== '') numbered.set(`${list.attributes['style:name']}/${level.attributes['text:level']}`, format)
    }
  }
  return { positions, numbered }
}

/** `super 58%` or `-33% 58%`. */
export function positionOf(position: string): Position | null {
  const [way = ''] = position.split(' ')
  if (way === 'super' || /^[1-9]\d*%$/.test(way)) return 'sup'
  return way === 'sub' || /^-[1-9]\d*%$/.test(way) ? 'sub' : null
}

/** Paragraphs, lists and tables inside an element, as HTML. */
export function odfHtml(element: XmlElement, styles: OdfStyles): string {
  let html = ''
  let paragraphs: Paragraph[] = []
  const flush = () => {
    html += paragraphsHtml(paragraphs)
    paragraphs = []
  }
  for (const child of childrenOf(element)) {
    if (child.name === 'p' || child.name === 'h') paragraphs.push({ html: inlineHtml(child, styles) })
    else if (child.name === 'list') paragraphs = paragraphs.concat(listParagraphs(child, styles, 0, ''))
    else if (child.name === 'table') {
      flush()
      html += odfTable(child, styles)
    }
  }
  flush()
  return html
}

function listParagraphs(list: XmlElement, styles: OdfStyles, level: number, above: string): Paragraph[] {
  const name = list.attributes['text:style-name'] ?? above
  const format = styles.numbered.get(`${name}/${level + 1}`)
  const goesOn = list.attributes['text:continue-numbering'] === 'true'
  let count = 0
  return childrenOf(list).flatMap((item): Paragraph[] => {
    if (item.name !== 'list-item' && item.name !== 'list-header') return []
    const start = Number(item.attributes['text:start-value'] ?? Number.NaN)
    let isFirst = item.name === 'list-item'
    return childrenOf(item).flatMap((child): Paragraph[] => {
      if (child.name === 'list') return listParagraphs(child, styles, level + 1, name)
      const html = inlineHtml(child, styles)
      if (html.trim() === '') return []
      if (!isFirst) return [{ html }]
      isFirst = false
      count = Number.isFinite(start) ? start : count + 1
      const number = format === undefined ? undefined : { type: format, start: count }
      return [{ html, item: { level, ...(number && !goesOn && { number }) } }]
    })
  })
}

/** Elements of which nothing is read: comments, notes with a frame of their own, and numbers of pages. */
const unread = new Set(['annotation', 'annotation-end', 'page-number', 'page-count', 'date', 'time', 'tracked-changes'])

/** The text of a paragraph with links and raised text. */
function inlineHtml(element: XmlElement, styles: OdfStyles): string {
  return element.children
    .map(node => {
      if (typeof node === 'string') return htmlOf(node.replace(/\s+/g, ' '))
      if (unread.has(node.name)) return ''
      if (node.name === 's') return ' '
      if (node.name === 'tab') return ' '
      if (node.name === 'line-break') return '<br>'
      const inside = inlineHtml(node, styles)
      if (node.name === 'a') return linkHtml(inside, node.attributes['xlink:href'])
      if (node.name !== 'span') return inside
      return tagged(inside, styles.positions.get(node.attributes['text:style-name'] ?? '') ?? null)
    })
    .join('')
}

const mostCells = 100_000
const mostTableCharacters = 16 * 2 ** 20

/** Rows and cells that are repeated are written once if they are empty. */
export function odfTable(table: XmlElement, styles: OdfStyles): string {
  let cells = 0
  let characters = 0
  const rows = elementsIn(table, 'table-row').map(row =>
    childrenOf(row).flatMap((cell): TableCell[] => {
      if (cell.name !== 'table-cell') return []
      const html = childrenOf(cell, 'p')
        .concat(childrenOf(cell, 'list'))
        .map(each => (each.name === 'p' ? inlineHtml(each, styles) : htmlOf(textIn(each))))
        .join('<br>')
      const columns = Number(cell.attributes['table:number-columns-spanned'] ?? 1)
      const span = Number(cell.attributes['table:number-rows-spanned'] ?? 1)
      const repeated = Math.max(1, Math.min(1000, Number(cell.attributes['table:number-columns-repeated'] ?? 1) || 1))
      cells += repeated
      characters += repeated * html.length
      if (cells > mostCells || characters > mostTableCharacters)
        throw new UnreadableError('has a table that is too large')
      return Array.from({ length: repeated }, () => ({ html, columns, rows: span }))
    }),
  )
  return tableHtml(rows.filter(row => row.some(({ html }) => html !== '')))
}
