import type { Element, Nodes, Root } from 'hast'

/**
 * Removes the furniture of a page: navigation, controls, advertisements. An accordion hides its answers until somebody
 * clicks, and puts its questions on buttons; so such parts are judged by what they hold.
 */

/** Never content, whatever is inside. */
const never = new Set(
  'script style svg iframe object embed canvas audio video head link meta input textarea'.split(' '),
)
/** Removed unless most of the page is inside. */
const frame = new Set(['nav', 'footer'])
const frameRoles = new Set(['navigation', 'search', 'contentinfo', 'menu', 'menubar'])
/** Removed unless they hold prose. */
const doubtful = new Set(['aside', 'dialog', 'noscript', 'template', 'select', 'datalist', 'menu'])
const inline = new Set('a abbr b em i img small span strong sup sub'.split(' '))

interface Size {
  readonly words: number
  readonly letters: number
  readonly links: number
  readonly linkedWords: number
  readonly linkedLetters: number
}

/** What was removed although it was text, not navigation. */
export interface Lost {
  readonly words: number
  /** Words of the page outside of navigation, before anything was removed. */
  readonly of: number
}

/** Removes the furniture from the tree. */
export function removeFurniture(tree: Root | Element): Lost {
  const sizes = new Map<Nodes, Size>()
  measure(tree, sizes)
  const page = sizes.get(tree)!
  const lost = { words: 0 }
  const around: Around = { sizes, page, controlled: controlledIds(tree), inHeading: false, inContent: false, lost }
  sweep(tree, around)
  return { words: lost.words, of: page.words - page.linkedWords }
}

const nothing: Size = { words: 0, letters: 0, links: 0, linkedWords: 0, linkedLetters: 0 }

function measure(node: Nodes, sizes: Map<Nodes, Size>): Size {
  const size = measured(node, sizes)
  if (node.type === 'element' || node.type === 'root') sizes.set(node, size)
  return size
}

function measured(node: Nodes, sizes: Map<Nodes, Size>): Size {
  if (node.type === 'text') {
    const letters = node.value.match(/[\p{L}\p{N}]/gu)?.length ?? 0
    const ideographs = node.value.match(/[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}]/gu)?.length ?? 0
    const spaced = node.value.match(/[\p{L}\p{N}][^\s]*/gu)?.length ?? 0
    return { ...nothing, letters: letters + 2 * ideographs, words: spaced + Math.floor(ideographs / 2) }
  }
  if (node.type !== 'element' && node.type !== 'root') return nothing
  if (node.type === 'element' && never.has(node.tagName)) return nothing
  const inside = contentOf(node).map(child => measure(child, sizes))
  const sum = (key: keyof Size): number => inside.reduce((total, each) => total + each[key], 0)
  const [words, letters] = [sum('words'), sum('letters')]
  if (node.type === 'element' && node.tagName === 'a')
    return { words, letters, links: 1, linkedWords: words, linkedLetters: letters }
  return { words, letters, links: sum('links'), linkedWords: sum('linkedWords'), linkedLetters: sum('linkedLetters') }
}

/** The content of a template is not among its children. */
function contentOf(node: Element | Root): readonly Nodes[] {
  return node.type === 'element' && node.tagName === 'template' ? (node.content?.children ?? []) : node.children
}

interface Around {
  readonly sizes: ReadonlyMap<Nodes, Size>
  readonly page: Size
  /** Ids of the parts that buttons and links open. */
  readonly controlled: ReadonlySet<string>
  readonly inHeading: boolean
  readonly inContent: boolean
  readonly lost: { words: number }
}

function sweep(parent: Root | Element, around: Around): void {
  const children: Nodes[] = []
  for (const child of parent.children) {
    if (child.type === 'comment' || child.type === 'doctype') continue
    if (child.type === 'element') {
      if (isFurniture(child, around)) {
        const { words, linkedWords } = around.sizes.get(child) ?? nothing
        if (!isFrame(child)) around.lost.words += words - linkedWords
        continue
      }
      unwrapTemplate(child)
      sweep(child, {
        ...around,
        inHeading: around.inHeading || /^(?:h[1-6]|summary|dt)$/.test(child.tagName),
        inContent: around.inContent || /^(?:main|article|blockquote)$/.test(child.tagName),
      })
    }
    children.push(child)
  }
  parent.children = children as typeof parent.children
}

function unwrapTemplate(element: Element): void {
  if (element.tagName === 'template') element.children = element.content?.children.filter(isContent) ?? []
  if (doubtful.has(element.tagName)) element.tagName = 'div'
}

function isContent(node: Nodes): node is Element['children'][number] {
  return node.type !== 'doctype' && node.type !== 'root'
}

function isFrame(element: Element): boolean {
  return frame.has(element.tagName) || roles(element).some(role => frameRoles.has(role))
}

function isFurniture(element: Element, around: Around): boolean {
  const size = around.sizes.get(element) ?? nothing
  if (never.has(element.tagName) || isBanner(element, size, around.page)) return true
  if (isFrame(element)) return !isPartOfText(element, size, around)
  if (element.tagName === 'button' || roles(element).includes('button')) return !isOpener(element, size, around)
  if (doubtful.has(element.tagName)) return !isProse(size) || isFallback(element, size)
  return isHidden(element) && !isHiddenContent(element, size, around)
}

/** The footer of an article is part of it; any other frame is only if a third of the page is in it. */
function isPartOfText({ tagName }: Element, size: Size, { page, inContent }: Around): boolean {
  if (!isProse(size)) return false
  return (tagName === 'footer' && inContent) || size.words - size.linkedWords > page.words / 3
}

/** What a page shows without scripts, and templates that a script fills in. */
function isFallback(element: Element, { words }: Size): boolean {
  if (element.tagName === 'noscript') return words < 40 && /javascript/i.test(beginningOf(element))
  return element.tagName === 'template' && /\{\{|\$\{|\[\[|<%/.test(beginningOf(element))
}

function roles({ properties }: Element): readonly string[] {
  return [properties['role']].flat().flatMap(role => (typeof role === 'string' ? role.split(' ') : []))
}

/** At least a short sentence outside of links, and not mostly links. */
function isProse({ words, letters, linkedWords, linkedLetters }: Size, fewest = 4): boolean {
  return words - linkedWords >= fewest && letters - linkedLetters >= 15 && linkedLetters <= letters / 2
}

function isHidden({ properties }: Element): boolean {
  const { hidden, ariaHidden } = properties
  return (hidden !== undefined && hidden !== null && hidden !== false) || ariaHidden === 'true'
}

/** Hidden text is content if something opens it, or if it is prose. Icons and copies for looks are neither. */
function isHiddenContent(element: Element, size: Size, { controlled }: Around): boolean {
  const { id, ariaLabelledBy } = element.properties
  const isOpened =
    (typeof id === 'string' && controlled.has(id)) ||
    ariaLabelledBy !== undefined ||
    roles(element).some(role => role === 'tabpanel' || role === 'region')
  if (isOpened) return size.words > 0 && (size.linkedWords < size.words / 2 || size.links <= 2)
  return isProse(size, inline.has(element.tagName) ? 8 : 4)
}

/** A button that opens something, or carries a question or a sentence. "Submit" and "Copy" do neither. */
function isOpener(element: Element, size: Size, { inHeading, controlled }: Around): boolean {
  if (size.words === 0) return false
  const { ariaControls, ariaExpanded, dataBsTarget, dataTarget, id } = element.properties
  const opens = [ariaControls, ariaExpanded, dataBsTarget, dataTarget].some(value => value !== undefined)
  const isTab = roles(element).includes('tab')
  const isNamed = typeof id === 'string' && controlled.has(id)
  return inHeading || opens || isTab || isNamed || isProse(size, 8) || /[?？؟;]\s*$/u.test(beginningOf(element))
}

/** A request for consent or a subscription, by its name or its first words. A page about cookies is longer. */
function isBanner(element: Element, size: Size, page: Size): boolean {
  const { tagName, properties } = element
  const isBox = tagName === 'dialog' || tagName === 'aside' || isHidden(element) || roles(element).includes('dialog')
  const named = [properties['id'], properties['className'], properties['ariaLabel']].flat().join(' ')
  const isNamed = /cookie|consent|gdpr|newsletter-(?:popup|modal)/i.test(named)
  if (!isBox && !isNamed) return false
  if (size.words > page.words / 2) return false
  return isNamed || (size.words < 80 && /\bcookies?\b/i.test(beginningOf(element)))
}

/** The first words of an element, with a bound on the nodes that are looked at. */
function beginningOf(element: Element): string {
  const waiting: Nodes[] = contentOf(element).slice(0, 50).toReversed()
  let text = ''
  for (let seen = 0; seen < 200 && text.length < 400; seen++) {
    const node = waiting.pop()
    if (node === undefined) break
    if (node.type === 'text') text += node.value
    else if (node.type === 'element' && !never.has(node.tagName))
      waiting.push(...contentOf(node).slice(0, 50).toReversed())
  }
  return text.replace(/\s+/g, ' ').trim()
}

/** Ids that a control opens. */
function controlledIds(tree: Root | Element): ReadonlySet<string> {
  const ids = new Set<string>()
  const waiting: Nodes[] = [tree]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.type !== 'element' && node.type !== 'root') continue
    if (node.type === 'element') for (const id of targetsOf(node)) ids.add(id)
    for (const child of node.children) waiting.push(child)
  }
  return ids
}

/** The ids of what an element opens; only a link that says so opens its target. */
export function targetsOf(element: Element): readonly string[] {
  const { ariaControls, dataBsTarget, dataTarget, ariaExpanded, href, dataToggle, dataBsToggle } = element.properties
  const opens = ariaExpanded ?? dataToggle ?? dataBsToggle ?? (roles(element).includes('tab') ? true : undefined)
  const named = [dataBsTarget, dataTarget, opens === undefined ? undefined : href].map(value =>
    typeof value === 'string' && value.startsWith('#') ? value.slice(1) : '',
  )
  return [...[ariaControls].flat().map(String), ...named].filter(id => id !== '' && id !== 'undefined')
}

export function hasRole(element: Element, role: string): boolean {
  return roles(element).includes(role)
}
