/** A text at a place on a page: `at` is its lower left corner. */
export interface Placed {
  readonly text: string
  readonly at: readonly [number, number]
  readonly size?: number
  /** A turn in degrees, counter-clockwise. */
  readonly turn?: number
}

export interface MadePage {
  readonly texts?: readonly Placed[]
  /** Dictionaries of annotations without their type, such as `/Subtype/Widget/FT/Tx/T(name)`. */
  readonly annotations?: readonly string[]
  /** A picture over the whole page: JPEG data with its size in pixels. */
  readonly picture?: { readonly jpeg: Buffer; readonly width: number; readonly height: number }
  /** Operators to add to the content as they are. */
  readonly content?: string
  /** Entries of the page's resources beside its font. */
  readonly resources?: string
}

/**
 * Makes a PDF in Helvetica with texts at given places. `catalog` is added to the catalog of the file, and `more` are
 * objects from the number 4 on that it may refer to.
 */
export function placedPdf(pages: readonly MadePage[], catalog = '', more: readonly string[] = []): Buffer {
  const objects: Buffer[] = []
  const add = (object: string | Buffer): number => objects.push(Buffer.from(object as string, 'latin1'))
  const reserve = (): number => add('')
  const [root, tree] = [reserve(), reserve()]
  const font = add('<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>')
  for (const object of more) add(object)
  const kids = pages.map(page => {
    const annotations = (page.annotations ?? []).map(annotation => add(`<</Type/Annot${annotation}>>`))
    const picture = page.picture === undefined ? null : add(pictureObject(page.picture))
    const content = add(stream('', Buffer.from(contentOf(page), 'latin1')))
    const images = picture === null ? '' : `/XObject<</Im ${picture} 0 R>>`
    return add(
      `<</Type/Page/Parent ${tree} 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 ${font} 0 R>>${images}${page.resources ?? ''}>>` +
        `/Contents ${content} 0 R/Annots[${annotations.map(id => `${id} 0 R`).join(' ')}]>>`,
    )
  })
  const fields = kids.length === 0 ? '' : '/AcroForm<</Fields[]>>'
  objects[root - 1] = Buffer.from(`<</Type/Catalog/Pages ${tree} 0 R${fields}${catalog}>>`)
  objects[tree - 1] = Buffer.from(`<</Type/Pages/Count ${kids.length}/Kids[${kids.map(id => `${id} 0 R`).join(' ')}]>>`)
  return fileOf(objects, root)
}

function contentOf({ texts = [], picture, content = '' }: MadePage): string {
  const shown = texts.map(({ text, at: [x, y], size = 11, turn = 0 }) => {
    const angle = (turn * Math.PI) / 180
    const [cos, sin] = [Math.cos(angle).toFixed(4), Math.sin(angle).toFixed(4)]
    const escaped = text.replace(/[()\\]/g, '\\$&')
    return `BT /F1 ${size} Tf ${cos} ${sin} ${-Number(sin)} ${cos} ${x} ${y} Tm (${escaped}) Tj ET`
  })
  return [...(picture === undefined ? [] : ['q 595 0 0 842 0 0 cm /Im Do Q']), ...shown, content].join('\n')
}

function pictureObject({ jpeg, width, height }: NonNullable<MadePage['picture']>): Buffer {
  return stream(
    `/Type/XObject/Subtype/Image/Width ${width}/Height ${height}/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode`,
    jpeg,
  )
}

function stream(dictionary: string, bytes: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`<<${dictionary}/Length ${bytes.length}>>stream\n`),
    bytes,
    Buffer.from('\nendstream'),
  ])
}

function fileOf(objects: readonly Buffer[], root: number): Buffer {
  const parts = [Buffer.from('%PDF-1.7\n')]
  let length = parts[0]!.length
  const offsets = objects.map((object, i) => {
    const at = length
    const part = Buffer.concat([Buffer.from(`${i + 1} 0 obj\n`), object, Buffer.from('\nendobj\n')])
    parts.push(part)
    length += part.length
    return at
  })
  const table = offsets.map(at => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  const trailer = `trailer<</Size ${objects.length + 1}/Root ${root} 0 R>>\nstartxref\n${length}\n%%EOF`
  return Buffer.concat([
    ...parts,
    Buffer.from(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}${trailer}`),
  ])
}
