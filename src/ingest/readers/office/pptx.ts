import type { Content } from '../content.ts'
import { mainPartOf, partOf, relationshipsOf, targetOf, titleOf, type Relationship } from './office-parts.ts'
import { bodyHtml, chartHtml, diagramHtml, tableOf, type Bulleted } from './pptx-text.ts'
import { inReadingOrder, type Box } from './reading-order.ts'
import { altHtml, hiddenSlides, slideBlocks, titleIn, type Slide } from './slides.ts'
import { childAt, childrenOf, elementsIn, textIn, type XmlElement } from '../xml.ts'
import { openZip, readingAs, type Archive } from '../zip.ts'

/** Reads a PowerPoint presentation: each slide under its title, with its notes. */
export async function readPptx(bytes: Buffer): Promise<Content> {
  return await readingAs('a PowerPoint presentation (.pptx)', bytes, async () => {
    const archive = await openZip(bytes)
    const main = await mainPartOf(archive)
    const relationships = await relationshipsOf(archive, main)
    const slideIds = childrenOf(childAt(await partOf(archive, main), 'sldIdLst'), 'sldId')
    const layouts = new Map<string, Promise<Layout>>()
    const slides: Slide[] = []
    const hidden: number[] = []
    for (const [i, { attributes }] of slideIds.entries()) {
      const part = relationships.get(attributes['r:id'] ?? '')?.target
      const slide = await readSlide(archive, part, i + 1, layouts)
      if (slide === 'hidden') hidden.push(i + 1)
      else if (slide !== null) slides.push(slide)
    }
    return {
      title: (await titleOf(archive)) ?? slides[0]?.title,
      blocks: slideBlocks(slides),
      warnings: hiddenSlides(hidden),
    }
  })
}

/** What the placeholders of a slide inherit from its layout. */
interface Layout {
  readonly boxes: ReadonlyMap<string, Box>
  /** Placeholders whose text has no bullets, by key and level. */
  readonly plain: ReadonlySet<string>
}

interface Context {
  readonly archive: Archive
  readonly relationships: ReadonlyMap<string, Relationship>
  readonly layout: Layout
}

/** A shape with something to read. */
interface Shape {
  readonly box: Box | undefined
  readonly html: string
  readonly text: string
  readonly isTitle: boolean
}

async function readSlide(
  archive: Archive,
  part: string | undefined,
  number: number,
  layouts: Map<string, Promise<Layout>>,
): Promise<Slide | 'hidden' | null> {
  const root = await partOf(archive, part)
  if (root === undefined || part === undefined) return null
  if (root.attributes['show'] === '0' || root.attributes['show'] === 'false') return 'hidden'
  const relationships = await relationshipsOf(archive, part)
  const layoutPart = targetOf(relationships, 'slideLayout') ?? ''
  if (!layouts.has(layoutPart)) layouts.set(layoutPart, readLayout(archive, layoutPart))
  const context = { archive, relationships, layout: await layouts.get(layoutPart)! }
  const shapes = await shapesIn(childAt(root, 'cSld', 'spTree'), context)
  const named = shapes.find(({ isTitle }) => isTitle)
  const first = named ?? shapes.find(({ text }) => titleIn(text) !== undefined && shapes[0]!.text === text)
  const rest = shapes.filter(shape => shape !== first)
  const notes = await notesOf(archive, targetOf(relationships, 'notesSlide'))
  return { number, title: first?.text ?? '', html: rest.map(({ html }) => html).join(''), notes }
}

async function shapesIn(tree: XmlElement | undefined, context: Context): Promise<readonly Shape[]> {
  const shapes: Shape[] = []
  for (const element of childrenOf(tree)) for (const each of await shapesOf(element, context)) shapes.push(each)
  return inReadingOrder(shapes)
}

async function shapesOf(element: XmlElement, context: Context): Promise<readonly Shape[]> {
  switch (element.name) {
    case 'sp':
      return textShape(element, context)
    case 'pic':
      return shape(boxOf(childAt(element, 'spPr', 'xfrm')), altHtml(describedBy(element)))
    case 'graphicFrame':
      return shape(boxOf(childAt(element, 'xfrm')), await graphicHtml(element, context))
    case 'grpSp': {
      const inside = await shapesIn(element, context)
      const html = inside.map(each => each.html).join('')
      return shape(boxOf(childAt(element, 'grpSpPr', 'xfrm')), html)
    }
    case 'AlternateContent':
      return await alternative(element, context)
    default:
      return []
  }
}

async function alternative(element: XmlElement, context: Context): Promise<readonly Shape[]> {
  const chosen = childAt(element, 'Choice') ?? childAt(element, 'Fallback')
  return chosen === undefined ? [] : await shapesIn(chosen, context)
}

function shape(box: Box | undefined, html: string): Shape[] {
  return html === '' ? [] : [{ box, html, text: '', isTitle: false }]
}

/** Placeholders that repeat on every slide. */
const furniture = new Set(['dt', 'ftr', 'sldNum', 'hdr', 'sldImg'])

function textShape(element: XmlElement, { relationships, layout }: Context): Shape[] {
  const placeholder = placeholderOf(element)
  if (placeholder !== undefined && furniture.has(placeholder.type)) return []
  const body = childAt(element, 'txBody')
  const html = bodyHtml(body, relationships, bulletsOf(placeholder, layout))
  if (html === '') return []
  const text = childrenOf(body, 'p')
    .map(plainText)
    .filter(line => line !== '')
  const isTitle = placeholder?.type === 'title' || placeholder?.type === 'ctrTitle'
  const own = boxOf(childAt(element, 'spPr', 'xfrm'))
  const inherited = placeholder && (layout.boxes.get(placeholder.key) ?? layout.boxes.get(placeholder.type))
  return [{ box: own ?? inherited, html, text: isTitle ? text.join(' ') : text.join('\n'), isTitle }]
}

/** The text of a paragraph as in a heading. */
function plainText(paragraph: XmlElement): string {
  const runs = childrenOf(paragraph).map(run => (run.name === 'br' ? ' ' : textIn(childAt(run, 't'))))
  return runs.join('').replace(/\s+/g, ' ').trim()
}

interface Placeholder {
  readonly type: string
  /** Connects the placeholder with that of the layout. */
  readonly key: string
}

function placeholderOf(element: XmlElement): Placeholder | undefined {
  const found = childAt(element, 'nvSpPr', 'nvPr', 'ph')
  if (found === undefined) return undefined
  const { type = 'obj', idx } = found.attributes
  return { type, key: idx === undefined ? type : `#${idx}` }
}

/** The body of a slide has bullets, unless its layout says otherwise. */
function bulletsOf(placeholder: Placeholder | undefined, { plain }: Layout): Bulleted {
  if (placeholder === undefined || (placeholder.type !== 'obj' && placeholder.type !== 'body')) return () => false
  return level => !plain.has(`${placeholder.key}/${level}`)
}

async function readLayout(archive: Archive, part: string): Promise<Layout> {
  const boxes = new Map<string, Box>()
  const plain = new Set<string>()
  const root = await partOf(archive, part)
  const master = await partOf(archive, targetOf(await relationshipsOf(archive, part), 'slideMaster'))
  for (const top of [master, root]) {
    for (const element of childrenOf(childAt(top, 'cSld', 'spTree'), 'sp')) {
      const placeholder = placeholderOf(element)
      const box = boxOf(childAt(element, 'spPr', 'xfrm'))
      if (placeholder === undefined) continue
      if (box !== undefined) {
        boxes.set(placeholder.type, box)
        if (top === root) boxes.set(placeholder.key, box)
      }
      const levels = childrenOf(childAt(element, 'txBody', 'lstStyle'))
      for (const [, digit] of levels
        .filter(each => childAt(each, 'buNone'))
        .map(each => /^lvl(\d)/.exec(each.name) ?? []))
        plain.add(`${placeholder.key}/${Number(digit) - 1}`)
    }
  }
  return { boxes, plain }
}

function boxOf(transform: XmlElement | undefined): Box | undefined {
  const { x, y } = childAt(transform, 'off')?.attributes ?? {}
  const { cx, cy } = childAt(transform, 'ext')?.attributes ?? {}
  const box = { x: Number(x), y: Number(y), width: Number(cx), height: Number(cy) }
  return Object.values(box).every(Number.isFinite) ? box : undefined
}

function describedBy(element: XmlElement): string | undefined {
  return elementsIn(element, 'cNvPr')[0]?.attributes['descr']
}

async function graphicHtml(element: XmlElement, { archive, relationships }: Context): Promise<string> {
  const data = childAt(element, 'graphic', 'graphicData')
  const table = childAt(data, 'tbl')
  if (table !== undefined) return tableOf(table, relationships)
  const chart = await partOf(archive, relationships.get(childAt(data, 'chart')?.attributes['r:id'] ?? '')?.target)
  if (chart !== undefined) return chartHtml(chart)
  const diagram = await partOf(archive, relationships.get(childAt(data, 'relIds')?.attributes['r:dm'] ?? '')?.target)
  return diagram === undefined ? altHtml(describedBy(element)) : diagramHtml(diagram)
}

async function notesOf(archive: Archive, part: string | undefined): Promise<string> {
  const root = await partOf(archive, part)
  if (root === undefined || part === undefined) return ''
  const relationships = await relationshipsOf(archive, part)
  const bodies = childrenOf(childAt(root, 'cSld', 'spTree'), 'sp').filter(
    each => !furniture.has(placeholderOf(each)?.type ?? ''),
  )
  return bodies.map(each => bodyHtml(childAt(each, 'txBody'), relationships, () => false)).join('')
}
