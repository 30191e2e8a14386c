import type { Content } from '../content.ts'
import { odfHtml, odfStyles, odfTable, odfTitle, openOdf, type OdfStyles } from './odf.ts'
import { inReadingOrder, type Box } from './reading-order.ts'
import { altHtml, hiddenSlides, slideBlocks, titleIn, type Slide } from './slides.ts'
import { childAt, childrenOf, elementsIn, parseXml, textIn, type XmlElement } from '../xml.ts'
import { readingAs } from '../zip.ts'

/** Reads an OpenDocument presentation: each slide under its title, with its notes. */
export async function readOdp(bytes: Buffer): Promise<Content> {
  return await readingAs('an OpenDocument presentation (.odp)', bytes, async () => {
    const archive = await openOdf(bytes, 'presentation')
    const root = await parseXml(archive.stream('content.xml'))
    const styles = odfStyles(root)
    const pages = childrenOf(childAt(root, 'body', 'presentation'), 'page')
    const hiding = hidingStyles(root)
    const hidden = pages.flatMap((page, i) => (hiding.has(page.attributes['draw:style-name'] ?? '') ? [i + 1] : []))
    const slides = pages.flatMap((page, i) => (hidden.includes(i + 1) ? [] : [slideOf(page, i + 1, styles)]))
    return {
      title: (await odfTitle(archive)) ?? slides[0]?.title,
      blocks: slideBlocks(slides),
      warnings: hiddenSlides(hidden),
    }
  })
}

function hidingStyles(root: XmlElement): ReadonlySet<string> {
  const styles = childrenOf(childAt(root, 'automatic-styles'), 'style').filter(
    style => childAt(style, 'drawing-page-properties')?.attributes['presentation:visibility'] === 'hidden',
  )
  return new Set(styles.map(({ attributes }) => attributes['style:name'] ?? ''))
}

interface Shape {
  readonly box: Box | undefined
  readonly html: string
  readonly text: string
  readonly isTitle: boolean
}

function slideOf(page: XmlElement, number: number, styles: OdfStyles): Slide {
  const shapes = inReadingOrder(childrenOf(page).flatMap(child => shapesOf(child, styles)))
  const named = shapes.find(({ isTitle }) => isTitle)
  const first = named ?? shapes.find((shape, i) => i === 0 && titleIn(shape.text) !== undefined)
  const rest = shapes.filter(shape => shape !== first)
  const notes = childrenOf(page, 'notes').flatMap(each => childrenOf(each, 'frame'))
  const notesHtml = notes
    .filter(frame => !furniture.has(frame.attributes['presentation:class'] ?? ''))
    .map(frame => frameHtml(frame, styles))
  return { number, title: first?.text ?? '', html: rest.map(({ html }) => html).join(''), notes: notesHtml.join('') }
}

const furniture = new Set(['footer', 'header', 'date-time', 'page-number', 'page'])

function shapesOf(element: XmlElement, styles: OdfStyles): Shape[] {
  if (element.name === 'g') {
    const inside = inReadingOrder(childrenOf(element).flatMap(child => shapesOf(child, styles)))
    const html = inside.map(shape => shape.html).join('')
    return html === '' ? [] : [{ box: inside[0]?.box, html, text: '', isTitle: false }]
  }
  const kind = element.attributes['presentation:class'] ?? ''
  const isUnread = element.name === 'notes' || element.name === 'forms' || furniture.has(kind)
  if (isUnread || element.attributes['presentation:placeholder'] === 'true') return []
  const html = element.name === 'frame' ? frameHtml(element, styles) : odfHtml(element, styles)
  if (html === '') return []
  const lines = elementsIn(element, 'p')
    .map(line => textIn(line).trim())
    .filter(line => line !== '')
  const isTitle = kind === 'title'
  return [{ box: boxOf(element), html, text: lines.join(isTitle ? ' ' : '\n'), isTitle }]
}

function frameHtml(frame: XmlElement, styles: OdfStyles): string {
  const table = childAt(frame, 'table')
  if (table !== undefined) return odfTable(table, styles)
  const box = childAt(frame, 'text-box')
  return box === undefined ? altHtml(textIn(childAt(frame, 'desc'))) : odfHtml(box, styles)
}

/** Lengths of one file have one unit, as a rule; `in` is the other one in use. */
function boxOf({ attributes }: XmlElement): Box | undefined {
  const [x, y, width, height] = ['x', 'y', 'width', 'height'].map(name => lengthOf(attributes[`svg:${name}`]))
  if (x === undefined || y === undefined || width === undefined || height === undefined) return undefined
  return { x, y, width, height }
}

function lengthOf(length: string | undefined): number | undefined {
  const [, digits, unit] = /^(-?[\d.]+)(cm|mm|in|pt)$/.exec(length ?? '') ?? []
  const factors: Readonly<Record<string, number>> = { cm: 1, mm: 0.1, in: 2.54, pt: 0.035_28 }
  const value = Number(digits) * (factors[unit ?? ''] ?? Number.NaN)
  return Number.isFinite(value) ? value : undefined
}
