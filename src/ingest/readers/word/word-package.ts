import { posix } from 'node:path'
import type { FlowBlock } from './flow.ts'
import { readParts } from './parts.ts'
import { readBody } from './word-body.ts'
import { createNumbers } from './word-numbers.ts'
import { readStyles } from './word-styles.ts'
import { child, elementsOf, parseXml, type Xml } from './xml.ts'

const ooxml = 'http://schemas.openxmlformats.org'
const strict = 'http://purl.oclc.org/ooxml'

/** Namespaces of both variants of the format, the usual one and the strict one. */
const prefixes: Readonly<Record<string, string>> = {
  [`${ooxml}/wordprocessingml/2006/main`]: 'w',
  [`${strict}/wordprocessingml/main`]: 'w',
  [`${ooxml}/officeDocument/2006/relationships`]: 'r',
  [`${strict}/officeDocument/relationships`]: 'r',
  [`${ooxml}/officeDocument/2006/math`]: 'm',
  [`${strict}/officeDocument/math`]: 'm',
  [`${ooxml}/drawingml/2006/wordprocessingDrawing`]: 'wp',
  [`${strict}/drawingml/wordprocessingDrawing`]: 'wp',
  [`${ooxml}/drawingml/2006/main`]: 'a',
  [`${strict}/drawingml/main`]: 'a',
  [`${ooxml}/markup-compatibility/2006`]: 'mc',
  'http://schemas.microsoft.com/office/word/2010/wordprocessingShape': 'wps',
  'http://schemas.microsoft.com/office/word/2010/wordprocessingGroup': 'wpg',
  'http://schemas.microsoft.com/office/word/2010/wordprocessingCanvas': 'wpc',
  'urn:schemas-microsoft-com:vml': 'v',
  [`${ooxml}/package/2006/relationships`]: '',
}

/** The blocks of the main document in the package. Headers, footers and comments are other parts and not read. */
export async function wordBlocks(bytes: Buffer): Promise<readonly FlowBlock[]> {
  const parts = await readParts(
    bytes,
    name => /\.(?:xml|rels)$/i.test(name) && !/(?:^|\/)(?:theme|media|customXml)\//.test(name),
  )
  const parsed = (path: string | undefined): Xml | undefined => {
    const text = path === undefined ? undefined : parts.get(path)
    return text === undefined ? undefined : parseXml(text, prefixes)
  }
  const main =
    relationsOf(parsed('_rels/.rels'), '').find(({ type }) => type === 'officeDocument')?.target ?? 'word/document.xml'
  const relationsPath = posix.join(posix.dirname(main), '_rels', `${posix.basename(main)}.rels`)
  const relations = relationsOf(parsed(relationsPath), posix.dirname(main))
  const partOf = (type: string): Xml | undefined => parsed(relations.find(relation => relation.type === type)?.target)
  const body = child(parsed(main), 'w:body')
  if (body === undefined) throw new Error('the package has no document')
  const styles = readStyles(partOf('styles'))
  return readBody(body, {
    styles,
    shownNumber: createNumbers(partOf('numbering'), styles),
    links: new Map(relations.filter(({ isExternal }) => isExternal).map(({ id, target }) => [id, target])),
    notes: new Map([...notesOf(partOf('footnotes'), 'footnote'), ...notesOf(partOf('endnotes'), 'endnote')]),
  })
}

interface Relation {
  readonly id: string
  readonly type: string
  readonly target: string
  readonly isExternal: boolean
}

function relationsOf(root: Xml | undefined, folder: string): Relation[] {
  return (root === undefined ? [] : elementsOf(root)).map(({ attributes }) => {
    const target = attributes['Target'] ?? ''
    const isExternal = attributes['TargetMode'] === 'External'
    return {
      id: attributes['Id'] ?? '',
      type: posix.basename(attributes['Type'] ?? ''),
      isExternal,
      target: isExternal ? target : target.startsWith('/') ? target.slice(1) : posix.join(folder, target),
    }
  })
}

/** Separators have a type; real notes have none. */
function notesOf(root: Xml | undefined, kind: string): [string, Xml][] {
  const notes = (root === undefined ? [] : elementsOf(root)).filter(({ name }) => name === `w:${kind}`)
  return notes
    .filter(({ attributes }) => (attributes['w:type'] ?? 'normal') === 'normal')
    .map(note => [`${kind}/${note.attributes['w:id'] ?? ''}`, note])
}
