/**
 * Words typed while the keyboard was in the other layout: "ghbdtn" for "привет", "руддщ" for "hello". The Kazakh layout
 * has the Russian letters in the same places.
 */

const latin = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
const cyrillic = 'ёйцукенгшщзхъфывапролджэячсмитьбю'
const latinShifted = '~{}:"<>'
const cyrillicShifted = 'ёхъжэбю'

const toCyrillic: ReadonlyMap<string, string> = mapOf(latin + latinShifted, cyrillic + cyrillicShifted)
const toLatin: ReadonlyMap<string, string> = mapOf(cyrillic, latin)

function mapOf(from: string, to: string): ReadonlyMap<string, string> {
  const letters = [...to]
  return new Map(Array.from(from, (letter, i) => [letter, letters[i]!]))
}

/** Text between spaces: some Cyrillic letters are where a Latin keyboard has signs. */
export const typedInLatin = /[\p{Script=Latin}`~[\]{};:'",.<>]+/gu
export const typedInCyrillic = /\p{Script=Cyrillic}+/gu

/** What the keys of a word in lower case are in the Russian layout. */
export function inRussianLayout(typed: string): string {
  return typed.replace(/[^\p{M}]/gu, key => toCyrillic.get(key) ?? key)
}

/** What the keys of a word in lower case are in the English layout. */
export function inEnglishLayout(typed: string): string {
  return typed.replace(/[^\p{M}]/gu, key => toLatin.get(key) ?? key)
}
