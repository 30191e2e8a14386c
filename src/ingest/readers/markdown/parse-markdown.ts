import type { Nodes, Root, RootContent } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'
import { markdownBorders } from './markdown-borders.ts'

/** Approximate length of a part. In longer texts, the parser's time per character grows with the text. */
const usualPart = 32_000

/**
 * Parses GitHub Flavored Markdown to a tree without positions. It is parsed in parts of about `part` characters, which
 * gives the same tree. For a megabyte as a whole, the parser needs three times as long per character, and more memory.
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

/** Appends the rest of a table to its beginning. Returns false if the part is not the rest of a table. */
function addRows(children: RootContent[], [rest, ...others]: readonly RootContent[]): boolean {
  const table = children.at(-1)
  if (table?.type !== 'table' || rest?.type !== 'table') return false
  pushAll(table.children, rest.children.slice(1))
  pushAll(children, others)
  return true
}

/** Pushes one by one, because spreading a long list into `push` would exhaust the stack. */
function pushAll<T>(all: T[], more: readonly T[]): void {
  for (const each of more) all.push(each)
}

interface MarkdownPart {
  readonly text: string
  /** Whether the part continues a table of the previous part, whose head is repeated at its beginning. */
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

/** End of a part without the blank lines above the border, which unclosed code in a list would include. */
function lastLineEnd(markdown: string, border: number): number {
  let end = border
  while (end > 0 && ' \t\r\n'.includes(markdown[end - 1]!)) end -= 1
  while (end < border && !'\r\n'.includes(markdown[end]!)) end += 1
  return Math.min(border, end + (markdown.startsWith('\r\n', end) ? 2 : 1))
}

function parsed(markdown: string): RootContent[] {
  return fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }).children
}

/** Normalized names of the link definitions and footnotes of a part; those of footnotes begin with `^`. */
function definedIn(tree: readonly Nodes[], names = new Set<string>()): Set<string> {
  for (const node of tree) {
    if (node.type === 'definition') names.add(node.identifier)
    if (node.type === 'footnoteDefinition') names.add(`^${node.identifier}`)
    if ('children' in node) definedIn(node.children, names)
  }
  return names
}

/** Parses a part that refers to definitions of other parts again, with placeholders for them in front. */
function withDefinitions(
  markdown: string,
  tree: RootContent[],
  own: ReadonlySet<string>,
  everywhere: ReadonlySet<string>,
): RootContent[] {
  const missing = new Map<string, string>()
  for (const label of labelsIn(markdown)) {
    const name = nameOf(label)
    if (everywhere.has(name) && !own.has(name)) missing.set(name, label)
  }
  if (missing.size === 0) return tree
  const before = [...missing.values()].map(label => (label.startsWith('^') ? `[${label}]: x\n\n` : `[${label}]: #\n\n`))
  return parsed(before.join('') + markdown).slice(before.length)
}

/** All text in brackets without brackets inside. Labels across lines of a quote are also returned without `>`. */
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

/** Normalizes a label as the parser does: `ß` and `SS` are equal. */
function nameOf(label: string): string {
  return label.toLowerCase().toUpperCase().toLowerCase()
}
