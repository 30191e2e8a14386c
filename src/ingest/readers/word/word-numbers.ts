import { numeral } from './numerals.ts'
import { isOn, numberOf, valueOf, type Style, type Styles } from './word-styles.ts'
import { child, elementsOf, type Xml } from './xml.ts'

/** What a list shows in front of a paragraph. */
export interface Shown {
  readonly marker: string
  readonly level: number
}

/** The numbering of a paragraph, as written at the paragraph itself. */
export interface NumberedBy {
  readonly numId: string | undefined
  readonly level: number | undefined
}

interface Level {
  readonly start: number
  readonly format: string
  readonly text: string
  readonly style: string | undefined
  /** The level starts again after one of the levels above this number; 0 means never. */
  readonly restart: number | undefined
  readonly isLegal: boolean
}

interface Numbering {
  /** Lists with the same definition count together. */
  readonly definition: string
  readonly levels: ReadonlyMap<number, Level>
  readonly startOverrides: ReadonlyMap<number, number>
}

interface Definitions {
  find(numId: string): Numbering | undefined
}

/** Counts as Word does. Call it once for every paragraph, in order. */
export function createNumbers(
  root: Xml | undefined,
  styles: Styles,
): (numbered: NumberedBy, chain: readonly Style[]) => Shown | undefined {
  const definitions = definitionsOf(root, styles)
  const counts = new Map<string, Map<number, number>>()
  const started = new Set<string>()
  return (numbered, chain) => {
    const numId = numbered.numId ?? chain.find(style => style.numId !== undefined)?.numId
    const numbering = numId === undefined || numId === '0' ? undefined : definitions.find(numId)
    if (numbering === undefined) return undefined
    const level = numbered.level ?? levelByStyle(numbering, chain)
    const definition = numbering.levels.get(level)
    if (definition === undefined) return undefined
    const counted = counts.get(numbering.definition) ?? new Map<number, number>()
    counts.set(numbering.definition, counted)
    const first = `${numId}/${level}`
    const isOverridden = !started.has(first) && numbering.startOverrides.has(level)
    started.add(first)
    count(counted, numbering, level, isOverridden)
    return { level, marker: markerOf(numbering, level, counted, styles.language) }
  }
}

/** A style may be named by a level; otherwise it, or one that it is based on, names the level. */
function levelByStyle({ levels }: Numbering, chain: readonly Style[]): number {
  for (const { id, numLevel } of chain) {
    for (const [level, { style }] of levels) if (style === id) return level
    if (numLevel !== undefined) return numLevel
  }
  return 0
}

function startOf({ levels, startOverrides }: Numbering, level: number): number {
  return startOverrides.get(level) ?? levels.get(level)?.start ?? 1
}

/** Levels above that have not been counted yet begin with their first number; deeper levels begin again. */
function count(counted: Map<number, number>, numbering: Numbering, level: number, isOverridden: boolean): void {
  for (let above = 0; above < level; above++) {
    if (!counted.has(above)) counted.set(above, startOf(numbering, above))
  }
  const before = counted.get(level)
  counted.set(level, before === undefined || isOverridden ? startOf(numbering, level) : before + 1)
  for (const deeper of counted.keys()) {
    if (deeper > level && level < (numbering.levels.get(deeper)?.restart ?? deeper)) counted.delete(deeper)
  }
}

/** Longer markers are cut, because each paragraph of a small file may have one. */
const longestMarker = 100

/** "-" for any bullet, because its sign is often a private character of a symbol font. */
function markerOf(
  { levels }: Numbering,
  level: number,
  counted: ReadonlyMap<number, number>,
  language: string,
): string {
  const { text, format, isLegal } = levels.get(level)!
  if (format === 'bullet') return '-'
  return text
    .slice(0, longestMarker)
    .replace(/%([1-9])/g, (_, digit: string) => {
      const at = Number(digit) - 1
      if (at > level) return ''
      const own = levels.get(at)?.format ?? 'decimal'
      return numeral(counted.get(at) ?? 1, isLegal && own !== 'none' ? 'decimal' : own, language)
    })
    .slice(0, longestMarker)
    .trim()
}

/** A definition may be a link to a numbering style, whose definition has the levels. */
const mostLinks = 5

function definitionsOf(root: Xml | undefined, styles: Styles): Definitions {
  const children = root === undefined ? [] : elementsOf(root)
  const abstracts = new Map(
    children
      .filter(({ name }) => name === 'w:abstractNum')
      .map(each => [each.attributes['w:abstractNumId'] ?? '', each]),
  )
  const nums = new Map(
    children.filter(({ name }) => name === 'w:num').map(each => [each.attributes['w:numId'] ?? '', each]),
  )
  const known = new Map<string, Numbering | undefined>()
  const find = (numId: string, links = 0): Numbering | undefined => {
    const num = nums.get(numId)
    const definition = valueOf(child(num, 'w:abstractNumId'))
    const abstract = abstracts.get(definition ?? '')
    if (num === undefined || definition === undefined || abstract === undefined) return undefined
    const link = valueOf(child(abstract, 'w:numStyleLink'))
    const linked = link === undefined ? undefined : styles.chain(link).find(style => style.numId !== undefined)?.numId
    const base = linked === undefined || links >= mostLinks ? undefined : find(linked, links + 1)
    return withOverrides(base ?? { definition, levels: levelsOf(abstract), startOverrides: new Map() }, num)
  }
  return {
    find(numId) {
      if (!known.has(numId)) known.set(numId, find(numId))
      return known.get(numId)
    },
  }
}

function withOverrides(base: Numbering, num: Xml): Numbering {
  const levels = new Map(base.levels)
  const startOverrides = new Map(base.startOverrides)
  for (const override of elementsOf(num).filter(({ name }) => name === 'w:lvlOverride')) {
    const level = Number(override.attributes['w:ilvl'] ?? 0)
    const own = child(override, 'w:lvl')
    const start = numberOf(child(override, 'w:startOverride'))
    if (own !== undefined) levels.set(level, levelOf(own))
    if (start !== undefined) startOverrides.set(level, start)
  }
  return { definition: base.definition, levels, startOverrides }
}

function levelsOf(abstract: Xml): Map<number, Level> {
  const levels = elementsOf(abstract).filter(({ name }) => name === 'w:lvl')
  return new Map(levels.map(level => [Number(level.attributes['w:ilvl'] ?? 0), levelOf(level)]))
}

function levelOf(element: Xml): Level {
  const legal = child(element, 'w:isLgl')
  return {
    start: numberOf(child(element, 'w:start')) ?? 0,
    format: formatOf(element),
    text: valueOf(child(element, 'w:lvlText')) ?? '',
    style: valueOf(child(element, 'w:pStyle')),
    restart: numberOf(child(element, 'w:lvlRestart')),
    isLegal: legal !== undefined && isOn(valueOf(legal) ?? '1'),
  }
}

/** Formats that Word added later stand in an alternative, such as "001, 002, 003, ...". */
function formatOf(element: Xml): string {
  const alternative = child(child(element, 'mc:AlternateContent'), 'mc:Choice')
  const format = child(alternative, 'w:numFmt') ?? child(element, 'w:numFmt')
  const pattern = /^(0+)1,/.exec(format?.attributes['w:format'] ?? '')
  if (valueOf(format) === 'custom') return pattern === null ? 'decimal' : `decimalZero${pattern[1]!.length + 1}`
  return valueOf(format) ?? 'decimal'
}
