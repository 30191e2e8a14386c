import type { Code, Heading, List, ListItem, Nodes, Root, RootContent, Table } from 'mdast'
import { boldLevel, isBoldHeading, withBoldHeadings } from './bold-headings.ts'
import type { Block } from './compose.ts'
import { isBadgeRow, withoutContents } from './noise.ts'
import { createSlugs } from './slugs.ts'

/**
 * Converts a Markdown tree without raw HTML to blocks of plain text. Inline markup is removed. List markers, table
 * cells and code fences stay, because they carry meaning: the chunker keeps a fenced block whole, and a chat frontend
 * shows it as code.
 *
 * With `slugs`, a heading without an id gets the anchor that GitHub would give it.
 */
export function flatten(root: Root, options: { slugs: boolean }): Block[] {
  const slugOf = options.slugs ? createSlugs() : undefined
  return withBoldHeadings(withoutContents(root.children)).flatMap((node): Block[] => {
    if (node.type === 'heading') return [headingBlock(node, slugOf)]
    const text = flowText(node)
    return text.trim() === '' ? [] : [{ kind: 'text', text }]
  })
}

function headingBlock(node: Heading, slugOf: ((heading: string) => string) | undefined): Block {
  const text = inlineText(node)
  if (isBoldHeading(node)) return { kind: 'heading', level: boldLevel, text }
  const anchor = explicitId(node) ?? slugOf?.(text)
  return { kind: 'heading', level: node.depth, text, ...(anchor ? { anchor } : {}) }
}

/** The id of an HTML element, which the HTML reader stores in `data`. */
function explicitId(node: Heading): string | undefined {
  const { id } = (node.data ?? {}) as { id?: unknown }
  return typeof id === 'string' ? id : undefined
}

/** Paragraphs are separated by a blank line, the lines of a list or a table by a line feed. */
function flowText(node: RootContent): string {
  switch (node.type) {
    case 'paragraph':
      return isBadgeRow(node) ? '' : tidied(inlineText(node))
    case 'heading':
      return tidied(inlineText(node))
    case 'code':
      return fencedText(node)
    case 'list':
      return listText(node)
    case 'table':
      return tableText(node)
    case 'blockquote':
      return plainAlert(joined(node.children))
    case 'footnoteDefinition':
      return joined(node.children)
    default:
      return ''
  }
}

function joined(nodes: readonly RootContent[]): string {
  return withoutContents(nodes)
    .map(flowText)
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
function listText(list: List, depth = 0): string {
  const first = numberOf(list)
  const items = list.children.map((item, index) => itemText(item, list.ordered ? `${first + index}. ` : '- ', depth))
  return items.filter(text => text !== '').join('\n')
}

/** Number of the first item. HTML allows any number, but counting does not work from very large ones. */
function numberOf({ start }: List): number {
  return typeof start === 'number' && Math.abs(start) <= 1e9 ? start : 1
}

/** Indentation stops at this depth, because a thousand nested lists would need a million spaces. */
const deepestIndent = 20

function itemText(item: ListItem, marker: string, depth: number): string {
  const box = typeof item.checked === 'boolean' ? (item.checked ? '[x] ' : '[ ] ') : ''
  const parts = item.children.map(child => {
    const text = child.type === 'list' ? listText(child, depth + 1) : flowText(child)
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
function tableText(table: Table): string {
  const rows = table.children.map(row => row.children.map(cell => oneLine(inlineText(cell))))
  const filled = rows.filter(cells => cells.some(cell => cell !== ''))
  return filled.map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

/** The fence is longer than any run of backticks inside, as Markdown requires. */
function fencedText({ value, lang }: Code): string {
  const longest = [...value.matchAll(/`+/g)].reduce((length, run) => Math.max(length, run[0].length), 2)
  const fence = '`'.repeat(longest + 1)
  return `${fence}${lang ?? ''}\n${value}\n${fence}`
}

/** The text of a node without markup. A line end in the source becomes a space, `<br>` a line feed. */
function inlineText(node: Nodes): string {
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
    default:
      return 'children' in node ? node.children.map(inlineText).join('') : ''
  }
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
