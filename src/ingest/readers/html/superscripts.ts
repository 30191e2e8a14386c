import type { Element, ElementContent, Root, RootContent } from 'hast'
import type { Nodes, PhrasingContent } from 'mdast'

/** Superscript and subscript as plain text: digits in Unicode (`10⁶`, `H₂O`), anything else as `^…` or `_…`. */

export type Position = 'sup' | 'sub'

const unicode: Readonly<Record<Position, Readonly<Record<string, string>>>> = {
  sup: byCharacter('0123456789+-−–=()', '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾'),
  sub: byCharacter('0123456789+-−–=()', '₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎'),
}

function byCharacter(from: string, to: string): Readonly<Record<string, string>> {
  const written = [...to]
  return Object.fromEntries(Array.from(from, (character, i) => [character, written[i]!]))
}

/** A raised or lowered run of text in a cell, to follow `before`, with the spaces around it. */
export function scriptRun(text: string, position: Position, before: string): string {
  const own = text.trim()
  return own === '' ? text : text.replace(own, () => scriptText(own, position, before.slice(-8)))
}

/** Words that are only set high for looks. Longer text is not an exponent either. */
const longestExponent = 20
const signs: Readonly<Record<string, string>> = { TM: '™', SM: '℠', R: '®' }

/** The text of a `<sup>` or `<sub>` element, to follow `before`. It never becomes part of a number before it. */
function scriptText(text: string, position: Position, before: string): string {
  const own = text.replace(/\s+/g, ' ').trim()
  if (own === '') return ''
  // Already in Unicode, such as a nested element.
  if (/^[⁰¹²³⁴-ⁿ₀-₎]+$/u.test(own)) return own
  const digits = Array.from(own, character => unicode[position][character])
  if (digits.every(digit => digit !== undefined)) return digits.join('')
  if (position === 'sub') return own.length > longestExponent ? ` ${own}` : `_${own}`
  return superscript(own, before)
}

function superscript(own: string, before: string): string {
  if (signs[own.toUpperCase()] !== undefined) return signs[own.toUpperCase()]!
  // A footnote mark in brackets, a note sign, a decimal part that brings its own separator: 11<sup>,50</sup>.
  if (/^\[.*\]$|^[*†‡§¶#®©™º°ª]+$/su.test(own) || (/^[.,]\d+$/.test(own) && /\d$/.test(before))) return own
  const numbers = own.split(/([,;]) ?/)
  if (numbers.length > 1 && numbers.every((part, i) => i % 2 === 1 || /^\d+$/.test(part))) return marks(numbers)
  if (/\d$/.test(before) && /^(?:\p{L}{2,4}|[eaoyйяе])\.?$/iu.test(own)) return ordinal(own)
  if (/\p{L}{1,3}$/u.test(before) && /^\p{L}{1,4}\.?$/u.test(own) && !isVariable(own, before)) return own
  if (own.length > longestExponent || /\s/.test(own)) return ` ${own}`
  return `^${own}`
}

/** Several footnotes at one place: `¹ ²`. */
function marks(numbers: readonly string[]): string {
  return numbers
    .filter((_, i) => i % 2 === 0)
    .map(number => Array.from(number, digit => unicode.sup[digit]!).join(''))
    .join(' ')
}

/** 1st, 2nd, 1er, 5й; 1º and 20 °C where the letter stands for a ring. */
function ordinal(own: string): string {
  if (own === 'o') return 'º'
  return own === 'a' ? 'ª' : own
}

/** `xⁿ`, `e^x`: one letter above another. In `Mme` and `Dr` a letter is above a capital. */
function isVariable(own: string, before: string): boolean {
  return own.length === 1 && /(?:^|[^\p{L}])\p{Ll}$/u.test(before)
}

/** Replaces the `<sup>` and `<sub>` elements of an HTML tree by their text, innermost first. */
export function writeScripts(parent: Root | Element): void {
  const children: (RootContent | ElementContent)[] = []
  for (const child of parent.children) {
    if (child.type !== 'element') {
      children.push(child)
      continue
    }
    writeScripts(child)
    if (child.tagName !== 'sup' && child.tagName !== 'sub') children.push(child)
    else children.push(...written(child, child.tagName, tail(children)))
  }
  parent.children = children as typeof parent.children
}

function written(element: Element, position: Position, before: string): ElementContent[] {
  const link = element.children.find(child => child.type === 'element' && child.tagName === 'a')
  const target = link?.type === 'element' ? String(link.properties['href'] ?? '') : ''
  const value = scriptText(textOf(element), position, before)
  // A link set high to another page stays a link; one to a footnote is only its mark.
  if (link?.type !== 'element' || target === '' || target.includes('#') || value === '')
    return [{ type: 'text', value }]
  return [{ ...link, children: [{ type: 'text', value }] }]
}

/** The last characters before a place among siblings. */
function tail(nodes: readonly (RootContent | ElementContent)[]): string {
  let text = ''
  for (let i = nodes.length - 1; i >= 0 && text.trim().length < 4 && nodes.length - i < 4; i--) {
    const node = nodes[i]!
    text = (node.type === 'text' ? node.value : node.type === 'element' ? textOf(node) : '').slice(-8) + text
  }
  return text
}

function textOf(element: Element): string {
  let text = ''
  for (const child of element.children) {
    if (child.type === 'text') text += child.value
    if (child.type === 'element') text += child.tagName === 'br' ? ' ' : textOf(child)
  }
  return text
}

/** Replaces raw `<sup>` and `<sub>` tags among the children of a Markdown sentence. A tag that is never closed stays. */
export function pairScripts(nodes: readonly Nodes[]): Nodes[] {
  const closings = closingTags(nodes)
  const all: Nodes[] = []
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!
    const end = closings.get(i)
    if (node.type !== 'html' || end === undefined) {
      all.push(node)
      continue
    }
    const inner = pairScripts(nodes.slice(i + 1, end))
    const value = scriptText(plain(inner), positionOf(node.value)!, plain(all.slice(-3)).slice(-8))
    const link = inner.find(each => each.type === 'link' && !each.url.startsWith('#')) as
      Extract<Nodes, { type: 'link' }> | undefined
    const text: PhrasingContent = { type: 'text', value }
    all.push(link === undefined ? text : { ...link, children: [text] })
    i = end
  }
  return all
}

function positionOf(tag: string): Position | undefined {
  return /^<(sup|sub)(?=[\s>])/i.exec(tag)?.[1]?.toLowerCase() as Position | undefined
}

/** For each opening tag the index of its closing one. */
function closingTags(nodes: readonly Nodes[]): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  const open: { at: number; name: string }[] = []
  for (const [at, node] of nodes.entries()) {
    if (node.type !== 'html') continue
    const name = positionOf(node.value)
    const closed = /^<\/(sup|sub)\s*>$/i.exec(node.value)?.[1]?.toLowerCase()
    if (name !== undefined) open.push({ at, name })
    else if (closed !== undefined && open.at(-1)?.name === closed) found.set(open.pop()!.at, at)
  }
  return found
}

function plain(nodes: readonly Nodes[]): string {
  return nodes
    .map(node => ('children' in node ? plain(node.children) : node.type === 'text' ? node.value : ''))
    .join('')
}
