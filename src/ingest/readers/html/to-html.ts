/** Text as HTML, also within an attribute. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** Text as HTML. Line ends become `<br>`. */
export function htmlOf(text: string): string {
  return escaped(text).replace(/\r\n?|[\n\v\u2028]/g, '<br>')
}

export function linkHtml(html: string, url: string | undefined): string {
  const isWeb = url !== undefined && /^(?:https?:\/\/|mailto:|tel:)/i.test(url)
  return isWeb && html.trim() !== '' ? `<a href="${htmlOf(url)}">${html}</a>` : html
}

/** Raised (`sup`) or lowered (`sub`) text. */
export function tagged(html: string, tag: 'sup' | 'sub' | null): string {
  return tag === null || html.trim() === '' ? html : `<${tag}>${html}</${tag}>`
}

/** A paragraph, or an item of a list at a level from 0. `number` is set for numbered lists. */
export interface Paragraph {
  readonly html: string
  readonly item?: {
    readonly level: number
    readonly number?: { readonly type: string; readonly start: number }
  }
}

/** Indentation stops here, because files may name any level. */
const deepestLevel = 9

interface OpenList {
  readonly level: number
  readonly tag: 'ul' | 'ol'
  readonly type: string
}

/** Paragraphs as HTML, with items of the same kind joined to lists, and deeper ones inside the item above. */
export function paragraphsHtml(paragraphs: readonly Paragraph[]): string {
  const open: OpenList[] = []
  let html = ''
  const closeTo = (level: number): void => {
    while (open.length > 0 && open.at(-1)!.level > level) html += `</li></${open.pop()!.tag}>`
  }
  for (const { html: inside, item } of paragraphs) {
    if (inside.trim() === '') continue
    if (item === undefined) {
      closeTo(-1)
      html += `<p>${inside}</p>`
      continue
    }
    const level = Math.min(item.level, deepestLevel)
    const tag = item.number === undefined ? 'ul' : 'ol'
    const type = item.number?.type ?? ''
    closeTo(level)
    const top = open.at(-1)
    if (top?.level === level && top.tag === tag && top.type === type) html += '</li><li>'
    else {
      if (top?.level === level) closeTo(level - 1)
      const start = item.number === undefined ? '' : ` type="${item.number.type}" start="${item.number.start}"`
      html += `<${tag}${start}><li>`
      open.push({ level, tag, type })
    }
    html += inside
  }
  closeTo(-1)
  return html
}

export interface TableCell {
  readonly html: string
  readonly columns?: number
  readonly rows?: number
}

/** The first row is the header. */
export function tableHtml(rows: readonly (readonly TableCell[])[]): string {
  const lines = rows.map((cells, i) => {
    const tag = i === 0 ? 'th' : 'td'
    return `<tr>${cells.map(cell => `<${tag}${spanOf('col', cell.columns)}${spanOf('row', cell.rows)}>${cell.html}</${tag}>`).join('')}</tr>`
  })
  return `<table>${lines.join('')}</table>`
}

/** The attribute of a cell that spans several columns or rows. */
export function spanOf(way: 'col' | 'row', count: number | undefined): string {
  return count !== undefined && count > 1 ? ` ${way}span="${count}"` : ''
}
