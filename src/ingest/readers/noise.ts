import type { List, Nodes, Paragraph, PhrasingContent } from 'mdast'

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

/** A table of contents: every item is only a link to a place on the same page. It answers no question. */
export function isContents(list: List): boolean {
  return list.children.every(item => item.children.every(isContentsPart))
}

function isContentsPart(node: Nodes): boolean {
  if (node.type === 'list') return isContents(node)
  if (node.type !== 'paragraph') return false
  const seen = node.children.filter(child => !isBlank(child))
  return seen.length === 1 && seen[0]?.type === 'link' && seen[0].url.startsWith('#')
}

function isBlank(node: Nodes): boolean {
  return node.type === 'break' || (node.type === 'text' && node.value.trim() === '')
}
