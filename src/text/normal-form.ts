/**
 * Unicode normal forms, in linear time. Composition sorts a run of marks in time quadratic in its length: 100 kB of
 * accents on one letter blocked a process for seconds. No language puts more than a few marks on a letter, and
 * Unicode's "stream-safe" text format (UAX 15) allows thirty; further marks are dropped.
 */
export const mostMarks = 30

/** Includes the two voicing marks of halfwidth kana, which become marks in NFKC. */
const endlessMarks = /([\p{M}\uff9e\uff9f]{30})[\p{M}\uff9e\uff9f]+/gu
/** Below the first combining mark all text is in NFC, and in NFKC except for some characters. */
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
