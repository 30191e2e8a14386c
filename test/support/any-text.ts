import fc from 'fast-check'

/** Code points without surrogates, so that every text is well-formed. */
const codePoint = fc.nat({ max: 0x10ffff - 0x800 }).map(
  index => String.fromCodePoint(index < 0xd800 ? index : index + 0x800),
  value => {
    const point = typeof value === 'string' ? value.codePointAt(0) : undefined
    if (point === undefined || value !== String.fromCodePoint(point)) throw new Error('not one code point')
    return point < 0xd800 ? point : point - 0x800
  },
)

/** Like `fc.string({ unit: 'binary' })`, which takes half a second of processor time to list every code point. */
export function anyText(options: { readonly minLength?: number; readonly maxLength?: number } = {}) {
  return fc.string({ unit: codePoint, ...options })
}
