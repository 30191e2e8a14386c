import { deflateSync } from 'node:zlib'
import { docx } from '../../support/zip.ts'

/** Files that are small and unfold to something large. */

/** A DOCX whose text is this many characters: a thousandth of that on the disk. */
export function zipBomb(size: number): Buffer {
  return docx([], size)
}

/** A PDF of one page, whose content unfolds to this many bytes of words, one over the other: what stands beyond the page would be left out. */
export function pdfBomb(size: number): Buffer {
  const content = deflateSync(
    Buffer.concat([Buffer.from('BT /F1 12 Tf 72 700 Td '), Buffer.alloc(size, '(word) Tj T* '), Buffer.from(' ET')]),
  )
  const objects = [
    Buffer.from('<</Type/Catalog/Pages 2 0 R>>'),
    Buffer.from('<</Type/Pages/Kids[3 0 R]/Count 1>>'),
    Buffer.from('<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>'),
    Buffer.concat([
      Buffer.from(`<</Length ${content.length}/Filter/FlateDecode>>stream\n`),
      content,
      Buffer.from('\nendstream'),
    ]),
    Buffer.from('<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>'),
  ]
  let file = Buffer.from('%PDF-1.4\n')
  const offsets = objects.map((object, nth) => {
    const at = file.length
    file = Buffer.concat([file, Buffer.from(`${nth + 1} 0 obj\n`), object, Buffer.from('\nendobj\n')])
    return at
  })
  const rows = offsets.map(at => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  return Buffer.concat([
    file,
    Buffer.from(
      `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}trailer\n<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${file.length}\n%%EOF\n`,
    ),
  ])
}
