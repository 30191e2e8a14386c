import type { Field } from './pdf-fields.ts'
import type { Link } from './pdf-links.ts'
import type { Piece } from './pdf-pieces.ts'

/** Text of one direction, turned so that its lines run rightwards and each is lower than the one before. */
export interface Frame {
  readonly angle: number
  readonly pieces: Piece[]
}

/** As pdf.js gives it. */
export interface TextItem {
  readonly str: string
  readonly dir: string
  readonly transform: readonly number[]
  readonly width: number
  readonly height: number
  readonly hasEOL: boolean
  readonly fontName: string
}

type Fonts = Readonly<Record<string, { readonly vertical?: boolean | undefined } | undefined>>

/** Sorts text by its direction, with the most common direction first. */
export function framesOf(items: readonly TextItem[], fonts: Fonts): Frame[] {
  const frames = new Map<number, Piece[]>()
  for (const item of items) {
    if (item.str.trim() === '') continue
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = item.transform.map(bounded)
    const isVertical = fonts[item.fontName]?.vertical === true
    const angle = angleOf(a, b) - (isVertical ? 90 : 0)
    const size = Math.min(Math.max(Math.hypot(c, d), 0.1), 10_000)
    const width = Math.max(0, bounded(isVertical ? item.height : item.width))
    const piece = { text: item.str, ...turned({ x: e, y: f }, angle), width, size }
    const pieces = frames.get(angle)
    if (pieces === undefined) frames.set(angle, [piece])
    else pieces.push(piece)
  }
  return [...frames].map(([angle, pieces]) => ({ angle, pieces })).toSorted((a, b) => b.pieces.length - a.pieces.length)
}

/** Positions beyond this (in points) are invalid. Text at them is kept, but not in its place. */
const farthest = 1_000_000

function bounded(value: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(value, -farthest), farthest) : 0
}

/** In degrees, rounded, because lines of slightly turned scans belong together. */
function angleOf(a: number, b: number): number {
  const angle = Math.round((Math.atan2(b, a) * 180) / Math.PI / 10) * 10
  return angle === -180 ? 180 : angle
}

function turned({ x, y }: { x: number; y: number }, angle: number): { x: number; y: number } {
  if (angle === 0) return { x, y }
  const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]
  return { x: cos * x + sin * y, y: cos * y - sin * x }
}

export interface Rectangle {
  readonly left: number
  readonly right: number
  readonly bottom: number
  readonly top: number
}

/** The rectangle between two corners, in the frame of the given angle. */
function rectangleIn(corners: readonly number[], angle: number): Rectangle {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = corners.map(bounded)
  const [from, to] = [turned({ x: x1, y: y1 }, angle), turned({ x: x2, y: y2 }, angle)]
  return {
    left: Math.min(from.x, to.x),
    right: Math.max(from.x, to.x),
    bottom: Math.min(from.y, to.y),
    top: Math.max(from.y, to.y),
  }
}

/** An annotation as pdf.js gives it, with what is used of it. */
export interface Annotation {
  readonly subtype?: string
  readonly rect?: readonly number[]
  readonly quadPoints?: ArrayLike<number> | null
  readonly url?: string
  readonly unsafeUrl?: string
  readonly annotationFlags?: number
  readonly fieldType?: string
  readonly fieldFlags?: number
  readonly fieldName?: string
  readonly alternativeText?: string
  readonly fieldValue?: unknown
  readonly checkBox?: boolean
  readonly radioButton?: boolean
  readonly exportValue?: string
  readonly buttonValue?: string
  readonly options?: readonly { readonly exportValue?: string; readonly displayValue?: string }[]
  readonly contentsObj?: { readonly str?: string }
}

export function linksOf(annotations: readonly Annotation[], angle: number): Link[] {
  return annotations.flatMap(({ subtype, rect, quadPoints, url, unsafeUrl }) => {
    const address = url ?? unsafeUrl
    if (subtype !== 'Link' || address === undefined || !/^(?:https?:|mailto:|tel:)/i.test(address)) return []
    return cornersOf(rect ?? [], quadPoints).map(corners => ({ ...rectangleIn(corners, angle), url: address }))
  })
}

/** A link over several lines has four corners for each of them. */
function cornersOf(rect: readonly number[], quads: ArrayLike<number> | null | undefined): (readonly number[])[] {
  if (quads === null || quads === undefined || quads.length < 8 || quads.length > 800) return [rect]
  const corners: number[][] = []
  for (let i = 0; i + 8 <= quads.length; i += 8) {
    const xs = [0, 2, 4, 6].map(j => quads[i + j]!)
    const ys = [1, 3, 5, 7].map(j => quads[i + j]!)
    corners.push([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)])
  }
  return corners
}

const isInvisible = 2
const hasNoView = 32
const isPassword = 1 << 13

/** What was filled in, and the notes that are written on the page. Passwords, buttons and signatures are left out. */
export function fieldsOf(annotations: readonly Annotation[], angle: number): Field[] {
  return annotations
    .flatMap((annotation): Field[] => {
      if (((annotation.annotationFlags ?? 0) & (isInvisible | hasNoView)) !== 0) return []
      const shown = shownOf(annotation)
      return shown === null ? [] : [{ ...shown, ...rectangleIn(annotation.rect ?? [], angle) }]
    })
    .toSorted((a, b) => b.top - a.top || a.left - b.left)
}

function shownOf(annotation: Annotation): Pick<Field, 'kind' | 'text' | 'name'> | null {
  if (annotation.subtype === 'FreeText') return valueOf(annotation.contentsObj?.str ?? '', '')
  if (annotation.subtype !== 'Widget') return null
  const name = annotation.alternativeText?.trim() || (annotation.fieldName ?? '').split('.').at(-1)!
  if (annotation.fieldType === 'Btn') return markOf(annotation, name)
  if (annotation.fieldType === 'Ch') return valueOf(choicesOf(annotation), name)
  if (annotation.fieldType !== 'Tx' || ((annotation.fieldFlags ?? 0) & isPassword) !== 0) return null
  return typeof annotation.fieldValue === 'string' ? valueOf(annotation.fieldValue, name) : null
}

function valueOf(value: string, name: string): Pick<Field, 'kind' | 'text' | 'name'> | null {
  const text = value.replace(/\s*[\r\n]+\s*/g, '\n').trim()
  return text === '' ? null : { kind: 'value', text, name }
}

function choicesOf({ fieldValue, options = [] }: Annotation): string {
  const values: unknown[] = Array.isArray(fieldValue) ? fieldValue : [fieldValue]
  return values
    .filter(value => typeof value === 'string')
    .map(value => options.find(option => option.exportValue === value)?.displayValue ?? value)
    .join(', ')
}

function markOf(annotation: Annotation, name: string): Pick<Field, 'kind' | 'text' | 'name'> | null {
  const { checkBox, radioButton, fieldValue, exportValue, buttonValue } = annotation
  if (checkBox !== true && radioButton !== true) return null
  const option = (radioButton === true ? buttonValue : exportValue) ?? undefined
  const isSet = typeof fieldValue === 'string' && fieldValue !== 'Off' && fieldValue !== ''
  const isChosen = isSet && (option === undefined || fieldValue === option)
  const isNamed = radioButton === true && option !== undefined && !/^\d*$/.test(option)
  return { kind: 'mark', text: isChosen ? '[x]' : '[ ]', name: isNamed ? `${name}: ${option}` : name }
}
