import type { Element, Nodes as HtmlNodes, Root as HtmlRoot } from 'hast'
import { defaultHandlers, toMdast, type Handle } from 'hast-util-to-mdast'
import type { Root } from 'mdast'
import { boundTables } from './table-spans.ts'

/** Elements that are never content. */
const boilerplate = new Set(
  'nav script style footer aside noscript template svg iframe dialog button select'.split(' '),
)

/** Converts an HTML tree to a Markdown tree, without boilerplate (which is also removed from the argument). */
export function markdownTree(tree: HtmlRoot | Element): Root {
  removeBoilerplate(tree)
  boundTables(tree)
  const markdown = toMdast(tree, { handlers: { ...headingHandlers, li: listItem }, document: true })
  return markdown.type === 'root' ? markdown : { type: 'root', children: [] }
}

function removeBoilerplate(node: HtmlRoot | Element): void {
  node.children = (node.children as HtmlNodes[]).filter(child => !isBoilerplate(child)) as typeof node.children
  for (const child of node.children) if (child.type === 'element') removeBoilerplate(child)
}

function isBoilerplate(node: HtmlNodes): boolean {
  if (node.type !== 'element') return false
  const { hidden, ariaHidden, role } = node.properties
  const isHidden = (hidden !== undefined && hidden !== null) || ariaHidden === 'true'
  return boilerplate.has(node.tagName) || isHidden || role === 'navigation'
}

/** Like the default handlers, but headings keep their id as the anchor for citation URLs. */
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

/** Like the default handler, but an item keeps the number that its word processor shows (`dataAskwellMarker`). */
const listItem: Handle = (state, element) => {
  const item = defaultHandlers.li(state, element)
  const marker = element.properties['dataAskwellMarker']
  return typeof marker === 'string' && marker !== '' ? Object.assign(item, { data: { marker } }) : item
}

/** The id of the element, or of an anchor inside it. */
function idOf(element: Element): string | undefined {
  const named = [element, ...element.children].find(node => node.type === 'element' && node.properties['id'])
  return named?.type === 'element' ? String(named.properties['id']) : undefined
}
