import type { Nodes, Paragraph, PhrasingContent, RootContent } from 'mdast'

/** Whether a paragraph consists only of linked images or badge images, which are not content. */
export function isBadgeRow(node: Paragraph): boolean {
  const seen = node.children.filter(child => !isBlank(child))
  return seen.length > 0 && seen.every(isBadge)
}

function isBadge(node: PhrasingContent): boolean {
  if (node.type === 'image') return /badge|shields\.io/i.test(node.url)
  if (node.type === 'imageReference') return /badge|status|build|coverage|version/i.test(node.identifier)
  if (node.type !== 'link' && node.type !== 'linkReference') return false
  return node.children.length > 0 && node.children.every(child => child.type.startsWith('image') || isBlank(child))
}

const contentsTitle = /^(?:table of contents|contents|toc|содержание|оглавление|мазмұны|mục lục|indice|sommario)[:.]?$/i

/** Removes tables of contents and their headings, because they answer no question. */
export function withoutContents(nodes: readonly RootContent[]): RootContent[] {
  return nodes.filter((node, i) => {
    const next = nodes[i + 1]
    const announces = next !== undefined && isContents(next) && contentsTitle.test(wordsOf(node).trim())
    return !announces && !isContents(node)
  })
}

/** Whether a list consists only of links, most of them to anchors on the same page. */
function isContents(node: Nodes): boolean {
  if (node.type !== 'list') return false
  const targets = node.children.flatMap(item => item.children.flatMap(linkTargets))
  const within = targets.filter(target => target?.startsWith('#'))
  return !targets.includes(null) && within.length > targets.length / 2
}

/** Targets of the links in a part of a list item, with null for anything that is not a link. */
function linkTargets(node: Nodes): (string | null)[] {
  if (node.type === 'list') return node.children.flatMap(item => item.children.flatMap(linkTargets))
  if (node.type !== 'paragraph') return [null]
  const seen = node.children.filter(child => !isBlank(child))
  return seen.map(child => (child.type === 'link' ? child.url : null))
}

function isBlank(node: Nodes): boolean {
  return node.type === 'break' || (node.type === 'text' && node.value.trim() === '')
}

function wordsOf(node: Nodes): string {
  if (node.type === 'text') return node.value
  return 'children' in node && node.type !== 'list' ? node.children.map(wordsOf).join('') : ''
}
