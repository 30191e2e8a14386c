import { UnreadableError } from '../content.ts'
import { openZip } from '../zip.ts'
import type { FlowBlock } from './flow.ts'
import { readOdtBody } from './odt-body.ts'
import { readOdtStyles } from './odt-styles.ts'
import { child, parseXml, type Xml } from './xml.ts'

const names = 'office text table style draw svg form manifest'.split(' ')

const prefixes: Readonly<Record<string, string>> = {
  ...Object.fromEntries(names.map(name => [`urn:oasis:names:tc:opendocument:xmlns:${name}:1.0`, name])),
  'urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0': 'fo',
  'urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0': 'svg',
  'urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0': 'loext',
  'http://www.w3.org/1999/xlink': 'xlink',
}

/** The blocks of a package (.odt), or of a document in one XML file (.fodt). */
export async function openDocumentBlocks(bytes: Buffer): Promise<readonly FlowBlock[]> {
  if (bytes.subarray(0, 2).toString('latin1') !== 'PK') return blocksOf([await parseXml(bytes, prefixes)])
  const archive = await openZip(bytes)
  const manifest = await archive.bytes('META-INF/manifest.xml')
  if (archive.has('encrypted-package') || manifest?.includes('encryption-data')) {
    throw new UnreadableError('is protected by a password; remove it first')
  }
  const content = await archive.bytes('content.xml')
  const styles = await archive.bytes('styles.xml')
  if (content === null) throw new Error('the package has no content')
  return blocksOf(
    await Promise.all([content, styles].filter(part => part !== null).map(part => parseXml(part, prefixes))),
  )
}

function blocksOf(roots: readonly Xml[]): readonly FlowBlock[] {
  const text = child(child(roots[0], 'office:body'), 'office:text')
  if (text === undefined) throw new Error('the document is no text')
  return readOdtBody(text, readOdtStyles(roots))
}
