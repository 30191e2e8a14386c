import { posix } from 'node:path'
import { openZip } from '../zip.ts'
import type { FlowBlock } from './flow.ts'
import { readBody, type WordNote } from './word-body.ts'
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
  const archive = await openZip(bytes)
  const partAt = async (path: string | undefined): Promise<Xml | undefined> => {
    const part = path === undefined ? null : await archive.bytes(path)
    return part === null ? undefined : parseXml(part, prefixes)
  }
  const packageRelations = relationsOf(await partAt('_rels/.rels'), '')
  const main = targetOf(packageRelations, 'officeDocument') ?? 'word/document.xml'
  const relationsAt = async (path: string): Promise<Relation[]> => {
    const folder = posix.dirname(path)
    return relationsOf(await partAt(posix.join(folder, '_rels', `${posix.basename(path)}.rels`)), folder)
  }
  const relations = await relationsAt(main)
  const part = (type: string): Promise<Xml | undefined> => partAt(targetOf(relations, type))
  const body = child(await partAt(main), 'w:body')
  if (body === undefined) throw new Error('the package has no document')
  const styles = readStyles(await part('styles'))
  const notes = new Map<string, WordNote>()
  for (const kind of ['footnote', 'endnote']) {
    // Links of a note are in the relations of its own part.
    const links = linksIn(await relationsAt(targetOf(relations, `${kind}s`) ?? ''))
    for (const [id, element] of notesOf(await part(`${kind}s`), kind)) notes.set(id, { element, links })
  }
  const shownNumber = createNumbers(await part('numbering'), styles)
  return readBody(body, { styles, shownNumber, links: linksIn(relations), notes })
}

function linksIn(relations: readonly Relation[]): ReadonlyMap<string, string> {
  return new Map(relations.filter(({ isExternal }) => isExternal).map(({ id, target }) => [id, target]))
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

function targetOf(relations: readonly Relation[], type: string): string | undefined {
  return relations.find(relation => relation.type === type)?.target
}

/** Separators have a type; real notes have none. */
function notesOf(root: Xml | undefined, kind: string): [string, Xml][] {
  const notes = (root === undefined ? [] : elementsOf(root)).filter(({ name }) => name === `w:${kind}`)
  return notes
    .filter(({ attributes }) => (attributes['w:type'] ?? 'normal') === 'normal')
    .map(note => [`${kind}/${note.attributes['w:id'] ?? ''}`, note])
}
