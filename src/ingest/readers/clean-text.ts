import { nfc } from '../../text/normal-form.ts'

/** C0 and C1 controls but tab and line feed, and marks that nobody sees: soft hyphen, zero-width space, BOM. */
const unwanted = /(?![\t\n])[\p{Cc}\u00ad\u200b\ufeff]/gu
/** Everything that Unicode calls the end of a line. */
const lineEnd = /\r\n?|[\v\f\u0085\u2028\u2029]/g

/**
 * Text as we store it: NFC, lines end in LF, no control characters, no half surrogate pairs, no endless run of marks.
 * Postgres refuses NUL, and every offset we hand out counts in this text, so nothing may change it later.
 */
export function cleanText(text: string): string {
  return nfc(
    text
      .toWellFormed()
      .replace(lineEnd, '\n')
      .replace(unwanted, '')
      .replace(/\u00a0/g, ' '),
  )
}

/** A title, a heading or a name: cleaned, and on one line. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\s+/g, ' ').trim()
}
