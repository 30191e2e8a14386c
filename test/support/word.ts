import { zip } from './zip.ts'

const office = 'http://schemas.openxmlformats.org'
const relations = `${office}/officeDocument/2006/relationships`
const namespaces = [
  `xmlns:w="${office}/wordprocessingml/2006/main"`,
  `xmlns:r="${relations}"`,
  `xmlns:m="${office}/officeDocument/2006/math"`,
  `xmlns:mc="${office}/markup-compatibility/2006"`,
  'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"',
  'xmlns:v="urn:schemas-microsoft-com:vml"',
].join(' ')

export interface WordParts {
  readonly body: string
  readonly numbering?: string
  readonly styles?: string
  readonly footnotes?: string
  /** External targets by id. */
  readonly links?: Readonly<Record<string, string>>
}

/** Creates a Word document of the XML of its parts. */
export function wordFile({ body, numbering = '', styles = '', footnotes = '', links = {} }: WordParts): Buffer {
  const part = (name: string, inner: string) =>
    Buffer.from(`<?xml version="1.0"?><w:${name} ${namespaces}>${inner}</w:${name}>`)
  const relation = (id: string, type: string, target: string, mode = '') =>
    `<Relationship Id="${id}" Type="${relations}/${type}" Target="${target}"${mode}/>`
  const relationships = (inner: string) =>
    Buffer.from(
      `<?xml version="1.0"?><Relationships xmlns="${office}/package/2006/relationships">${inner}</Relationships>`,
    )
  return zip({
    '_rels/.rels': relationships(relation('r1', 'officeDocument', 'word/document.xml')),
    'word/document.xml': part('document', `<w:body>${body}</w:body>`),
    'word/numbering.xml': part('numbering', numbering),
    'word/styles.xml': part('styles', styles),
    'word/footnotes.xml': part('footnotes', footnotes),
    'word/_rels/document.xml.rels': relationships(
      relation('p1', 'numbering', 'numbering.xml') +
        relation('p2', 'styles', 'styles.xml') +
        relation('p3', 'footnotes', 'footnotes.xml') +
        Object.entries(links)
          .map(([id, target]) => relation(id, 'hyperlink', target, ' TargetMode="External"'))
          .join(''),
    ),
  })
}

/** A run of text; `look` is the XML of its properties. */
export function run(text: string, look = ''): string {
  return `<w:r><w:rPr>${look}</w:rPr><w:t xml:space="preserve">${text}</w:t></w:r>`
}

/** A paragraph of runs; `look` is the XML of its properties. */
export function paragraph(inner: string, look = ''): string {
  return `<w:p><w:pPr>${look}</w:pPr>${inner}</w:p>`
}

/** A paragraph in a list. */
export function item(list: number, level: number, text: string): string {
  return paragraph(run(text), `<w:numPr><w:ilvl w:val="${level}"/><w:numId w:val="${list}"/></w:numPr>`)
}

/** A level of a list, with more of its XML in `extra`. */
export function level(at: number, format: string, text: string, { start = 1, extra = '' } = {}): string {
  return `<w:lvl w:ilvl="${at}"><w:start w:val="${start}"/><w:numFmt w:val="${format}"/>${extra}<w:lvlText w:val="${text}"/></w:lvl>`
}

export function definition(id: number, inner: string): string {
  return `<w:abstractNum w:abstractNumId="${id}">${inner}</w:abstractNum>`
}

export function list(id: number, definitionId: number, overrides = ''): string {
  return `<w:num w:numId="${id}"><w:abstractNumId w:val="${definitionId}"/>${overrides}</w:num>`
}

export function startAt(at: number, value: number): string {
  return `<w:lvlOverride w:ilvl="${at}"><w:startOverride w:val="${value}"/></w:lvlOverride>`
}
