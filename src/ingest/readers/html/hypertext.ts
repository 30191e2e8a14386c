import type { Element, Root as HtmlRoot, Text } from 'hast'
import { defaultHandlers, toMdast, type Handle } from 'hast-util-to-mdast'
import type { Nodes, Root, TableCell } from 'mdast'
import { removeFurniture, type Lost } from './furniture.ts'
import { titleOpened } from './openers.ts'
import { writeScripts } from './superscripts.ts'
import { layOutTables } from './table-grid.ts'
import { boundTables } from './table-spans.ts'

/** Converts an HTML tree to a Markdown tree, without furniture (which is also removed from the argument). */
export function markdownTree(tree: HtmlRoot | Element): { readonly root: Root; readonly lost: Lost } {
  const lost = removeFurniture(tree)
  writeScripts(tree)
  titleOpened(tree)
  nameHeadings(tree)
  boundTables(tree)
  layOutTables(tree)
  dropEmpty(tree)
  const markdown = toMdast(tree, { handlers, document: true })
  return { root: markdown.type === 'root' ? markdown : { type: 'root', children: [] }, lost }
}

/** Like the default handlers, but headings keep their id as the anchor for citation URLs. */
const headingHandlers: Record<string, Handle> = Object.fromEntries(
  (['h1', 'h2', 'h3', 'h4', 'h5', 'h6'] as const).map(name => [
    name,
    (state, element) => {
      const heading = defaultHandlers[name](state, element)
      const id = idOf(element)
      const titles = element.properties['dataTitles']
      return id === undefined && titles === undefined
        ? heading
        : Object.assign(heading, { data: { ...(id !== undefined && { id }), ...(titles !== undefined && { titles }) } })
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
  for (const node of [element, ...element.children]) {
    const id = node.type === 'element' && (node.properties['id'] || (node.tagName === 'a' && node.properties['name']))
    if (id) return String(id)
  }
  return undefined
}

/** `<section id="fees"><h2>Fees</h2>…`, as Sphinx and others write it: the id is that of the heading. */
function nameHeadings(tree: HtmlRoot | Element): void {
  const waiting: { readonly node: HtmlRoot | Element; readonly id: string | undefined }[] = [
    { node: tree, id: undefined },
  ]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const elements = next.node.children.filter(child => child.type === 'element') as Element[]
    for (const [i, child] of elements.entries()) {
      // Only what is first in its part begins with it.
      const id = i === 0 ? next.id : undefined
      const isHeading = /^h[1-6]$/.test(child.tagName)
      if (isHeading && id !== undefined && idOf(child) === undefined) child.properties['id'] = id
      const isPart = /^(?:section|article|div|header)$/.test(child.tagName)
      if (isPart) waiting.push({ node: child, id: idOf({ ...child, children: [] }) ?? id })
      else if (!isHeading) waiting.push({ node: child, id: undefined })
    }
  }
}

/** Elements that are nothing without content. */
const inline = new Set(
  (
    'a abbr b bdi bdo big cite code dfn em font i ins kbd label mark nobr q s samp small span strike strong sub sup ' +
    'time tt u var'
  ).split(' '),
)

/**
 * Removes comments and empty inline elements, and joins the blanks between them: the parser looks over each row of them
 * again from each of its members. An anchor in a heading stays for its name.
 */
function dropEmpty(parent: HtmlRoot | Element): void {
  const isHeading = parent.type === 'element' && /^h[1-6]$/.test(parent.tagName)
  const children: (HtmlRoot['children'][number] | Element['children'][number])[] = []
  for (const child of parent.children) {
    if (child.type === 'comment') continue
    if (child.type === 'element') {
      dropEmpty(child)
      if (child.children.length === 0 && inline.has(child.tagName) && !isHeading) continue
    }
    const last = children.at(-1)
    // Cells that a merged cell was copied to share their nodes, so these are not changed.
    if (child.type === 'text' && last?.type === 'text') children[children.length - 1] = joinedText(last, child)
    else children.push(child)
  }
  parent.children = children as typeof parent.children
}

function joinedText(first: Text, second: Text): Text {
  return { type: 'text', value: first.value + second.value }
}

const handlers: Record<string, Handle> = {
  ...headingHandlers,
  li: listItem,
  hr: (_, element) => ({
    type: 'thematicBreak',
    ...(element.properties['dataTitles'] !== undefined && { data: { titles: element.properties['dataTitles'] } }),
  }),
  table: (state, element) => {
    const rows = element.children.filter(child => child.type === 'element')
    return {
      type: 'table',
      children: rows.map(row => ({
        type: 'tableRow',
        children: row.children.filter(child => child.type === 'element').map(cell => tableCell(state.all(cell))),
      })),
    }
  },
}

/** A cell may hold paragraphs and lists; `flatten` puts them on one line. */
function tableCell(children: readonly Nodes[]): TableCell {
  return { type: 'tableCell', children: children as TableCell['children'] }
}
