import type { Element, Nodes as HtmlNodes, Root as HtmlRoot } from 'hast'
import { defaultHandlers, toMdast, type Handle } from 'hast-util-to-mdast'
import type { Root } from 'mdast'
import { boundTables } from './table-spans.ts'

/** Furniture of a page: nothing in it is said about the subject. */
const furniture = new Set('nav script style footer aside noscript template svg iframe dialog button select'.split(' '))

/** An HTML tree as a Markdown tree, without furniture (which is removed from the tree given). */
export function markdownTree(tree: HtmlRoot | Element): Root {
  removeFurniture(tree)
  boundTables(tree)
  const markdown = toMdast(tree, { handlers: headingHandlers, document: true })
  return markdown.type === 'root' ? markdown : { type: 'root', children: [] }
}

function removeFurniture(node: HtmlRoot | Element): void {
  node.children = (node.children as HtmlNodes[]).filter(child => !isFurniture(child)) as typeof node.children
  for (const child of node.children) if (child.type === 'element') removeFurniture(child)
}

function isFurniture(node: HtmlNodes): boolean {
  if (node.type !== 'element') return false
  const { hidden, ariaHidden, role } = node.properties
  const unseen = (hidden !== undefined && hidden !== null) || ariaHidden === 'true'
  return furniture.has(node.tagName) || unseen || role === 'navigation'
}

/** As by default, but a heading keeps its id: it is the anchor that a citation's url points at. */
const headingHandlers: Record<string, Handle> = Object.fromEntries(
  (['h1', 'h2', 'h3', 'h4', 'h5', 'h6'] as const).map(name => [
    name,
    (state, element) => {
      const heading = defaultHandlers[name](state, element)
      const id = idOf(element)
      return id === undefined ? heading : Object.assign(heading, { data: { id } })
    },
  ]),
)

/** Its own id, or that of an anchor inside. */
function idOf(element: Element): string | undefined {
  const named = [element, ...element.children].find(node => node.type === 'element' && node.properties['id'])
  return named?.type === 'element' ? String(named.properties['id']) : undefined
}
