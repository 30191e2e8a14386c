import { zip } from './zip.ts'

const relationships = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const xml = '<?xml version="1.0" encoding="UTF-8"?>'

interface Relation {
  readonly id: string
  readonly type: string
  readonly target: string
  readonly isExternal?: boolean
}

function relations(entries: readonly Relation[]): string {
  const inside = entries.map(
    ({ id, type, target, isExternal }) =>
      `<Relationship Id="${id}" Type="${relationships}/${type}" Target="${target}"${isExternal ? ' TargetMode="External"' : ''}/>`,
  )
  return `${xml}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${inside.join('')}</Relationships>`
}

/** An archive of text files. */
export function archive(files: Readonly<Record<string, string>>): Buffer {
  return zip(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])))
}

export interface TestSheet {
  readonly name: string
  /** The content of `<worksheet>`. */
  readonly xml: string
  readonly state?: string
  readonly links?: readonly Relation[]
}

const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'

/** An Excel workbook. `formats` are number formats; a cell with the style 1 has the first. */
export function xlsx(sheets: readonly TestSheet[], formats: readonly string[] = [], workbookPr = ''): Buffer {
  const own = formats.map((code, i) => `<numFmt numFmtId="${200 + i}" formatCode="${code}"/>`)
  const styles = [0, ...formats.map((_, i) => 200 + i)].map(id => `<xf numFmtId="${id}"/>`)
  const listed = sheets.map(
    ({ name, state }, i) =>
      `<sheet name="${name}" sheetId="${i + 1}"${state === undefined ? '' : ` state="${state}"`} r:id="s${i}"/>`,
  )
  return archive({
    '_rels/.rels': relations([{ id: 'r', type: 'officeDocument', target: 'xl/workbook.xml' }]),
    'xl/workbook.xml': `${xml}<workbook xmlns="${main}" xmlns:r="${relationships}">${workbookPr}<sheets>${listed.join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relations([
      { id: 'st', type: 'styles', target: 'styles.xml' },
      ...sheets.map((_, i) => ({ id: `s${i}`, type: 'worksheet', target: `/xl/worksheets/sheet${i}.xml` })),
    ]),
    'xl/styles.xml': `${xml}<styleSheet xmlns="${main}"><numFmts>${own.join('')}</numFmts><cellXfs>${styles.join('')}</cellXfs></styleSheet>`,
    ...Object.fromEntries(
      sheets.flatMap((sheet, i) => [
        [
          `xl/worksheets/sheet${i}.xml`,
          `${xml}<worksheet xmlns="${main}" xmlns:r="${relationships}">${sheet.xml}</worksheet>`,
        ],
        [`xl/worksheets/_rels/sheet${i}.xml.rels`, relations(sheet.links ?? [])],
      ]),
    ),
  })
}

/** Rows of cells: texts become inline strings, numbers values. `null` is an empty cell. */
export function sheetData(rows: readonly (readonly (string | number | null)[])[]): string {
  const lines = rows.map((cells, row) => {
    const inside = cells.map((cell, column) => {
      const place = `r="${String.fromCharCode(65 + column)}${row + 1}"`
      if (cell === null) return ''
      return typeof cell === 'number'
        ? `<c ${place}><v>${cell}</v></c>`
        : `<c ${place} t="inlineStr"><is><t>${cell}</t></is></c>`
    })
    return cells.length === 0 ? '' : `<row r="${row + 1}">${inside.join('')}</row>`
  })
  return `<sheetData>${lines.join('')}</sheetData>`
}

/** A PowerPoint presentation of slides, each the content of its `<p:spTree>`. */
export function pptx(slides: readonly string[]): Buffer {
  const p = 'http://schemas.openxmlformats.org/presentationml/2006/main'
  const names = `xmlns:p="${p}" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="${relationships}"`
  return archive({
    '_rels/.rels': relations([{ id: 'r', type: 'officeDocument', target: 'ppt/presentation.xml' }]),
    'ppt/presentation.xml': `${xml}<p:presentation ${names}><p:sldIdLst>${slides.map((_, i) => `<p:sldId id="${256 + i}" r:id="s${i}"/>`).join('')}</p:sldIdLst></p:presentation>`,
    'ppt/_rels/presentation.xml.rels': relations(
      slides.map((_, i) => ({ id: `s${i}`, type: 'slide', target: `slides/slide${i}.xml` })),
    ),
    ...Object.fromEntries(
      slides.map((tree, i) => [
        `ppt/slides/slide${i}.xml`,
        `${xml}<p:sld ${names}><p:cSld><p:spTree>${tree}</p:spTree></p:cSld></p:sld>`,
      ]),
    ),
  })
}

/** A shape at a place; `placeholder` is its type. */
export function shape(text: string, place: readonly [x: number, y: number], placeholder?: string): string {
  const paragraphs = text.split('\n').map(line => `<a:p><a:r><a:t>${line}</a:t></a:r></a:p>`)
  const kind = placeholder === undefined ? '' : `<p:ph type="${placeholder}"/>`
  return `<p:sp><p:nvSpPr><p:cNvPr id="2" name=""/><p:cNvSpPr/><p:nvPr>${kind}</p:nvPr></p:nvSpPr><p:spPr><a:xfrm><a:off x="${place[0]}" y="${place[1]}"/><a:ext cx="100" cy="50"/></a:xfrm></p:spPr><p:txBody>${paragraphs.join('')}</p:txBody></p:sp>`
}

/** An EPUB book of chapters. */
export function epub(chapters: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}): Buffer {
  const items = Object.keys(chapters).map(
    name => `<item id="${name}" href="${name}" media-type="application/xhtml+xml"/>`,
  )
  const refs = Object.keys(chapters).map(name => `<itemref idref="${name}"/>`)
  return archive({
    mimetype: 'application/epub+zip',
    'META-INF/container.xml': `${xml}<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="book/book.opf"/></rootfiles></container>`,
    'book/book.opf': `${xml}<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>The harbour</dc:title><dc:language>en</dc:language></metadata><manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>${items.reverse().join('')}</manifest><spine><itemref idref="nav"/>${refs.join('')}</spine></package>`,
    'book/nav.xhtml': '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>Contents of the book</p></body></html>',
    ...Object.fromEntries(Object.entries(chapters).map(([name, text]) => [`book/${name}`, text])),
    ...more,
  })
}
