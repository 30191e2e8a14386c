import { numeral, spreadsheetLetter } from './numerals.ts'
import { child, elementsOf, type Xml } from './xml.ts'

export interface OdtStyle {
  readonly name: string
  readonly parent: string | undefined
  readonly listStyle: string | undefined
  readonly isHidden: boolean | undefined
  readonly isBold: boolean | undefined
  readonly position: 'sup' | 'sub' | 'none' | undefined
}

export interface OdtLevel {
  readonly isBullet: boolean
  readonly start: number
  /** How many levels the number shows, up to this one. */
  readonly displayLevels: number
  readonly prefix: string
  readonly suffix: string
  /** `%1%.%2%)`: takes precedence over prefix, suffix and displayed levels. */
  readonly pattern: string | undefined
  readonly write: (value: number) => string
}

/** By level, from 1. */
export type OdtLevels = ReadonlyMap<number, OdtLevel>

export interface OdtStyles {
  /** The style and its parents, itself first. */
  chain(family: 'paragraph' | 'text', name: string | undefined): readonly OdtStyle[]
  list(name: string | undefined): OdtLevels | undefined
  readonly outline: OdtLevels
}

const longestChain = 30

export function readOdtStyles(roots: readonly Xml[]): OdtStyles {
  const styles = new Map<string, OdtStyle>()
  const lists = new Map<string, OdtLevels>()
  let outline: OdtLevels = new Map()
  const containers = roots.flatMap(root =>
    ['office:automatic-styles', 'office:styles'].map(name => child(root, name)).filter(found => found !== undefined),
  )
  for (const element of containers.flatMap(elementsOf)) {
    const name = element.attributes['style:name'] ?? ''
    const key = `${element.attributes['style:family'] ?? ''}/${name}`
    if (element.name === 'style:style' && !styles.has(key)) styles.set(key, styleOf(element, name))
    if (element.name === 'text:list-style' && !lists.has(name)) lists.set(name, levelsOf(element))
    if (element.name === 'text:outline-style') outline = levelsOf(element)
  }
  return {
    outline,
    list: name => lists.get(name ?? ''),
    chain(family, name) {
      const chain: OdtStyle[] = []
      for (let next = styles.get(`${family}/${name}`); next && chain.length < longestChain;) {
        chain.push(next)
        next = styles.get(`${family}/${next.parent}`)
      }
      return chain
    },
  }
}

function styleOf(element: Xml, name: string): OdtStyle {
  const { attributes } = element
  const text = child(element, 'style:text-properties')?.attributes
  return {
    name: attributes['style:display-name'] ?? name,
    parent: attributes['style:parent-style-name'],
    listStyle: attributes['style:list-style-name'],
    isHidden: text?.['text:display'] === undefined ? undefined : text['text:display'] === 'none',
    isBold: text?.['fo:font-weight'] === undefined ? undefined : /bold|[6-9]00/.test(text['fo:font-weight']),
    position: positionOf(text?.['style:text-position']),
  }
}

/** `super 58%`, `-33% 58%`: raised or lowered by a word or by a share of the font size. */
function positionOf(position: string | undefined): OdtStyle['position'] {
  if (position === undefined) return undefined
  if (/^super|^[1-9]/.test(position)) return 'sup'
  return /^sub|^-[1-9]/.test(position) ? 'sub' : 'none'
}

function levelsOf(style: Xml): OdtLevels {
  return new Map(elementsOf(style).map(level => [Number(level.attributes['text:level'] ?? 1), levelOf(level)]))
}

function levelOf({ name, attributes }: Xml): OdtLevel {
  return {
    isBullet: !/-(?:number|level-style)$/.test(name),
    start: Number.parseInt(attributes['text:start-value'] ?? '1', 10) || 0,
    displayLevels: Number.parseInt(attributes['text:display-levels'] ?? '1', 10) || 1,
    prefix: attributes['style:num-prefix'] ?? '',
    suffix: attributes['style:num-suffix'] ?? '',
    pattern: attributes['loext:num-list-format'] ?? attributes['style:num-list-format'],
    write: writerOf(attributes['style:num-format'] ?? '', attributes['style:num-letter-sync'] === 'true'),
  }
}

/** Formats by how LibreOffice writes them: by a sample such as `01, 02, 03, ...`. */
const samples: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'none'],
  [/^i$/, 'lowerRoman'],
  [/^I$/, 'upperRoman'],
  [/^01/, 'decimalZero'],
  [/^1st/, 'ordinal'],
  [/^а, б/, 'russianLower'],
  [/^А, Б/, 'russianUpper'],
  [/^①/, 'decimalEnclosedCircle'],
  [/^一/, 'chineseCounting'],
  [/^甲/, 'ideographTraditional'],
  [/^One,/, 'cardinalText'],
  [/^First,/, 'ordinalText'],
]

function writerOf(format: string, isRepeated: boolean): (value: number) => string {
  if (/^a$/i.test(format)) {
    const write = (value: number): string => (isRepeated ? numeral(value, 'lowerLetter') : spreadsheetLetter(value))
    return format === 'a' ? write : value => write(value).toUpperCase()
  }
  const known = samples.find(([sample]) => sample.test(format))?.[1] ?? 'decimal'
  return value => numeral(value, known)
}
