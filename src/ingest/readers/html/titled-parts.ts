import type { Heading, Nodes, Paragraph, RootContent } from 'mdast'

/**
 * Parts of a document with a title of their own, such as tabs, notes and accordions. In a tree, such a part begins with
 * a heading with `data.titles` and ends with a thematic break with `data.titles: 'end'`.
 *
 * The title becomes a heading, which retrieves best, unless text that is not part of it follows: a heading has no end,
 * so that text would be found and cited under it. Then the title is the beginning of the part's first line.
 */
export type TitleKind = 'heading' | 'line' | 'end'

export function titleKind(node: Nodes): TitleKind | undefined {
  const { titles } = (node.data ?? {}) as { titles?: unknown }
  return titles === 'heading' || titles === 'line' || titles === 'end' ? titles : undefined
}

export function partTitle(children: Heading['children'], kind: 'heading' | 'line', id?: string): Heading {
  return {
    type: 'heading',
    depth: 6,
    children,
    data: { titles: kind, ...(id !== undefined && { id }) } as Heading['data'],
  }
}

export function partEnd(): RootContent {
  return { type: 'thematicBreak', data: { titles: 'end' } as Heading['data'] }
}

interface Part {
  readonly title: Heading
  readonly items: (RootContent | Part)[]
}

/** The nodes with the titles of parts as headings or lines. `inText`: headings are of no use there. */
export function settleTitles(nodes: readonly RootContent[], options: { inText: boolean }): RootContent[] {
  if (!nodes.some(node => titleKind(node) !== undefined)) return [...nodes]
  return settled(nested(nodes), 1, options.inText)
}

function nested(nodes: readonly RootContent[]): (RootContent | Part)[] {
  const top: (RootContent | Part)[] = []
  const open: Part[] = []
  for (const node of nodes) {
    const kind = titleKind(node)
    const items = open.at(-1)?.items ?? top
    if (kind === undefined) items.push(node)
    else if (kind === 'end') open.pop()
    else {
      const part = { title: node as Heading, items: [] }
      items.push(part)
      open.push(part)
    }
  }
  return top
}

function isPart(item: RootContent | Part): item is Part {
  return 'title' in item && 'items' in item
}

function settled(items: readonly (RootContent | Part)[], above: number, inText: boolean): RootContent[] {
  const all: RootContent[] = []
  let depth = above
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!
    if (!isPart(item)) {
      if (item.type === 'heading') depth = item.depth
      all.push(item)
      continue
    }
    let end = i
    while (end < items.length && isPart(items[end]!)) end += 1
    const group = items.slice(i, end) as Part[]
    const asLines = inText || group.some(({ title }) => titleKind(title) === 'line') || !endsSection(items[end])
    for (const part of group) for (const node of asLines ? asText(part, depth) : asSection(part, depth)) all.push(node)
    i = end - 1
  }
  return all
}

function endsSection(next: RootContent | Part | undefined): boolean {
  return next === undefined || (!isPart(next) && next.type === 'heading')
}

function asSection({ title, items }: Part, above: number): RootContent[] {
  const depth = Math.min(6, above + 1) as Heading['depth']
  return [{ ...title, depth }, ...settled(items, depth, false)]
}

function asText({ title, items }: Part, depth: number): RootContent[] {
  const content = settled(items, depth, true)
  const [first, ...rest] = content
  const lead: Paragraph['children'] = [...title.children]
  if (lead.length === 0) return content
  const isSentence = /[.?!…:。？！]\s*$/.test(plainText(title))
  if (first?.type !== 'paragraph')
    return [{ type: 'paragraph', children: isSentence ? lead : [...lead, { type: 'text', value: ':' }] }, ...content]
  const joint: Paragraph['children'] = isSentence ? [{ type: 'break' }] : [{ type: 'text', value: ': ' }]
  return [{ ...first, children: [...lead, ...joint, ...first.children] }, ...rest]
}

function plainText(node: Nodes): string {
  if ('children' in node) return node.children.map(plainText).join('')
  return 'value' in node ? node.value : ''
}
