import type { Relationship } from './office-parts.ts'
import { htmlOf, linkHtml, paragraphsHtml, tableHtml, tagged, type Paragraph, type TableCell } from '../html/to-html.ts'
import { childAt, childrenOf, elementsIn, textIn, type XmlElement } from '../xml.ts'

type Relationships = ReadonlyMap<string, Relationship>

/** Whether the paragraphs of a level have bullets unless they say otherwise. */
export type Bulleted = (level: number) => boolean

/** Of the nine levels that the format has, from 0. */
const deepestLevel = 8

/** The paragraphs of a text box or a table cell as HTML. */
export function bodyHtml(body: XmlElement | undefined, relationships: Relationships, isBulleted: Bulleted): string {
  const counts = new Map<number, { type: string; count: number }>()
  const paragraphs = childrenOf(body, 'p').map((paragraph): Paragraph => {
    const html = runsHtml(paragraph, relationships)
    const properties = childAt(paragraph, 'pPr')
    const level = Math.max(0, Math.min(deepestLevel, Number(properties?.attributes['lvl'] ?? 0) || 0))
    if (html.trim() === '') return { html }
    const numbering = childAt(properties, 'buAutoNum')
    for (const known of counts.keys()) if (known > level) counts.delete(known)
    if (numbering === undefined) {
      counts.delete(level)
      return hasBullet(properties, isBulleted(level)) ? { html, item: { level } } : { html }
    }
    const { type = 'arabicPeriod', startAt = '1' } = numbering.attributes
    const before = counts.get(level)
    const count = before?.type === type ? before.count + 1 : Number(startAt) || 1
    counts.set(level, { type, count })
    return {
      html,
      item: {
        level,
        number: { type: listTypes[type.replace(/(?:Period|Paren|Plain|Minus).*$/, '')] ?? '1', start: count },
      },
    }
  })
  return paragraphsHtml(paragraphs)
}

const listTypes: Readonly<Record<string, string>> = { alphaLc: 'a', alphaUc: 'A', romanLc: 'i', romanUc: 'I' }

function hasBullet(properties: XmlElement | undefined, isUsual: boolean): boolean {
  if (childAt(properties, 'buNone') !== undefined) return false
  return isUsual || childAt(properties, 'buChar') !== undefined || childAt(properties, 'buBlip') !== undefined
}

function runsHtml(paragraph: XmlElement, relationships: Relationships): string {
  return childrenOf(paragraph)
    .map(run => {
      if (run.name === 'br') return '<br>'
      if (run.name === 'r') return runHtml(run, relationships)
      if (run.name === 'fld') return run.attributes['type'] === 'slidenum' ? '' : runHtml(run, relationships)
      return run.name === 'm' || run.name === 'AlternateContent' ? mathHtml(run) : ''
    })
    .join('')
}

function runHtml(run: XmlElement, relationships: Relationships): string {
  const properties = childAt(run, 'rPr')
  const baseline = Number(properties?.attributes['baseline'] ?? 0)
  const html = tagged(htmlOf(textIn(childAt(run, 't'))), baseline > 0 ? 'sup' : baseline < 0 ? 'sub' : null)
  const link = relationships.get(childAt(properties, 'hlinkClick')?.attributes['r:id'] ?? '')
  return link?.isExternal === true ? linkHtml(html, link.target) : html
}

/** Formulas as their characters in order. */
function mathHtml(element: XmlElement): string {
  const choice = element.name === 'AlternateContent' ? childAt(element, 'Choice') : element
  return choice === undefined ? '' : htmlOf(elementsIn(choice, 't').map(textIn).join(' '))
}

const never: Bulleted = () => false

export function tableOf(table: XmlElement, relationships: Relationships): string {
  const rows = childrenOf(table, 'tr').map(row =>
    childrenOf(row, 'tc').flatMap((cell): TableCell[] => {
      const { gridSpan, rowSpan, hMerge, vMerge } = cell.attributes
      if (isTrue(hMerge) || isTrue(vMerge)) return []
      const html = bodyHtml(childAt(cell, 'txBody'), relationships, never)
      return [{ html, columns: Number(gridSpan ?? 1), rows: Number(rowSpan ?? 1) }]
    }),
  )
  return tableHtml(rows)
}

function isTrue(value: string | undefined): boolean {
  return value === '1' || value === 'true'
}

/** The numbers of a chart as a table: a row for each category, a column for each series. */
export function chartHtml(root: XmlElement): string {
  const title = elementsIn(childAt(root, 'chart', 'title') ?? root, 't')
  const series = elementsIn(root, 'ser').slice(0, 50)
  const names = series.map((each, i) => pointsOf(childAt(each, 'tx'))[0] ?? `Series ${i + 1}`)
  const categories = pointsOf(childAt(series[0], 'cat') ?? childAt(series[0], 'xVal'))
  const values = series.map(each => pointsOf(childAt(each, 'val') ?? childAt(each, 'yVal')))
  const heading = childAt(root, 'chart', 'title') === undefined ? '' : `<p>${htmlOf(title.map(textIn).join(''))}</p>`
  const length = Math.min(1000, Math.max(0, ...values.map(({ length: count }) => count)))
  const rows = Array.from({ length }, (_, i) => [categories[i] ?? `${i + 1}`, ...values.map(each => each[i] ?? '')])
  if (rows.length === 0) return heading
  return heading + tableHtml([['', ...names], ...rows].map(cells => cells.map(cell => ({ html: htmlOf(cell) }))))
}

/** The stored values of a series, by their index. */
function pointsOf(element: XmlElement | undefined): string[] {
  const points: string[] = []
  if (element === undefined) return points
  for (const point of elementsIn(element, 'pt')) {
    const index = Number(point.attributes['idx'])
    if (index < 10_000) points[index] = textIn(childAt(point, 'v'))
  }
  return Array.from(points, point => point ?? '')
}

/** The texts of a diagram as a list. */
export function diagramHtml(root: XmlElement): string {
  const texts = elementsIn(root, 'pt').map(point => textIn(childAt(point, 't')).trim())
  return paragraphsHtml(texts.map(text => ({ html: htmlOf(text), item: { level: 0 } })))
}
