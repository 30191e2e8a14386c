import { SaxesParser } from 'saxes'

/** An element of an XML document, with names in the form `prefix:local` whatever prefixes the document declares. */
export interface Xml {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: (Xml | string)[]
}

/** Deeper documents are refused, because reading them recursively would exhaust the stack. */
const deepest = 600

/** Parses XML strictly. Entities that a document declares are not expanded, so it cannot grow. */
export function parseXml(bytes: Buffer, prefixes: Readonly<Record<string, string>>): Xml {
  const parser = new SaxesParser({ xmlns: true })
  const root: Xml = { name: '', attributes: {}, children: [] }
  const open: Xml[] = [root]
  const nameOf = ({ uri, prefix, local }: { uri: string; prefix: string; local: string }): string => {
    const known = prefixes[uri] ?? prefix
    return known === '' ? local : `${known}:${local}`
  }
  parser.on('opentag', tag => {
    const attributes: Record<string, string> = Object.create(null) as Record<string, string>
    for (const attribute of Object.values(tag.attributes)) attributes[nameOf(attribute)] = attribute.value
    const element = { name: nameOf(tag), attributes, children: [] }
    open.at(-1)!.children.push(element)
    if (open.push(element) > deepest) throw new RangeError('nested too deeply')
  })
  parser.on('closetag', () => void open.pop())
  const addText = (value: string): void => void open.at(-1)!.children.push(value)
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('error', error => {
    throw error
  })
  parser.write(decoded(bytes)).close()
  return elementsOf(root)[0]!
}

/** XML is UTF-8, or UTF-16 with a byte order mark. */
function decoded(bytes: Buffer): string {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  return new TextDecoder(isUtf16 ? (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8').decode(bytes)
}

export function elementsOf(element: Xml): Xml[] {
  return element.children.filter(child => typeof child !== 'string')
}

/** The child with this name. */
export function child(element: Xml | undefined, name: string): Xml | undefined {
  return element?.children.find((node): node is Xml => typeof node !== 'string' && node.name === name)
}

/** The first element with this name at any depth. */
export function descendant(element: Xml, name: string): Xml | undefined {
  for (const node of elementsOf(element)) {
    const found = node.name === name ? node : descendant(node, name)
    if (found !== undefined) return found
  }
  return undefined
}

export function textOf(element: Xml): string {
  return element.children.map(node => (typeof node === 'string' ? node : textOf(node))).join('')
}
