import type { Element, Nodes, Root } from 'hast'
import { fromHtml } from 'hast-util-from-html'
import type { Content } from '../content.ts'
import { flatten } from './flatten.ts'
import type { Lost } from './furniture.ts'
import { markdownTree } from './hypertext.ts'
import { escaped } from './to-html.ts'

/**
 * Reads an HTML page: its `<main>` if there is exactly one, otherwise its body, without navigation and similar parts.
 * The `lang` attribute is ignored, because templates often say "en" whatever the language; detection is more reliable.
 */
export function readHtml(html: string): Content {
  return readTree(fromHtml(html))
}

/** Reads an XHTML page: its XML notation is rewritten to that of HTML. */
export function readXhtml(xhtml: string): Content {
  return readHtml(fromXml(xhtml))
}

/** Elements that have no closing tag in HTML. */
const empty = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '))

/** An HTML parser would take `<a id="x"/>` for an open tag, and CDATA for a comment. */
function fromXml(xhtml: string): string {
  return xhtml
    .replace(/^\ufeff?\s*<\?xml[^>]*\?>/, '')
    .replace(/<!DOCTYPE[^>[]*\[[^\]]*\]\s*>/i, '<!DOCTYPE html>')
    .replace(/<!--[^]*?(?:-->|$)|<!\[CDATA\[([^]*?)(?:\]\]>|$)/g, (_, data: string | undefined) => escaped(data ?? ''))
    .replace(/(<\/?)(?:x?html|xh|h):(?=[a-z])/gi, '$1')
    .replace(
      /<([a-z][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*\/>/gi,
      (tag, name: string, attributes: string) =>
        empty.has(name.toLowerCase()) ? tag : `<${name}${attributes}></${name}>`,
    )
}

/** Reads the tree of a page, which other formats are converted to. It is changed. */
export function readTree(tree: Root): Content {
  const url = canonicalUrl(tree)
  const { content, outside } = contentOf(tree)
  const { root, lost } = markdownTree(content)
  return {
    title: elementsNamed(tree, 'title').map(textOf)[0],
    url,
    blocks: flatten(root, { slugs: false, base: baseOf(tree, url) }),
    warnings: lossWarning({ words: lost.words + outside, of: lost.of + outside }),
  }
}

/** The content with the number of words of prose outside of it. */
function contentOf(tree: Root): { readonly content: Root | Element; readonly outside: number } {
  const mains = elementsNamed(tree, 'main').filter(hasText)
  const [body = tree] = elementsNamed(tree, 'body')
  const all: Root = { type: 'root', children: body.children as Root['children'] }
  if (mains.length !== 1) return { content: all, outside: 0 }
  const outside = proseOutside(all, mains[0]!)
  const inside = wordCount(textOf(mains[0]!))
  // Some builders put only a heading into <main>, and the page next to it.
  if (outside > fewWords && outside > 3 * inside) return { content: all, outside: 0 }
  return { content: { type: 'root', children: mains[0]!.children }, outside }
}

const fewWords = 60
const mostlyLost = 0.5

/** A warning if the page lost most of its text as furniture. Navigation does not count. */
function lossWarning({ words, of }: Lost): string[] {
  if (words < fewWords || words < mostlyLost * of) return []
  const share = Math.round((100 * words) / of)
  return [`lost ${share} % of its text, which was hidden or beside the content; check that its answers are found`]
}

/** Words outside of `<main>` that are not navigation, scripts or links. */
function proseOutside(tree: Root, main: Element): number {
  let words = 0
  const waiting: Nodes[] = [tree]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.type === 'text') words += wordCount(node.value)
    if (node === main || (node.type === 'element' && beside.has(node.tagName)) || !('children' in node)) continue
    for (const child of node.children) waiting.push(child)
  }
  return words
}

const beside = new Set(
  'nav header footer aside script style a button select template noscript svg dialog form'.split(' '),
)

function wordCount(text: string): number {
  return text.match(/[\p{L}\p{N}]\S*/gu)?.length ?? 0
}

/** Address that relative links refer to: `<base>`, which may itself be relative to the page's address. */
function baseOf(tree: Root, url: string | undefined): string | undefined {
  const href = elementsNamed(tree, 'base').map(({ properties }) => String(properties['href'] ?? ''))[0]
  if (href === undefined || !URL.canParse(href, url)) return url
  return new URL(href, url).href
}

function canonicalUrl(tree: Root): string | undefined {
  const link = elementsNamed(tree, 'link').find(({ properties }) => [properties['rel']].flat().includes('canonical'))
  return link === undefined ? undefined : String(link.properties['href'] ?? '')
}

/** In document order, and without recursion because thousands of elements may be nested. */
function elementsNamed(tree: Root, name: string): Element[] {
  const found: Element[] = []
  for (const node of nodesOf(tree)) if (node.type === 'element' && node.tagName === name) found.push(node)
  return found
}

function* nodesOf(top: Nodes): Generator<Nodes> {
  const waiting: Nodes[] = [top]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    yield node
    if ('children' in node) for (const child of node.children.toReversed()) waiting.push(child)
  }
}

function hasText(element: Element): boolean {
  return nodesOf(element).some(node => node.type === 'text' && node.value.trim() !== '')
}

function textOf(element: Element): string {
  return nodesOf(element).reduce((text, node) => (node.type === 'text' ? text + node.value : text), '')
}
