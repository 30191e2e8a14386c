import { isOn, numberOf, valueOf } from './word-styles.ts'
import { child, elementsOf, textOf, type Xml } from './xml.ts'

/** Fields, such as links and form fields, which may begin in one paragraph and end in another. */
export interface Fields {
  /** Reads the element if it belongs to a field, and returns text that the field shows without a result of its own. */
  read(element: Xml): string
  /** Reads a field with its code in one element. */
  simple(code: string, readResult: () => void): void
  /** Whether the text here is the code of a field, or a table of contents. */
  isSkipping(): boolean
  href(): string | undefined
}

interface Field {
  code: string
  isResult: boolean
  readonly form: Xml | undefined
}

export function createFields(): Fields {
  const open: Field[] = []
  return {
    read(element) {
      const field = open.at(-1)
      if (element.name === 'w:instrText' && field !== undefined) field.code += textOf(element)
      if (element.name !== 'w:fldChar') return ''
      const type = element.attributes['w:fldCharType']
      if (type === 'begin') open.push({ code: '', isResult: false, form: child(element, 'w:ffData') })
      else if (type === 'separate' && field !== undefined) field.isResult = true
      else if (type === 'end') {
        const ended = open.pop()
        return ended === undefined ? '' : formValue(ended)
      }
      return ''
    },
    simple(code, readResult) {
      open.push({ code, isResult: true, form: undefined })
      readResult()
      open.pop()
    },
    isSkipping: () =>
      open.some(({ isResult, code }) => !isResult || /^\s*(?:TOC|FORMCHECKBOX|FORMDROPDOWN)\b/i.test(code)),
    href: () => open.map(({ code }) => linkIn(code)).findLast(link => link !== undefined),
  }
}

/** The address in the code of a HYPERLINK field. A link within the document has none. */
export function linkIn(code: string): string | undefined {
  if (!/^\s*HYPERLINK\b/i.test(code)) return undefined
  const [, quoted, bare] = /^\s*HYPERLINK\s+(?:"([^"]*)"|([^\s\\]\S*))/i.exec(code) ?? []
  const address = quoted ?? bare
  const [, place] = /\\l\s+"([^"]*)"/i.exec(code) ?? []
  return address === undefined || address === '' ? undefined : address + (place === undefined ? '' : `#${place}`)
}

/** Check boxes and drop-down lists keep their value in the properties of the field. */
function formValue({ form, code }: Field): string {
  const box = child(form, 'w:checkBox')
  if (box !== undefined && /FORMCHECKBOX/.test(code)) {
    const state = child(box, 'w:checked') ?? child(box, 'w:default')
    return state !== undefined && isOn(valueOf(state) ?? '1') ? '☒' : '☐'
  }
  const list = child(form, 'w:ddList')
  if (list === undefined) return ''
  const entries = elementsOf(list).filter(({ name }) => name === 'w:listEntry')
  return valueOf(entries[numberOf(child(list, 'w:result')) ?? numberOf(child(list, 'w:default')) ?? 0]) ?? ''
}
