import { cleanLine } from './readers/clean-text.ts'

/**
 * Maximum length of a stored source in UTF-8. It is indexed, and Postgres rejects the write of an index row of more
 * than 2,704 bytes.
 */
const longestSourceBytes = 2500

/** Matches invisible text: controls, spaces, joiners, fillers, variation selectors and the blank Braille pattern. */
const invisible = /^[\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]*$/u

/** Error text if no document can be stored under this name, or null if one can. */
export function sourceFault(source: string): string | null {
  const stored = cleanLine(source)
  if (invisible.test(stored))
    return 'consists of invisible characters only; use a visible name, because documents are identified by their source'
  const bytes = Buffer.byteLength(stored)
  return bytes > longestSourceBytes
    ? `takes ${bytes} bytes in UTF-8, but the limit is ${longestSourceBytes}; shorten it`
    : null
}
