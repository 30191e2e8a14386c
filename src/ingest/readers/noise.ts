import type { Nodes, Paragraph, PhrasingContent, RootContent } from 'mdast'

/** A row of badges and buttons says nothing about the subject: linked pictures only, or pictures of badges. */
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

/** Without tables of contents, and the line or heading that announces one. They answer no question. */
export function withoutContents(nodes: readonly RootContent[]): RootContent[] {
  return nodes.filter((node, i) => {
    const next = nodes[i + 1]
    const announces = next !== undefined && isContents(next) && contentsTitle.test(wordsOf(node).trim())
    return !announces && !isContents(node)
  })
}

/** A list of nothing but links, most of them to places on the same page. */
function isContents(node: Nodes): boolean {
  if (node.type !== 'list') return false
  const targets = node.children.flatMap(item => item.children.flatMap(linkTargets))
  const within = targets.filter(target => target?.startsWith('#'))
  return !targets.includes(null) && within.length > targets.length / 2
}

/** Where the links lead that a part of an item consists of; null for anything else in it. */
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
