import type { Definition, Link, LinkReference, List, Nodes, Root, RootContent } from 'mdast'
import { longestUrl } from '../../bounds.ts'

/** How the links of a document are written. */
export interface LinkContext {
  /** Address that relative links refer to. */
  readonly base: string | undefined
  /** Targets of reference links, by their normalized label. */
  readonly definitions: ReadonlyMap<string, string>
}

export function linkContext(root: Root, base: string | undefined): LinkContext {
  return {
    base: base !== undefined && /^https?:/i.test(base) && URL.canParse(base) ? base : undefined,
    definitions: definitionsIn(root),
  }
}

function definitionsIn(root: Root): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const waiting: Nodes[] = [root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.type === 'definition') addDefinition(found, node)
    else if ('children' in node && node.type !== 'paragraph')
      for (const child of node.children.toReversed()) waiting.push(child)
  }
  return found
}

/** The first of several definitions counts. */
function addDefinition(found: Map<string, string>, { identifier, url }: Definition): void {
  if (!found.has(identifier)) found.set(identifier, url)
}

/** A link as `[text](address)`, or only its text or address where the other adds nothing. */
export function linkText(node: Link | LinkReference, own: string, context: LinkContext): string {
  const url = node.type === 'link' ? node.url : context.definitions.get(node.identifier)
  const text = own.trim()
  if (url === undefined || text === '' || isPicture(node)) return own
  const target = usefulTarget(url, context.base)
  if (target === undefined) return own
  const [, before = '', after = ''] = /^(\s*)[^]*?(\s*)$/.exec(own) ?? []
  return before + written(text, target) + after
}

function written(text: string, target: string): string {
  if (isSame(text, target)) return text
  // `[2](…)` would look like a citation, and brackets inside would end the text.
  if (/^\[?\d+\]?$/.test(text) || /[[\]\n]/.test(text)) return `${text} (${target})`
  return `[${text}](${target})`
}

/** Whether the text is already the address, apart from what people leave out. */
function isSame(text: string, target: string): boolean {
  const plain = (address: string) => {
    const bare = address
      .trim()
      .replace(/^(?:https?:\/\/|mailto:|tel:)/i, '')
      .replace(/^www\./i, '')
      .replace(/\/+$/, '')
      .toLowerCase()
    return target.startsWith('tel:') ? bare.replace(/[^\d+]/g, '').replace(/^00/, '+') : bare
  }
  return plain(text) === plain(target)
}

function isPicture(node: Nodes): boolean {
  return (
    'children' in node &&
    node.children.length > 0 &&
    node.children.every(
      child =>
        child.type === 'image' ||
        child.type === 'imageReference' ||
        (child.type === 'text' && child.value.trim() === ''),
    )
  )
}

/** Files that a reader would download. Their relative address says what they are, even without the page's. */
const download = /\.(?:pdf|docx?|xlsx?|pptx?|od[tsp]|rtf|csv|zip|ics|epub)(?:$|[?#])/i

/** The address to show, or undefined if it is of no use: scripts, places on the page, pages without an address. */
function usefulTarget(url: string, base: string | undefined): string | undefined {
  // Browsers ignore these characters anywhere in an address.
  // oxlint-disable-next-line no-control-regex
  const trimmed = url.replace(/[\u0000-\u001f\u007f]/g, '').trim()
  if (trimmed === '' || trimmed.startsWith('#') || trimmed.length > longestUrl) return undefined
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(trimmed)?.[1]?.toLowerCase()
  if (scheme === 'mailto' || scheme === 'tel') return contact(trimmed)
  if (scheme === 'http' || scheme === 'https') return safe(trimmed)
  if (scheme !== undefined) return undefined
  return relative(trimmed, base)
}

function relative(trimmed: string, base: string | undefined): string | undefined {
  if (base === undefined) return download.test(trimmed) && !trimmed.startsWith('//') ? safe(trimmed) : undefined
  if (!URL.canParse(trimmed, base)) return undefined
  const resolved = new URL(trimmed, base)
  const isPage = resolved.hash !== '' && resolved.href.split('#')[0] === new URL(base).href.split('#')[0]
  return isPage || !/^https?:$/.test(resolved.protocol) ? undefined : safe(resolved.href)
}

/** Without a prepared subject or body. */
function contact(url: string): string | undefined {
  const bare = url.split('?')[0]!
  return /^(?:mailto:\S+@\S+|tel:[+\d][\d\s().;=a-z-]*)$/i.test(bare) ? safe(bare.replace(/\s/g, '')) : undefined
}

/** The characters that would end a link in Markdown, encoded. */
function safe(url: string): string {
  return url.replace(
    /[\s()<>"[\]`|\\]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** More links than this in a paragraph, and more than one for every few words, lead to explanations, not to answers. */
const manyLinks = 4
const wordsPerLink = 8
/** A longer list of nothing but links is navigation. */
const manyItems = 8

/** Replaces links by their text where there are so many that they cannot be the answer. */
export function thinLinks(nodes: readonly RootContent[]): void {
  for (const node of nodes) {
    if (node.type === 'list' && isNavigation(node)) strip(node)
    else if (isText(node)) thinIn(node)
    else if ('children' in node) thinLinks(node.children)
  }
}

function isText(node: Nodes): boolean {
  return node.type === 'paragraph' || node.type === 'tableCell'
}

function thinIn(node: Nodes): void {
  const { links, words } = countIn(node)
  if (links > manyLinks && links * wordsPerLink > words) strip(node)
}

function isNavigation(list: List): boolean {
  if (list.children.length < manyItems) return false
  return list.children.every(({ children }) => {
    const [only, ...others] = children
    if (only?.type !== 'paragraph') return false
    const rest = only.children.filter(
      child => !(child.type === 'text' && child.value.trim() === '') && child.type !== 'break',
    )
    return (
      rest.length === 1 && isPlainLink(rest[0]!) && others.every(other => other.type === 'list' && isNavigation(other))
    )
  })
}

function countIn(node: Nodes): { links: number; words: number } {
  if (node.type === 'text' || node.type === 'inlineCode')
    return { links: 0, words: node.value.match(/\S+/g)?.length ?? 0 }
  if (!('children' in node)) return { links: 0, words: 0 }
  const own = isPlainLink(node) ? 1 : 0
  return node.children
    .map(countIn)
    .reduce((a, b) => ({ links: a.links + b.links, words: a.words + b.words }), { links: own, words: 0 })
}

/** A link to a page; files, mail addresses and phone numbers are kept in any number. */
function isPlainLink(node: Nodes): boolean {
  if (node.type === 'linkReference') return true
  return node.type === 'link' && !/^(?:mailto|tel):/i.test(node.url) && !download.test(node.url)
}

function strip(node: Nodes): void {
  if (!('children' in node)) return
  for (const child of node.children) {
    strip(child)
    if (isPlainLink(child)) Object.assign(child, { type: 'delete', url: undefined })
  }
}
