import { fromHtml } from 'hast-util-from-html'
import type { Html, Nodes, Parents, PhrasingContent, Root, RootContent } from 'mdast'
import { markdownTree } from './hypertext.ts'

/**
 * Elements that Markdown authors use. Any other name in angle brackets is text, such as `<your-token>` or `List<T>`.
 */
const elements = new Set(
  (
    'a abbr b bdi bdo big blockquote br button center cite code dd del details dfn div dl dt em font h1 h2 h3 h4 h5 h6 ' +
    'hr i iframe img input ins kbd label li mark nobr ol p picture pre q rp rt ruby s samp script small source span ' +
    'strike strong style sub summary sup svg table tbody td th thead time tr tt u ul var video wbr'
  ).split(' '),
)

/**
 * Replaces raw HTML in a Markdown tree. A block becomes its content as Markdown; a tag or comment within a sentence
 * becomes nothing, a line break or an image. In MDX every capitalized tag is a component, not text.
 */
export function expandHtml(root: Root, options: { mdx: boolean }): void {
  expand(root, options.mdx)
}

function expand(parent: Parents, isMdx: boolean): void {
  const inSentence =
    parent.type !== 'root' &&
    parent.type !== 'blockquote' &&
    parent.type !== 'listItem' &&
    parent.type !== 'footnoteDefinition'
  const children = (parent.children as Nodes[]).flatMap((child): Nodes[] => {
    if (child.type !== 'html') return [child]
    return inSentence ? inline(child, isMdx) : block(child)
  })
  parent.children = children as typeof parent.children
  for (const child of children) if ('children' in child) expand(child, isMdx)
}

function block(node: Html): RootContent[] {
  return markdownTree(fromHtml(node.value, { fragment: true })).children
}

function inline(node: Html, isMdx: boolean): PhrasingContent[] {
  const html = node.value
  if (html.startsWith('<!') || html.startsWith('<?')) return []
  const name = /^<\/?([a-z][\w.-]*)/i.exec(html)?.[1] ?? ''
  if (isMdx && /^[A-Z]/.test(name)) return []
  if (!elements.has(name.toLowerCase())) return [{ type: 'text', value: html }]
  if (name.toLowerCase() === 'br') return [{ type: 'break' }]
  if (name.toLowerCase() === 'img') return [{ type: 'image', url: attribute(html, 'src'), alt: attribute(html, 'alt') }]
  return []
}

function attribute(tag: string, name: string): string {
  const found = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(tag)
  return found?.[1] ?? found?.[2] ?? found?.[3] ?? ''
}
