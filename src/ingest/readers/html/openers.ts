import type { Element, Nodes, Root } from 'hast'
import { hasRole, targetsOf } from './furniture.ts'

/**
 * Finds what opens what on a page: the button of an accordion, a tab, the summary of `<details>`, the term of a
 * definition list. Each becomes a title in front of what it opens (see titled-parts.ts), wherever the page puts it.
 */
export function titleOpened(tree: Root | Element): void {
  const page = survey(tree)
  const tabs = new Map<Element, number>()
  const titled = new Set<Element>()
  for (const control of page.controls) {
    const list = page.parents.get(control)!
    const nth = tabs.get(list) ?? 0
    if (hasRole(control, 'tab')) tabs.set(list, nth + 1)
    const panel = panelOf(control, nth, page)
    if (panel === undefined && isDangling(control, page)) remove(control, page)
    // Several controls of one panel, such as one to open and one to close it: the first names it.
    if (panel === undefined || titled.has(panel)) continue
    titled.add(panel)
    remove(control, page)
    insertAround(panel, titleFor(control, 'heading'), page)
  }
  for (const details of page.details) openDetails(details)
  for (const list of page.definitions) openDefinitions(list)
  for (const list of page.lists) unwrapSections(list)
}

interface Page {
  readonly parents: ReadonlyMap<Nodes, Element>
  readonly byId: ReadonlyMap<string, Element>
  readonly controls: readonly Element[]
  readonly panels: ReadonlyMap<string, Element>
  readonly tabPanels: readonly Element[]
  readonly details: readonly Element[]
  readonly definitions: readonly Element[]
  readonly lists: readonly Element[]
}

/** Everything of interest in document order, without recursion. */
function survey(tree: Root | Element): Page {
  const parents = new Map<Nodes, Element>()
  const byId = new Map<string, Element>()
  const panels = new Map<string, Element>()
  const found: Record<'controls' | 'tabPanels' | 'details' | 'definitions' | 'lists', Element[]> = {
    controls: [],
    tabPanels: [],
    details: [],
    definitions: [],
    lists: [],
  }
  const inHeading = new Set<Nodes>()
  const waiting: Nodes[] = [tree]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.type !== 'element' && node.type !== 'root') continue
    if (node.type === 'element') {
      const { id, ariaLabelledBy } = node.properties
      if (typeof id === 'string' && !byId.has(id)) byId.set(id, node)
      for (const label of [ariaLabelledBy].flat()) if (typeof label === 'string') panels.set(label, node)
      sortIn(node, found, inHeading.has(node))
    }
    const isHeading = inHeading.has(node) || (node.type === 'element' && isHeadingLike(node))
    for (const child of node.children.toReversed()) {
      parents.set(child, node as Element)
      if (isHeading) inHeading.add(child)
      waiting.push(child)
    }
  }
  return { parents, byId, panels, ...found }
}

function isHeadingLike({ tagName }: Element): boolean {
  return /^(?:h[1-6]|summary|dt)$/.test(tagName)
}

function sortIn(
  element: Element,
  found: Record<'controls' | 'tabPanels' | 'details' | 'definitions' | 'lists', Element[]>,
  inHeading: boolean,
): void {
  const { tagName } = element
  const isButton = tagName === 'button' || hasRole(element, 'button') || hasRole(element, 'tab')
  const isLink =
    tagName === 'a' && (element.properties['ariaControls'] ?? element.properties['ariaExpanded']) !== undefined
  if (!inHeading && (isButton || isLink)) found.controls.push(element)
  if (tagName === 'button') element.tagName = element.children.some(isBlock) ? 'div' : 'span'
  if (hasRole(element, 'tabpanel')) found.tabPanels.push(element)
  if (tagName === 'details') found.details.push(element)
  if (tagName === 'dl') found.definitions.push(element)
  if (tagName === 'ul') found.lists.push(element)
}

function isBlock(node: Nodes): boolean {
  return node.type === 'element' && /^(?:h[1-6]|p|div)$/.test(node.tagName)
}

/** What the control opens: named by an id, the nth of the tab panels, or the next element. */
function panelOf(control: Element, nth: number, page: Page): Element | undefined {
  // A button around a heading needs no other title.
  if (control.children.some(child => child.type === 'element' && /^h[1-6]$/.test(child.tagName))) return undefined
  const named = targetsOf(control).map(id => page.byId.get(id))
  const labelled = page.panels.get(String(control.properties['id'] ?? ''))
  const [panel] = [...named, labelled].filter(each => each !== undefined)
  if (panel !== undefined) return contains(panel, control, page) ? undefined : panel
  if (hasRole(control, 'tab')) return page.tabPanels[nth]
  return nextTo(control, page)
}

/** The button of a part that was furniture, such as a menu. A question stays, whatever it opens. */
function isDangling(control: Element, { byId }: Page): boolean {
  const targets = targetsOf(control)
  return targets.length > 0 && !targets.some(id => byId.has(id)) && !/[?？]\s*$/.test(lastText(control))
}

function contains(panel: Element, control: Element, { parents }: Page): boolean {
  for (let node = parents.get(control); node !== undefined; node = parents.get(node)) if (node === panel) return true
  return false
}

/** The element after the control, or after a wrapper that holds nothing else. */
function nextTo(control: Element, { parents }: Page): Element | undefined {
  let node: Element = control
  for (let level = 0; level < 4; level++) {
    const parent = parents.get(node)
    if (parent === undefined) return undefined
    const siblings = parent.children.filter(child => !isBlank(child))
    const next = siblings[siblings.indexOf(node) + 1]
    if (next !== undefined) return next.type === 'element' && isPanel(next) ? next : undefined
    if (siblings.length > 1) return undefined
    node = parent
  }
  return undefined
}

function isPanel({ tagName }: Element): boolean {
  return /^(?:div|p|section|ul|ol|dl|table|article|blockquote|dd)$/.test(tagName)
}

function isBlank(node: Nodes): boolean {
  return node.type === 'text' ? node.value.trim() === '' : node.type === 'comment'
}

function remove(control: Element, { parents }: Page): void {
  const parent = parents.get(control)
  if (parent !== undefined) parent.children = parent.children.filter(child => child !== control)
}

function insertAround(panel: Element, title: Element, { parents }: Page): void {
  const parent = parents.get(panel)
  if (parent === undefined) return
  const id = panel.properties['id']
  if (id !== undefined) title.properties['id'] = id
  const at = parent.children.indexOf(panel)
  parent.children.splice(at, 1, title, panel, end())
}

/** A title as the handlers of hypertext.ts know it; `line`: never a heading. */
function titleFor(element: Element, kind: 'heading' | 'line'): Element {
  return { type: 'element', tagName: 'h6', properties: { dataTitles: kind }, children: element.children }
}

function end(): Element {
  return { type: 'element', tagName: 'hr', properties: { dataTitles: 'end' }, children: [] }
}

function openDetails(details: Element): void {
  const summary = details.children.find(child => child.type === 'element' && child.tagName === 'summary')
  details.tagName = 'div'
  if (summary?.type !== 'element') return
  const rest = details.children.filter(child => child !== summary)
  if (summary.children.some(child => child.type === 'element' && /^h[1-6]$/.test(child.tagName)))
    details.children = [...summary.children, ...rest]
  else {
    const title = titleFor(summary, 'heading')
    // A link to an accordion names either.
    const id = summary.properties['id'] ?? details.properties['id']
    if (id !== undefined) title.properties['id'] = id
    details.children = [title, ...rest, end()]
  }
}

/** A question is a heading, another term is the beginning of what it means. */
function openDefinitions(list: Element): void {
  const groups = list.children.flatMap(child =>
    child.type === 'element' && child.tagName === 'div' ? child.children : [child],
  )
  const children: Element['children'] = []
  let isOpen = false
  let terms: Element[] = []
  for (const child of groups) {
    if (child.type !== 'element') continue
    if (child.tagName === 'dt') {
      if (isOpen) children.push(end())
      isOpen = false
      terms.push(child)
      continue
    }
    if (terms.length > 0) {
      children.push(termTitle(terms))
      isOpen = true
      terms = []
    }
    children.push({ ...child, tagName: 'div' })
  }
  if (isOpen) children.push(end())
  for (const term of terms) children.push({ ...term, tagName: 'p' })
  list.tagName = 'div'
  list.children = children
}

function termTitle(terms: readonly Element[]): Element {
  const children = terms.flatMap((term, i) => [
    ...(i === 0 ? [] : [{ type: 'text' as const, value: ', ' }]),
    ...term.children.flatMap(child =>
      child.type === 'element' && /^(?:h[1-6]|p|div)$/.test(child.tagName) ? child.children : [child],
    ),
  ])
  const id = terms[0]!.properties['id']
  const isQuestion = terms.length === 1 && /[?？]\s*$/.test(lastText(terms[0]!))
  return {
    type: 'element',
    tagName: 'h6',
    properties: { dataTitles: isQuestion ? 'heading' : 'line', ...(typeof id === 'string' && { id }) },
    children,
  }
}

function lastText(element: Element): string {
  const last = element.children.findLast(child => !isBlank(child))
  if (last === undefined) return ''
  return last.type === 'text' ? last.value : last.type === 'element' ? lastText(last) : ''
}

/** Lists of sections are for looks: their headings are headings. A numbered list keeps its numbers. */
function unwrapSections(list: Element): void {
  const items = list.children.filter(child => child.type === 'element' && child.tagName === 'li') as Element[]
  const hasHeading = (item: Element) => item.children.some(child => startsSection(child, 3))
  if (items.length === 0 || !items.every(hasHeading)) return
  list.tagName = 'div'
  for (const item of items) item.tagName = 'div'
}

function startsSection(node: Nodes, depth: number): boolean {
  if (node.type !== 'element') return false
  if (/^h[1-6]$/.test(node.tagName)) return true
  return (
    depth > 0 &&
    /^(?:div|article|section)$/.test(node.tagName) &&
    node.children.some(each => startsSection(each, depth - 1))
  )
}
