import { TextDecoder } from 'node:util'
import { SaxesParser } from 'saxes'
import { UnreadableError } from './content.ts'

export type Attributes = { readonly [name: string]: string }

export interface XmlElement {
  /** Without a prefix, unless the caller names them otherwise. */
  readonly name: string
  /** By name: as written, or with the usual prefix of a known namespace (`r:id`, `xlink:href`, `table:name`). */
  readonly attributes: Attributes
  readonly children: readonly XmlNode[]
}

export type XmlNode = XmlElement | string

export interface XmlHandlers {
  readonly open: (name: string, attributes: Attributes) => void
  readonly close: (name: string) => void
  readonly text?: (text: string) => void
}

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** How elements and attributes are named, and limits; callers that recurse need a lower one of the depth. */
export interface XmlReading {
  readonly elementName?: (name: QualifiedName) => string
  readonly attributeName?: (name: QualifiedName) => string
  readonly deepest?: number
  /** Limit of a tree. Two million nodes take a few hundred megabytes. */
  readonly mostNodes?: number
}

export interface QualifiedName {
  readonly prefix: string
  readonly uri: string
  readonly local: string
}

/**
 * Parses XML piece by piece. Entities that a document type defines are errors, so nothing is expanded, and no other
 * file is opened. Throws on XML that is not well-formed.
 */
export async function walkXml(
  chunks: Chunks,
  { open, close, text }: XmlHandlers,
  { elementName = ({ local }) => local, attributeName = nameOf, deepest = 1000 }: XmlReading = {},
): Promise<void> {
  const parser = new SaxesParser({ xmlns: true, position: false })
  let depth = 0
  parser.on('error', error => {
    throw error
  })
  parser.on('opentag', tag => {
    if (++depth > deepest) throw new RangeError('nested too deeply')
    const named: Record<string, string> = Object.create(null)
    for (const attribute of Object.values(tag.attributes)) named[attributeName(attribute)] = attribute.value
    open(elementName(tag), named)
  })
  parser.on('closetag', tag => {
    depth -= 1
    close(elementName(tag))
  })
  if (text !== undefined) {
    parser.on('text', text)
    parser.on('cdata', text)
  }
  let decoder: TextDecoder | undefined
  for await (const chunk of chunks) {
    decoder ??= decoderFor(chunk)
    parser.write(decoder.decode(chunk, { stream: true }))
  }
  parser.write(decoder?.decode() ?? '').close()
}

/** Parses XML to a tree; for parts that are not long. */
export async function parseXml(chunks: Chunks, reading: XmlReading = {}): Promise<XmlElement> {
  const root: { name: string; attributes: Attributes; children: XmlNode[] } = { name: '', attributes: {}, children: [] }
  const path = [root]
  const { mostNodes = 2_000_000 } = reading
  let nodes = 0
  const count = () => {
    if (++nodes > mostNodes) throw new UnreadableError('has too many parts; split it into smaller documents')
  }
  const handlers: XmlHandlers = {
    open: (name, attributes) => {
      count()
      const element = { name, attributes, children: [] }
      path.at(-1)!.children.push(element)
      path.push(element)
    },
    close: () => void path.pop(),
    text: text => {
      count()
      path.at(-1)!.children.push(text)
    },
  }
  await walkXml(chunks, handlers, reading)
  return root.children.find(node => typeof node !== 'string')!
}

export function childrenOf(element: XmlElement | undefined, name?: string): XmlElement[] {
  const elements = element?.children.filter(node => typeof node !== 'string') ?? []
  return name === undefined ? elements : elements.filter(child => child.name === name)
}

/** The element at a path of names below this one; the first where there are several. */
export function childAt(element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  return path.reduce<XmlElement | undefined>((at, name) => childrenOf(at, name)[0], element)
}

/** All elements with one of the names, in document order, also inside each other. */
export function elementsIn(top: XmlElement, ...names: readonly string[]): XmlElement[] {
  const found: XmlElement[] = []
  collect(top, names, found)
  return found
}

function collect(top: XmlElement, names: readonly string[], found: XmlElement[]): void {
  if (names.includes(top.name)) found.push(top)
  for (const child of top.children) if (typeof child !== 'string') collect(child, names, found)
}

/** All text inside the element. */
export function textIn(node: XmlNode | undefined): string {
  if (node === undefined || typeof node === 'string') return node ?? ''
  return node.children.map(textIn).join('')
}

/** Office Open XML may be UTF-16; then it begins with a byte order mark. */
function decoderFor(start: Uint8Array): TextDecoder {
  if (start[0] === 0xff && start[1] === 0xfe) return new TextDecoder('utf-16le', { fatal: true })
  if (start[0] === 0xfe && start[1] === 0xff) return new TextDecoder('utf-16be', { fatal: true })
  return new TextDecoder('utf-8', { fatal: true })
}

/** No known one is as long. */
const longestNamespace = 200

/** Prefixes as the standards write them, because programs may choose others. */
function nameOf({ prefix, uri, local }: QualifiedName): string {
  if (prefix === '') return local
  if (uri.length > longestNamespace) return `${prefix}:${local}`
  if (/^http:\/\/(?:schemas\.openxmlformats\.org|purl\.oclc\.org)\/.*\/relationships$/.test(uri)) return `r:${local}`
  const openDocument = /^urn:oasis:names:tc:opendocument:xmlns:([a-z-]+):/.exec(uri)?.[1]
  return `${usualPrefixes[openDocument ?? ''] ?? openDocument ?? prefix}:${local}`
}

/** Prefixes that differ from the name of their namespace. */
const usualPrefixes: Readonly<Record<string, string>> = {
  drawing: 'draw',
  datastyle: 'number',
  'svg-compatible': 'svg',
  'xsl-fo-compatible': 'fo',
}
