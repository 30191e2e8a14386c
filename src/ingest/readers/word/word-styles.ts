import { child, elementsOf, type Xml } from './xml.ts'

/** What of a style, or of a paragraph or run that uses one, matters for the text. */
export interface Look {
  readonly isHidden?: boolean | undefined
  readonly isBold?: boolean | undefined
  readonly position?: 'sup' | 'sub' | 'none' | undefined
  readonly font?: string | undefined
}

export interface Style extends Look {
  readonly id: string
  readonly name: string
  /** From 0; 9 is text. */
  readonly outline: number | undefined
  readonly numId: string | undefined
  readonly numLevel: number | undefined
}

export interface Styles {
  /** The style and those that it is based on, itself first. */
  chain(id: string | undefined): readonly Style[]
  readonly defaultParagraph: string | undefined
  readonly language: string
}

/** No document needs more, and a style may be based on itself. */
const longestChain = 30

export function readStyles(root: Xml | undefined): Styles {
  const styles = new Map<string, { style: Style; basedOn: string | undefined }>()
  let defaultParagraph: string | undefined
  for (const element of root === undefined ? [] : elementsOf(root)) {
    if (element.name !== 'w:style') continue
    const style = styleOf(element)
    styles.set(style.id, { style, basedOn: valueOf(child(element, 'w:basedOn')) })
    const { attributes } = element
    if (attributes['w:type'] === 'paragraph' && isOn(attributes['w:default'] ?? '0')) defaultParagraph = style.id
  }
  return {
    defaultParagraph,
    language: languageOf(root),
    chain(id) {
      const chain: Style[] = []
      for (let next = styles.get(id ?? ''); next && chain.length < longestChain; next = styles.get(next.basedOn ?? ''))
        chain.push(next.style)
      return chain
    },
  }
}

function styleOf(element: Xml): Style {
  const paragraph = child(element, 'w:pPr')
  const numbering = child(paragraph, 'w:numPr')
  return {
    ...lookOf(child(element, 'w:rPr')),
    id: element.attributes['w:styleId'] ?? '',
    name: valueOf(child(element, 'w:name')) ?? '',
    outline: numberOf(child(paragraph, 'w:outlineLvl')),
    numId: valueOf(child(numbering, 'w:numId')),
    numLevel: numberOf(child(numbering, 'w:ilvl')),
  }
}

export function lookOf(properties: Xml | undefined): Look {
  const vertical = valueOf(child(properties, 'w:vertAlign'))
  const fonts = child(properties, 'w:rFonts')?.attributes
  return {
    isHidden: toggleOf(child(properties, 'w:vanish')),
    isBold: toggleOf(child(properties, 'w:b')),
    position:
      vertical === undefined
        ? undefined
        : vertical === 'superscript'
          ? 'sup'
          : vertical === 'subscript'
            ? 'sub'
            : 'none',
    font: fonts?.['w:ascii'] ?? fonts?.['w:hAnsi'],
  }
}

export function valueOf(element: Xml | undefined): string | undefined {
  return element?.attributes['w:val']
}

export function numberOf(element: Xml | undefined): number | undefined {
  const value = Number.parseInt(valueOf(element) ?? '', 10)
  return Number.isNaN(value) ? undefined : value
}

function toggleOf(element: Xml | undefined): boolean | undefined {
  return element === undefined ? undefined : isOn(valueOf(element) ?? '1')
}

export function isOn(value: string): boolean {
  return !['0', 'false', 'off', 'none'].includes(value)
}

function languageOf(root: Xml | undefined): string {
  const defaults = child(child(child(root, 'w:docDefaults'), 'w:rPrDefault'), 'w:rPr')
  return (valueOf(child(defaults, 'w:lang')) ?? 'en').toLowerCase()
}

/** Names that other programs give to heading styles. Word itself always stores the English name. */
const headingName =
  /^(?:heading|заголовок|тақырып|überschrift|titre|título|titolo|nagłówek|kop|rubrik|đầu đề|标题|標題|見出し)\s*([1-9])\b/i

/** Level of a heading from 1, 0 for the title of the document, undefined for text. */
export function headingOf(chain: readonly Style[], direct: number | undefined): number | undefined {
  const names = chain.map(({ name }) => name)
  if (direct === undefined && names.some(name => /^title$/i.test(name))) return 0
  const outline = direct ?? chain.find(style => style.outline !== undefined)?.outline
  if (outline !== undefined) return outline >= 0 && outline < 9 ? outline + 1 : undefined
  return headingByName(names)
}

/** Level of a heading by the names of its style and those that it is based on. */
export function headingByName(names: readonly string[]): number | undefined {
  const level = names.map(name => headingName.exec(name)?.[1]).find(found => found !== undefined)
  return level === undefined ? undefined : Number(level)
}
