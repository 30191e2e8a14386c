import type { Heading, Paragraph, PhrasingContent, RootContent } from 'mdast'

/**
 * Paragraphs that are, or begin with, a line in bold become headings with the text below: many pages and Word files write
 * their questions and titles so. A line that ends like a sentence, a label with a colon, and a bold line with no text
 * below stay as they are.
 */
export function withBoldHeadings(nodes: readonly RootContent[]): RootContent[] {
  return nodes.flatMap((node, i): RootContent[] => {
    if (node.type !== 'paragraph') return [node]
    const { lead, rest } = divided(node)
    if (lead === null || !isTitle(textOf(lead))) return [node]
    if (rest.length > 0) return [headingOf(lead), { ...node, children: rest }]
    return isText(nodes[i + 1]) ? [headingOf(lead)] : [node]
  })
}

/** Below those of the document's own headings, of which there are six. */
export const boldLevel = 7

function headingOf(lead: PhrasingContent): Heading {
  return { type: 'heading', depth: 6, children: [lead], data: { isBold: true } as Heading['data'] }
}

/** Whether a heading was a line in bold. No format gives it an anchor. */
export function isBoldHeading({ data }: Heading): boolean {
  return (data as { isBold?: unknown } | undefined)?.isBold === true
}

/** The bold first line of a paragraph, and what is below it. */
function divided({ children }: Paragraph): { lead: PhrasingContent | null; rest: PhrasingContent[] } {
  const [lead, next, ...others] = children.filter(
    (child, i) => i > 0 || child.type !== 'text' || child.value.trim() !== '',
  )
  if (lead?.type !== 'strong') return { lead: null, rest: [] }
  if (next === undefined || (others.length === 0 && next.type === 'text' && next.value.trim() === ''))
    return { lead, rest: [] }
  if (next.type === 'break') return { lead, rest: others }
  if (next.type !== 'text' || !/^[^\S\n]*\n/.test(next.value)) return { lead: null, rest: [] }
  return { lead, rest: [{ ...next, value: next.value.trimStart() }, ...others] }
}

const longestBoldTitle = 120

function isTitle(line: string): boolean {
  return (
    line.length <= longestBoldTitle &&
    !line.includes('\n') &&
    /[\p{L}\p{N}]/u.test(line) &&
    !/[.,;:!…。：！]$/.test(line)
  )
}

function textOf(node: PhrasingContent): string {
  if ('children' in node) return node.children.map(textOf).join('').trim()
  if (node.type === 'break') return '\n'
  return 'value' in node ? node.value : ''
}

function isText(node: RootContent | undefined): boolean {
  if (node?.type === 'paragraph') {
    const { lead, rest } = divided(node)
    return lead === null || rest.length > 0 || !isTitle(textOf(lead))
  }
  return node?.type === 'list' || node?.type === 'table' || node?.type === 'code' || node?.type === 'blockquote'
}
