import { crc32, deflateSync, deflateRawSync } from 'node:zlib'

/** Files that are small and unfold to something large. */

/** A DOCX whose text is this many blanks: a thousandth of that on the disk. */
export function zipBomb(size: number): Buffer {
  const around = ['<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>', '</w:t></w:r></w:p></w:body></w:document>'] as const
  const types = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
  const relations = '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>'
  return zip([['[Content_Types].xml', Buffer.from(types)], ['_rels/.rels', Buffer.from(relations)], ['word/document.xml', Buffer.concat([Buffer.from(around[0]), Buffer.alloc(size, 'word '), Buffer.from(around[1])])]])
}

type Entry = readonly [name: string, content: Buffer]

/** A ZIP as any tool writes it. */
function zip(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, content] of entries) {
    const packed = deflateRawSync(content)
    const fields = fieldsOf(name, content, packed)
    const local = Buffer.concat([Buffer.from('504b0304', 'hex'), fields, Buffer.from(name), packed])
    directory.push(directoryRow(name, fields, offset))
    parts.push(local)
    offset += local.length
  }
  const index = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('504b0506', 'hex')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(index.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, index, end])
}

/** What a local head and a row of the directory have in common. */
function fieldsOf(name: string, content: Buffer, packed: Buffer): Buffer {
  const fields = Buffer.alloc(26)
  fields.writeUInt16LE(20, 0)
  fields.writeUInt16LE(8, 4)
  fields.writeUInt32LE(crc32(content), 10)
  fields.writeUInt32LE(packed.length, 14)
  fields.writeUInt32LE(content.length, 18)
  fields.writeUInt16LE(name.length, 22)
  return fields
}

function directoryRow(name: string, fields: Buffer, offset: number): Buffer {
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE(offset, 10)
  return Buffer.concat([Buffer.from('504b01021400', 'hex'), fields, rest, Buffer.from(name)])
}

/** A PDF of one page, whose content unfolds to this many bytes of words, one over the other: what stands beyond the page would be left out. */
export function pdfBomb(size: number): Buffer {
  const content = deflateSync(Buffer.concat([Buffer.from('BT /F1 12 Tf 72 700 Td '), Buffer.alloc(size, '(word) Tj T* '), Buffer.from(' ET')]))
  const objects = [
    Buffer.from('<</Type/Catalog/Pages 2 0 R>>'),
    Buffer.from('<</Type/Pages/Kids[3 0 R]/Count 1>>'),
    Buffer.from('<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>'),
    Buffer.concat([Buffer.from(`<</Length ${content.length}/Filter/FlateDecode>>stream\n`), content, Buffer.from('\nendstream')]),
    Buffer.from('<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>'),
  ]
  let file = Buffer.from('%PDF-1.4\n')
  const offsets = objects.map((object, nth) => {
    const at = file.length
    file = Buffer.concat([file, Buffer.from(`${nth + 1} 0 obj\n`), object, Buffer.from('\nendobj\n')])
    return at
  })
  const rows = offsets.map(at => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  return Buffer.concat([file, Buffer.from(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}trailer\n<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${file.length}\n%%EOF\n`)])
}
