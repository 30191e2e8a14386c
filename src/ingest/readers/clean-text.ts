import { nfc } from '../../text/normal-form.ts'

/** C0 and C1 controls except tab and line feed, and invisible marks: soft hyphen, zero-width space and BOM. */
const unwanted = /(?![\t\n])[\p{Cc}\u00ad\u200b\ufeff]/gu
/** All line ends that Unicode defines. */
const lineEnd = /\r\n?|[\v\f\u0085\u2028\u2029]/g

/**
 * Text in the form that is stored: NFC, LF line ends, no control characters, no lone surrogates, and no unlimited runs
 * of combining marks. Postgres rejects NUL. All offsets refer to this text, so it must not change later.
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

/** Cleans a title, a heading or a name and puts it on one line. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\s+/g, ' ').trim()
}
