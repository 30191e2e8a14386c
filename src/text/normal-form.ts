/**
 * Unicode's normal forms, in linear time. A run of marks is sorted when it is composed, which takes time quadratic in
 * its length: 100 kB of accents on one letter held a process for seconds. No language puts more than a few marks on a
 * letter, and thirty are what Unicode's "stream-safe" text format (UAX 15) has at most; those behind are left out.
 */
export const mostMarks = 30

/** Also the two voicing marks of halfwidth kana, which become marks in NFKC. */
const endlessMarks = /([\p{M}\uff9e\uff9f]{30})[\p{M}\uff9e\uff9f]+/gu
/** Text of letters below the first mark is normal already, but for some of it in NFKC. */
const mayHaveMarks = /[^\0-\u02ff]/

export function nfc(text: string): string {
  return withoutEndlessMarks(text).normalize('NFC')
}

export function nfkc(text: string): string {
  return withoutEndlessMarks(text).normalize('NFKC')
}

function withoutEndlessMarks(text: string): string {
  return mayHaveMarks.test(text) ? text.replace(endlessMarks, '$1') : text
}
