import { fromHtml } from 'hast-util-from-html'
import type { Html, Nodes, Parents, PhrasingContent, Root, RootContent } from 'mdast'
import { markdownTree } from './hypertext.ts'
import { pairScripts } from './superscripts.ts'
import { partEnd, partTitle, titleKind } from './titled-parts.ts'

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
export function expandHtml(root: Root, options: ExpandOptions): void {
  expand(root, options)
}

interface ExpandOptions {
  readonly mdx: boolean
  /** Word in the comments that stand for titled parts (directives.ts). */
  readonly mark: string
}

function expand(parent: Parents, options: ExpandOptions): void {
  const inSentence =
    parent.type !== 'root' &&
    parent.type !== 'blockquote' &&
    parent.type !== 'listItem' &&
    parent.type !== 'footnoteDefinition'
  parent.children = (
    inSentence ? inlines(parent.children, options) : blocks(parent.children, options)
  ) as typeof parent.children
  for (const child of parent.children) if ('children' in child) expand(child, options)
}

function inlines(children: readonly Nodes[], { mdx }: ExpandOptions): Nodes[] {
  if (!children.some(child => child.type === 'html')) return [...children]
  return pairScripts(pairLinks(children)).flatMap((child): Nodes[] =>
    child.type === 'html' ? inline(child, mdx) : [child],
  )
}

function blocks(children: readonly Nodes[], { mark }: ExpandOptions): Nodes[] {
  const part = new RegExp(`^<!--${mark} (\\w+)-->$`)
  let kind: string | undefined
  return children.flatMap((child): Nodes[] => {
    if (child.type === 'heading' && (kind === 'heading' || kind === 'line')) {
      const title = partTitle(child.children, kind)
      kind = undefined
      return [title]
    }
    if (child.type !== 'html') return [child]
    kind = part.exec(child.value.trim())?.[1]
    if (kind === undefined) return block(child)
    return kind === 'end' ? [partEnd()] : []
  })
}

/** In Markdown the tags of `<details>` are often apart, with Markdown between them. */
function block(node: Html): RootContent[] {
  const children = [...markdownTree(fromHtml(node.value, { fragment: true })).root.children]
  let [unopened, open] = [0, 0]
  for (const [tag] of node.value.matchAll(/<\/?details(?=[\s>])/gi)) {
    if (!tag.startsWith('</')) open += 1
    else if (open > 0) open -= 1
    else unopened += 1
  }
  for (; open > 0 && titleKind(children.at(-1) ?? node) === 'end'; open--) children.pop()
  return [...Array.from({ length: unopened }, partEnd), ...children]
}

/** Replaces the tags of a link that was written as HTML. */
function pairLinks(children: readonly Nodes[]): Nodes[] {
  const all: Nodes[] = []
  let open: { readonly at: number; readonly url: string } | undefined
  for (const child of children) {
    all.push(child)
    if (child.type !== 'html') continue
    const url = /^<a\s/i.test(child.value) ? attribute(child.value, 'href') : ''
    if (url !== '') open = { at: all.length - 1, url }
    else if (open !== undefined && /^<\/a\s*>$/i.test(child.value)) {
      const inside = all.splice(open.at).slice(1, -1)
      all.push({ type: 'link', url: open.url, children: inside as PhrasingContent[] })
      open = undefined
    }
  }
  return all
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
