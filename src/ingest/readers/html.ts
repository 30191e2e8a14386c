import type { Element, Nodes, Root } from 'hast'
import { fromHtml } from 'hast-util-from-html'
import type { Content } from './content.ts'
import { flatten } from './flatten.ts'
import { markdownTree } from './hypertext.ts'

/**
 * Reads an HTML page: its `<main>` if there is exactly one, otherwise its body, without navigation and similar parts.
 * The `lang` attribute is ignored, because templates often say "en" whatever the language; detection is more reliable.
 */
export function readHtml(html: string): Content {
  const tree = fromHtml(html)
  return {
    title: elementsNamed(tree, 'title').map(textOf)[0],
    url: canonicalUrl(tree),
    blocks: flatten(markdownTree(contentOf(tree)), { slugs: false }),
  }
}

function contentOf(tree: Root): Root | Element {
  const mains = elementsNamed(tree, 'main').filter(hasText)
  const content = mains.length === 1 ? mains[0] : elementsNamed(tree, 'body')[0]
  return content === undefined ? tree : { type: 'root', children: content.children }
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
