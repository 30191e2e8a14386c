import type { Nodes, Root, RootContent } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'
import { markdownBorders } from './markdown-borders.ts'

/** Parts are about so long: from there on, the parser's time for each character grows with the text. */
const usualPart = 32_000

/**
 * The tree of a Markdown text (GitHub's), without places. Parsed in parts, since the parser takes three times as long for
 * each character of a megabyte, and memory that grows with it; the tree is the same. `part`: about how many characters.
 */
export function parseMarkdown(markdown: string, part = usualPart): Root {
  const parts = partsOf(markdown, part)
  const trees = parts.map(({ text }) => parsed(text))
  const defined = trees.map(tree => definedIn(tree))
  const everywhere = new Set(defined.flatMap(names => [...names]))
  const children: RootContent[] = []
  for (const [i, { text, isRest }] of parts.entries()) {
    const tree =
      parts.length === 1 || everywhere.size === 0
        ? trees[i]!
        : withDefinitions(text, trees[i]!, defined[i]!, everywhere)
    if (!isRest) pushAll(children, tree)
    else if (!addRows(children, tree)) return { type: 'root', children: parsed(markdown) }
  }
  return { type: 'root', children }
}

/** The rest of a table goes to its beginning; false when it is none. */
function addRows(children: RootContent[], [rest, ...others]: readonly RootContent[]): boolean {
  const table = children.at(-1)
  if (table?.type !== 'table' || rest?.type !== 'table') return false
  pushAll(table.children, rest.children.slice(1))
  pushAll(children, others)
  return true
}

/** Spread into `push`, a long list would exhaust the stack. */
function pushAll<T>(all: T[], more: readonly T[]): void {
  for (const each of more) all.push(each)
}

interface MarkdownPart {
  readonly text: string
  /** It begins with the head of a table, whose rows before these are in the part before. */
  readonly isRest: boolean
}

function partsOf(markdown: string, length: number): MarkdownPart[] {
  const parts: MarkdownPart[] = []
  let from = 0
  let head: string | null = null
  const add = (end: number) =>
    void parts.push({ text: (head ?? '') + markdown.slice(from, end), isRest: head !== null })
  for (const border of markdownBorders(markdown)) {
    if (border.at - from < length) continue
    add(lastLineEnd(markdown, border.at))
    from = border.at
    head = border.head
  }
  add(markdown.length)
  return parts
}

/** Without the blank lines above a border: code in a list that nothing closes would take them for its own. */
function lastLineEnd(markdown: string, border: number): number {
  let end = border
  while (end > 0 && ' \t\r\n'.includes(markdown[end - 1]!)) end -= 1
  while (end < border && !'\r\n'.includes(markdown[end]!)) end += 1
  return Math.min(border, end + (markdown.startsWith('\r\n', end) ? 2 : 1))
}

function parsed(markdown: string): RootContent[] {
  return fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }).children
}

/** What the links and footnotes of a part are called, as a reference to them is compared; footnotes with a `^`. */
function definedIn(tree: readonly Nodes[], names = new Set<string>()): Set<string> {
  for (const node of tree) {
    if (node.type === 'definition') names.add(node.identifier)
    if (node.type === 'footnoteDefinition') names.add(`^${node.identifier}`)
    if ('children' in node) definedIn(node.children, names)
  }
  return names
}

/** A part that mentions what another one defines is parsed again, with that defined in front of it. */
function withDefinitions(
  markdown: string,
  tree: RootContent[],
  own: ReadonlySet<string>,
  everywhere: ReadonlySet<string>,
): RootContent[] {
  const lacking = new Map<string, string>()
  for (const label of labelsIn(markdown)) {
    const name = nameOf(label)
    if (everywhere.has(name) && !own.has(name)) lacking.set(name, label)
  }
  if (lacking.size === 0) return tree
  const before = [...lacking.values()].map(label => (label.startsWith('^') ? `[${label}]: x\n\n` : `[${label}]: #\n\n`))
  return parsed(before.join('') + markdown).slice(before.length)
}

/** Everything in brackets that has none inside. Over several lines of a quote, also without its marks. */
function* labelsIn(markdown: string): Generator<string> {
  for (const [, label] of markdown.matchAll(/\[((?:[^[\]\\]|\\[^\r\n])+)\]/g)) {
    yield label!.replace(/[\t\r\n ]+/g, ' ').trim()
    if (/[\r\n]/.test(label!))
      yield label!
        .replace(/[\r\n][\t >]*/g, ' ')
        .replace(/[\t ]+/g, ' ')
        .trim()
  }
}

/** As the parser compares them: `ß` and `SS` are one. */
function nameOf(label: string): string {
  return label.toLowerCase().toUpperCase().toLowerCase()
}
