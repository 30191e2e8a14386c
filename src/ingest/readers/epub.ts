import { posix } from 'node:path'
import { UnreadableError, type Content } from './content.ts'
import type { Block } from './compose.ts'
import { readHtml } from './html/html.ts'
import { decodeUtf8 } from './encoding/utf8.ts'
import { childAt, childrenOf, elementsIn, parseXml, textIn, type XmlElement } from './xml.ts'
import { openZip, readingAs, type Archive } from './zip.ts'

/** Reads an EPUB book: its chapters in reading order, without its table of contents. */
export async function readEpub(bytes: Buffer): Promise<Content> {
  return await readingAs('an EPUB book', bytes, async () => {
    const archive = await openZip(bytes)
    const container = await xmlOf(archive, 'META-INF/container.xml')
    const packagePath = elementsIn(container, 'rootfile')[0]?.attributes['full-path']
    if (packagePath === undefined) throw new Error('no package')
    const locked = await lockedFiles(archive)
    if (locked.has(packagePath)) throw new UnreadableError(protectedBook)
    const root = await xmlOf(archive, packagePath)
    const chapters = chaptersOf(root, packagePath)
    if (chapters.some(name => locked.has(name))) throw new UnreadableError(protectedBook)
    const blocks: Block[] = []
    const missing: string[] = []
    for (const name of chapters) {
      const chapter = await blocksOf(archive, name)
      if (chapter === null) missing.push(name)
      else for (const block of chapter) blocks.push(block)
    }
    const metadata = childAt(root, 'metadata')
    return {
      title: textIn(childAt(metadata, 'title')),
      language: textIn(childAt(metadata, 'language')),
      blocks,
      warnings: missing.length === 0 ? [] : [`lacks chapters, which were left out: ${missing.slice(0, 5).join(', ')}`],
    }
  })
}

const protectedBook = 'is protected (DRM); only a copy without protection can be read'

async function xmlOf(archive: Archive, name: string): Promise<XmlElement> {
  if (!archive.has(name)) throw new Error(`no ${name}`)
  return await parseXml(archive.stream(name))
}

/** Fonts may be obfuscated without protecting the book. */
const fontAlgorithms = new Set(['http://www.idpf.org/2008/embedding', 'http://ns.adobe.com/pdf/enc#RC'])

/** Names of the encrypted files of the book. */
async function lockedFiles(archive: Archive): Promise<ReadonlySet<string>> {
  const name = 'META-INF/encryption.xml'
  if (!archive.has(name)) return new Set()
  const entries = elementsIn(await xmlOf(archive, name), 'EncryptedData').filter(
    data => !fontAlgorithms.has(childAt(data, 'EncryptionMethod')?.attributes['Algorithm'] ?? ''),
  )
  return new Set(entries.flatMap(data => elementsIn(data, 'CipherReference').map(uriOf)))
}

function uriOf({ attributes }: XmlElement): string {
  return decoded(attributes['URI'] ?? '')
}

function decoded(uri: string): string {
  try {
    return decodeURIComponent(uri)
  } catch {
    return uri
  }
}

/** Names of the chapters in reading order. Each is read once. */
function chaptersOf(root: XmlElement, packagePath: string): string[] {
  const items = new Map(
    childrenOf(childAt(root, 'manifest'), 'item').map(({ attributes }) => [attributes['id'], attributes]),
  )
  const names = childrenOf(childAt(root, 'spine'), 'itemref').flatMap(({ attributes }): string[] => {
    const item = items.get(attributes['idref'])
    const isPage = /^(?:application\/xhtml\+xml|text\/html|text\/x-oeb1-document)$/.test(item?.['media-type'] ?? '')
    const isContents = (item?.['properties'] ?? '').split(' ').includes('nav')
    if (item?.['href'] === undefined || !isPage || isContents) return []
    return [posix.join(posix.dirname(packagePath), decoded(item['href']).replace(/#.*$/s, ''))]
  })
  return [...new Set(names)]
}

async function blocksOf(archive: Archive, name: string): Promise<readonly Block[] | null> {
  const bytes = await archive.bytes(name)
  const text = bytes === null ? null : decodeUtf8(bytes)
  return text === null ? null : readHtml(asHtml(text)).blocks
}

/** HTML has no empty elements like `<title/>` and no XML declaration. */
function asHtml(xhtml: string): string {
  return xhtml
    .replace(/^\ufeff?\s*<\?xml[^>]*\?>/, '')
    .replace(
      /<(title|script|style|a|p|div|span|td|th|li|i|b|em|strong|iframe|textarea)((?:\s[^<>]*?)?)\/>/g,
      '<$1$2></$1>',
    )
}
