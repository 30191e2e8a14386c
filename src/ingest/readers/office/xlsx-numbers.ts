import { dateFromSerial, format, isDateFormat } from 'numfmt'
import { childAt, childrenOf, type XmlElement } from '../xml.ts'

/** The text of a number in a cell of this style. */
export type NumberText = (value: number, style: number) => string

/** Formats that files refer to by number only (ECMA-376, part 1, 18.8.30); 5 to 8 and 41 to 44 depend on the country. */
const builtIn: Readonly<Record<number, string>> = {
  1: '0',
  2: '0.00',
  3: '#,##0',
  4: '#,##0.00',
  9: '0%',
  10: '0.00%',
  11: '0.00E+00',
  12: '# ?/?',
  13: '# ??/??',
  14: 'yyyy-mm-dd',
  15: 'd-mmm-yy',
  16: 'd-mmm',
  17: 'mmm-yy',
  18: 'h:mm AM/PM',
  19: 'h:mm:ss AM/PM',
  20: 'h:mm',
  21: 'h:mm:ss',
  22: 'yyyy-mm-dd h:mm',
  37: '#,##0;(#,##0)',
  38: '#,##0;(#,##0)',
  39: '#,##0.00;(#,##0.00)',
  40: '#,##0.00;(#,##0.00)',
  45: 'mm:ss',
  46: '[h]:mm:ss',
  47: 'mm:ss.0',
  48: '##0.0E+0',
  49: '@',
}

/** Reads the number formats of the styles of a workbook. */
export function readNumberFormats(styles: XmlElement | undefined, options: { is1904: boolean }): NumberText {
  const own = new Map(
    childrenOf(childAt(styles, 'numFmts'), 'numFmt').map(({ attributes }) => [
      Number(attributes['numFmtId']),
      attributes['formatCode'] ?? '',
    ]),
  )
  const kinds = childrenOf(childAt(styles, 'cellXfs'), 'xf').map(({ attributes }) => {
    const id = Number(attributes['numFmtId'] ?? 0)
    return kindOf(own.get(id) ?? builtIn[id] ?? 'General')
  })
  const general = kindOf('General')
  return (value, style) => numberText(value, kinds[style] ?? general, options.is1904)
}

interface Kind {
  readonly pattern: string
  readonly isDate: boolean
  /** Whether the format shows a day of the month, so that the date can be written as ISO. */
  readonly hasDay: boolean
  readonly hasTime: boolean
  /** Whether the format shows a day, month or year, and not only a time. */
  readonly isDay: boolean
}

/** Longer ones are not written by any program. */
const longestPattern = 500

function kindOf(code: string): Kind {
  // The country behind a currency sign would change the decimal sign of this cell only.
  const pattern = code.length > longestPattern ? 'General' : code.replace(/\[\$([^\]-]*)-[^\]]*\]/g, '"$1"')
  const letters = pattern.replace(/"[^"]*"|\\.|\[[^\]]*\]|AM\/PM/gi, '').toLowerCase()
  return {
    pattern,
    isDate: letters !== 'general' && isDateFormat(pattern),
    hasDay: letters.includes('d') && (letters.includes('y') || letters.includes('m')),
    hasTime: /[hs]/.test(letters),
    isDay: /[yd]/.test(letters) && isDateFormat(pattern),
  }
}

function numberText(value: number, kind: Kind, is1904: boolean): string {
  const serial = is1904 && kind.isDay ? value + 1462 : value
  if (kind.isDate && kind.hasDay && serial >= 1 && serial < 2_958_466) return isoText(serial, kind.hasTime)
  const text = format(kind.pattern, serial, { throws: false }).trim()
  return /^#+$/.test(text) ? String(value) : text
}

function isoText(serial: number, hasTime: boolean): string {
  const [year, month, day, hour, minute, second] = dateFromSerial(serial) as readonly number[]
  const two = (part: number | undefined): string => String(part ?? 0).padStart(2, '0')
  const date = `${year}-${two(month)}-${two(day)}`
  if (!hasTime) return date
  return `${date} ${two(hour)}:${two(minute)}${second ? `:${two(second)}` : ''}`
}
