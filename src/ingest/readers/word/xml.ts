import { childrenOf, parseXml as parseTree, textIn, type QualifiedName, type XmlElement } from '../xml.ts'

/** An element whose name and attributes have the form `prefix:local`, whatever prefixes the document declares. */
export type Xml = XmlElement

/** Word documents are read recursively, so a deeper one would exhaust the stack. */
const deepest = 600

/** Parses a part of a document; `prefixes` by namespace. */
export async function parseXml(bytes: Buffer, prefixes: Readonly<Record<string, string>>): Promise<Xml> {
  const nameOf = ({ uri, prefix, local }: QualifiedName): string => {
    const known = prefixes[uri] ?? prefix
    return known === '' ? local : `${known}:${local}`
  }
  return await parseTree([bytes], { elementName: nameOf, attributeName: nameOf, deepest })
}

export const elementsOf = (element: Xml): Xml[] => childrenOf(element)

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

export const textOf: (element: Xml) => string = textIn
