import type { Segment } from './pdf-pieces.ts'

/** A field of a form, with what was filled in. */
export interface Field {
  readonly kind: 'value' | 'mark'
  /** The value, or `[x]` or `[ ]`. */
  readonly text: string
  /** Used where the page has no label near the field. */
  readonly name: string
  readonly left: number
  readonly right: number
  readonly bottom: number
  readonly top: number
}

/** More fields on a page are not read. */
export const mostFields = 2000

type Place = { -readonly [key in keyof Segment]: Segment[key] }

/** Puts the value of each field after its label, or at its place with its name if there is no label. */
export function withFields(segments: readonly Segment[], fields: readonly Field[]): Segment[] {
  const placed: Place[] = segments.map(segment => ({ ...segment }))
  const bands = byBand(placed)
  const own: Place[] = []
  for (const field of fields) {
    const near = bandsAround(bands, field)
    if (fillBlank(near, field) || addToLabel(near, field)) continue
    own.push(standing(field, placed))
  }
  return [...placed, ...own].toSorted((a, b) => a.order - b.order).map((segment, order) => ({ ...segment, order }))
}

const bandHeight = 12

function byBand(segments: readonly Place[]): Map<number, Place[]> {
  const bands = new Map<number, Place[]>()
  for (const segment of segments) {
    const band = Math.floor(segment.y / bandHeight)
    const others = bands.get(band)
    if (others === undefined) bands.set(band, [segment])
    else others.push(segment)
  }
  return bands
}

/** Segments on the first line of the field, and those right above it. */
function bandsAround(bands: ReadonlyMap<number, Place[]>, { bottom, top }: Field): Place[] {
  const from = Math.floor(Math.max(bottom - 4, top - 40) / bandHeight)
  const to = Math.floor((top + 24) / bandHeight)
  const near: Place[] = []
  for (let band = from; band <= to && near.length < 500; band++) near.push(...(bands.get(band) ?? []))
  return near
}

function isBeside({ y, size }: Place, { bottom, top }: Field): boolean {
  const middle = y + size * 0.3
  return middle >= Math.max(bottom, top - 2.2 * size) - 2 && middle <= top + 2
}

/** Fills a line of underscores that stands under the field. */
function fillBlank(near: readonly Place[], field: Field): boolean {
  const under = near.find(
    place => isBeside(place, field) && place.x < field.right && place.right > field.left && /_{3,}/.test(place.text),
  )
  if (under === undefined) return false
  under.text = under.text.replace(/_{3,}/, () => field.text)
  return true
}

function addToLabel(near: readonly Place[], field: Field): boolean {
  const beside = near.filter(place => isBeside(place, field))
  const after = closest(beside, place => place.x - field.right, 3)
  if (field.kind === 'mark' && after !== undefined && !/^\[[x ]\]/.test(after.text)) {
    after.text = `${field.text} ${after.text}`
    after.x = Math.min(after.x, field.left)
    after.isField = true
    return true
  }
  const before = closest(beside, place => field.left - place.right, 40)
  const above = near.filter(({ y, x, right }) => y >= field.top - 3 && x < field.right && right > field.left)
  const label = before ?? closest(above, ({ y }) => y - field.top, 1.6)
  if (label === undefined) return false
  label.text = joinedTo(label.text, field.text)
  label.isField = true
  if (label === before) label.right = Math.max(label.right, Math.min(field.right, field.left + label.size))
  return true
}

function joinedTo(label: string, value: string): string {
  return /[:：?]$/.test(label) || value.startsWith('[') ? `${label} ${value}` : `${label}: ${value}`
}

/** The place at the smallest distance that is not negative, up to so many sizes of its font. */
function closest(places: readonly Place[], distance: (place: Place) => number, most: number): Place | undefined {
  let found: Place | undefined
  for (const place of places) {
    const far = distance(place)
    if (far < -3 || far > most * place.size) continue
    if (found === undefined || far < distance(found)) found = place
  }
  return found
}

function standing(field: Field, placed: readonly Place[]): Place {
  const isMark = field.kind === 'mark'
  const text = field.name === '' ? field.text : isMark ? `${field.text} ${field.name}` : `${field.name}: ${field.text}`
  const size = Math.min(Math.max(field.top - field.bottom - 4, 6), 11)
  const y = field.top - size
  const above = placed.reduce((last, place) => (place.y >= y && place.order > last ? place.order : last), -1)
  const right = Math.min(field.right, field.left + text.length * size * 0.5)
  return { text, x: field.left, right, y, size, order: above + 0.5, isField: true }
}
