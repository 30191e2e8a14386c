import { cleanLine } from './readers/clean-text.ts'

/**
 * Of a source as it is stored, in UTF-8. An index over it takes no row of more than 2,704 bytes, and fails the write of
 * what is longer.
 */
export const longestSourceBytes = 2500

/** What nobody sees: controls, blanks, joiners, fillers, variation selectors, the blank of Braille. */
const invisible = /^[\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]*$/u

/** Why no document can be stored under this name, for whoever gave it; null: one can. */
export function sourceFault(source: string): string | null {
  const stored = cleanLine(source)
  if (invisible.test(stored))
    return 'is made of invisible characters only; documents are told apart by it, so give it a name that can be seen'
  const bytes = Buffer.byteLength(stored)
  return bytes > longestSourceBytes
    ? `takes ${bytes} bytes in UTF-8, and ${longestSourceBytes} are possible; shorten it`
    : null
}
