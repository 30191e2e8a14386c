import type { Element, ElementContent, Nodes, Root } from 'hast'
import { fromHtml } from 'hast-util-from-html'
import type { Content } from './content.ts'
import { flatten } from './flatten.ts'
import { markdownTree } from './hypertext.ts'

/**
 * An HTML page: its `<main>` when it has exactly one, else its body, without navigation and the like. The
 * `lang` attribute is left alone: templates say "en" whatever the page's language, detection does better.
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
  const mains = elementsNamed(tree, 'main').filter(main => textOf(main).trim() !== '')
  const content = mains.length === 1 ? mains[0] : elementsNamed(tree, 'body')[0]
  return content === undefined ? tree : { type: 'root', children: content.children }
}

function canonicalUrl(tree: Root): string | undefined {
  const link = elementsNamed(tree, 'link').find(({ properties }) => [properties['rel']].flat().includes('canonical'))
  return link === undefined ? undefined : String(link.properties['href'] ?? '')
}

function elementsNamed(node: Root | Element, name: string): Element[] {
  const children = (node.children as ElementContent[]).filter(child => child.type === 'element')
  return children.flatMap(child => [...(child.tagName === name ? [child] : []), ...elementsNamed(child, name)])
}

function textOf(node: Nodes): string {
  if (node.type === 'text') return node.value
  return 'children' in node ? node.children.map(textOf).join('') : ''
}
