import type { Code, Heading, List, ListItem, Nodes, Root, RootContent, Table, TableCell } from 'mdast'
import { tableRow } from '../../../text/table-rows.ts'
import { boldLevel, isBoldHeading, withBoldHeadings } from './bold-headings.ts'
import type { Block } from '../compose.ts'
import { linkContext, linkText, thinLinks, type LinkContext } from './links.ts'
import { isBadgeRow, withoutContents } from './noise.ts'
import { createSlugs } from './slugs.ts'
import { settleTitles, titleKind } from './titled-parts.ts'

/**
 * Converts a Markdown tree without raw HTML to blocks of plain text. Inline markup is removed. List markers, table
 * cells and code fences stay, because they carry meaning: the chunker keeps a fenced block whole, and a chat frontend
 * shows it as code.
 *
 * With `slugs`, a heading without an id gets the anchor that GitHub would give it.
 */
export function flatten(root: Root, options: { slugs: boolean; base?: string | undefined }): Block[] {
  const slugOf = options.slugs ? createSlugs() : undefined
  let anchor: string | undefined
  const links = linkContext(root, options.base)
  const nodes = settleTitles(withBoldHeadings(withoutContents(root.children)), { inText: false })
  thinLinks(nodes)
  return nodes.flatMap((node): Block[] => {
    if (node.type === 'heading') {
      // The title of a part mostly has no anchor of its own, so citations lead to the heading above.
      const isPart = titleKind(node) !== undefined
      const block = headingBlock(node, isPart ? () => anchor : slugOf)
      if (!isPart) anchor = block.anchor
      return [block]
    }
    const text = flowText(node, links)
    return text.trim() === '' ? [] : [{ kind: 'text', text }]
  })
}

/** Null where links are not shown: in headings, which are repeated as titles. */
type Links = LinkContext | null

type HeadingBlock = Extract<Block, { kind: 'heading' }>

function headingBlock(node: Heading, slugOf: ((heading: string) => string | undefined) | undefined): HeadingBlock {
  const [text, written] = withoutId(inlineText(node, null))
  if (isBoldHeading(node)) return { kind: 'heading', level: boldLevel, text }
  const anchor = explicitId(node) ?? written ?? slugOf?.(text)
  return { kind: 'heading', level: node.depth, text, ...(anchor ? { anchor } : {}) }
}

/** `## Fees {#fees}`: the anchor as MkDocs, Docusaurus and Pandoc write it. */
function withoutId(text: string): [text: string, id: string | undefined] {
  const found = /\s*\{:?\s*#([\w.:-]+)[^{}]*\}\s*$/.exec(text.slice(-200))
  return found === null ? [text, undefined] : [text.slice(0, text.length - found[0].length), found[1]]
}

/** The id of an HTML element, which the HTML reader stores in `data`. */
function explicitId(node: Heading): string | undefined {
  const { id } = (node.data ?? {}) as { id?: unknown }
  return typeof id === 'string' ? id : undefined
}

/** Paragraphs are separated by a blank line, the lines of a list or a table by a line feed. */
function flowText(node: RootContent, links: Links): string {
  switch (node.type) {
    case 'paragraph':
      return isBadgeRow(node) ? '' : tidied(inlineText(node, links))
    case 'heading':
      return tidied(inlineText(node, links))
    case 'code':
      return fencedText(node)
    case 'list':
      return listText(node, links)
    case 'table':
      return tableText(node, links)
    case 'blockquote':
      return plainAlert(joined(node.children, links))
    case 'footnoteDefinition':
      return joined(node.children, links)
    default:
      return ''
  }
}

function joined(nodes: readonly RootContent[], links: Links): string {
  return settleTitles(withoutContents(nodes), { inText: true })
    .map(node => flowText(node, links))
    .filter(text => text !== '')
    .join('\n\n')
}

/** Turns GitHub's alert marker `[!NOTE]` into plain text. */
function plainAlert(quote: string): string {
  return quote.replace(
    /^\[!(\w)(\w*)\]\s*/,
    (_, first: string, rest: string) => `${first.toUpperCase()}${rest.toLowerCase()}: `,
  )
}

/** "- item" or "1. item"; a nested list is indented by two more spaces. */
function listText(list: List, links: Links, depth = 0): string {
  const first = numberOf(list)
  const items = list.children.map((item, index) =>
    itemText(item, shownMarker(item) ?? (list.ordered ? `${first + index}. ` : '- '), links, depth),
  )
  return items.filter(text => text !== '').join('\n')
}

/** The marker that a word processor shows, such as "3.2." or "a)", which the HTML reader stores in `data`. */
function shownMarker(item: ListItem): string | undefined {
  const { marker } = (item.data ?? {}) as { marker?: unknown }
  return typeof marker === 'string' ? `${marker} ` : undefined
}

/** Number of the first item. HTML allows any number, but counting does not work from very large ones. */
function numberOf({ start }: List): number {
  return typeof start === 'number' && Math.abs(start) <= 1e9 ? start : 1
}

/** Indentation stops at this depth, because a thousand nested lists would need a million spaces. */
const deepestIndent = 20

function itemText(item: ListItem, marker: string, links: Links, depth: number): string {
  const box = typeof item.checked === 'boolean' ? (item.checked ? '[x] ' : '[ ] ') : ''
  const parts = settleTitles(item.children, { inText: true }).map(child => {
    const text = child.type === 'list' ? listText(child, links, depth + 1) : flowText(child, links)
    return child.type === 'code' || depth >= deepestIndent ? text : indented(text)
  })
  const text = parts
    .filter(part => part.trim() !== '')
    .join('\n')
    .trimStart()
  return text === '' ? '' : marker + box + text
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}

/** The outer bars stay: they show the reader, and `sentences`, that each row is separate. */
function tableText(table: Table, links: Links): string {
  const rows = table.children.map(row => row.children.map(cell => cellText(cell, links)))
  const filled = rows.filter(cells => cells.some(cell => cell !== ''))
  return filled.map(tableRow).join('\n')
}

/** The content of a cell on one line. Cells of HTML tables may have paragraphs and lists. */
function cellText(cell: TableCell, links: Links): string {
  const children: readonly Nodes[] = cell.children
  const parts = children.some(isFlow)
    ? children.map(child => (isFlow(child) ? flowText(child as RootContent, links) : inlineText(child, links)))
    : [inlineText(cell, links)]
  return oneLine(
    parts
      .join('\n')
      .replaceAll('\n- ', '; ')
      .replace(/^\s*- /, ''),
  )
}

function isFlow(node: Nodes): boolean {
  return ['paragraph', 'list', 'code', 'blockquote', 'heading', 'table', 'thematicBreak'].includes(node.type)
}

/** The fence is longer than any run of backticks inside, as Markdown requires. */
function fencedText({ value, lang }: Code): string {
  const longest = [...value.matchAll(/`+/g)].reduce((length, run) => Math.max(length, run[0].length), 2)
  const fence = '`'.repeat(longest + 1)
  return `${fence}${lang ?? ''}\n${value}\n${fence}`
}

/** The text of a node without markup. A line end in the source becomes a space, `<br>` a line feed. */
function inlineText(node: Nodes, links: Links): string {
  switch (node.type) {
    case 'text':
      return unwrapped(node.value)
    case 'inlineCode':
      return unwrapped(node.value)
    case 'break':
      return '\n'
    case 'image':
    case 'imageReference':
      return node.alt ?? ''
    case 'link':
    case 'linkReference': {
      const text = inlineChildren(node, links)
      return links === null ? text : linkText(node, text, links)
    }
    default:
      return inlineChildren(node, links)
  }
}

function inlineChildren(node: Nodes, links: Links): string {
  return 'children' in node ? node.children.map(child => inlineText(child, links)).join('') : ''
}

/** Chinese and Japanese have no spaces between words, so a line end between two of their characters is removed. */
const lineEndInIdeographs =
  /(?<=[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}，。、]) ?\n ?(?=[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}])/gu

/**
 * Spaces are collapsed first, because matching "spaces, then a line end" takes quadratic time on long runs of spaces.
 */
function unwrapped(text: string): string {
  return text
    .replace(/[^\S\n]+/g, ' ')
    .replace(lineEndInIdeographs, '')
    .replace(/ ?\n ?/g, ' ')
}

/** Collapses the double spaces that removed tags and images leave. */
function tidied(text: string): string {
  return text
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .trim()
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
