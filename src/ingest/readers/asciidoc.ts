import type { Element, Nodes } from 'hast'
import { fromHtml } from 'hast-util-from-html'
import { metadataOf, type Content } from './content.ts'
import { readTree } from './html/html.ts'

/** Attributes of the header that describe the document; the others steer the output. */
const described = ['author', 'email', 'revnumber', 'revdate', 'keywords', 'description']

/** Characters that references to attributes may add to a document in all. */
const maxExpanded = 4_000_000
/** The limit of AsciiDoc's safe mode for one value, which also bounds attributes made of attributes. */
const longestValue = 4096

/**
 * Reads AsciiDoc by way of HTML. In safe mode `secure` nothing else is read from disk or net; directives that would
 * include a file are left out.
 */
export async function readAsciidoc(text: string): Promise<Content> {
  const { load, LoggerManager, NullLogger } = await import('@asciidoctor/core')
  // Its warnings about markup would be printed.
  LoggerManager.logger = new NullLogger()
  const references = text.match(/\{[\w-]/g)?.length ?? 0
  const document = await load(withoutIncludes(text), {
    safe: 'secure',
    standalone: false,
    attributes: {
      showtitle: true,
      'max-attribute-value-size': String(
        Math.max(16, Math.min(longestValue, Math.floor(maxExpanded / (references + 1)))),
      ),
    },
  })
  const tree = fromHtml(String(await document.convert()), { fragment: true })
  titleBlocks(tree)
  const attribute = (name: string): unknown => document.getAttribute(name) ?? undefined
  const url = attribute('url')
  const language = attribute('lang')
  const content = readTree(tree)
  return {
    ...content,
    ...(typeof url === 'string' && { url }),
    ...(typeof language === 'string' && { language }),
    metadata: metadataOf(described.map(name => [name, attribute(name)] as const)),
  }
}

export function withoutIncludes(text: string): string {
  return text.replace(/^\ufeff/, '').replace(/^include::[^\n[]*\[[^\n]*\][ \t]*$/gm, '')
}

/** Admonitions are tables in Asciidoctor's HTML, and titles of blocks are plain text: both become titled parts. */
function titleBlocks(parent: Nodes): void {
  if (!('children' in parent)) return
  for (const child of parent.children) {
    if (child.type !== 'element') continue
    titleBlocks(child)
    const names = classesOf(child)
    if (names.includes('admonitionblock')) titleNote(child)
    else if (names.includes('exampleblock') || names.includes('sidebarblock')) titleExample(child)
  }
}

function classesOf({ properties }: Element): readonly string[] {
  return [properties['className']].flat().map(String)
}

function titleNote(block: Element): void {
  const cell = find(block, each => each.tagName === 'td' && classesOf(each).includes('content'))
  const type = find(block, each => classesOf(each).includes('title'))
  if (cell === undefined || type === undefined) return
  const own = cell.children.find(each => each.type === 'element' && classesOf(each).includes('title'))
  const title = own?.type === 'element' ? own : type
  setTitle(
    block,
    title,
    cell.children.filter(each => each !== own),
    own === undefined ? 'line' : 'heading',
  )
}

function titleExample(block: Element): void {
  const title = block.children.find(each => each.type === 'element' && classesOf(each).includes('title'))
  if (title?.type !== 'element') return
  setTitle(
    block,
    title,
    block.children.filter(each => each !== title),
    'heading',
  )
}

function setTitle(block: Element, title: Element, content: Element['children'], kind: 'heading' | 'line'): void {
  const element = (tagName: string, titles: string, children: Element['children']): Element => ({
    type: 'element',
    tagName,
    properties: { dataTitles: titles },
    children,
  })
  const isText = content.every(
    each => each.type === 'text' || !('tagName' in each) || !/^(?:div|p|ul|ol|dl|table|pre)$/.test(each.tagName),
  )
  const body: Element['children'] = isText
    ? [{ type: 'element', tagName: 'p', properties: {}, children: content }]
    : content
  block.children = [element('h6', kind, title.children), ...body, element('hr', 'end', [])]
}

function find(top: Element, matches: (element: Element) => boolean): Element | undefined {
  const waiting: Element[] = [top]
  for (let element = waiting.pop(); element !== undefined; element = waiting.pop()) {
    if (element !== top && matches(element)) return element
    for (const child of element.children.toReversed()) if (child.type === 'element') waiting.push(child)
  }
  return undefined
}
