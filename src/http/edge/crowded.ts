/** More than a hundred documents have with all their metadata, unless it is nearly all of single digits. */
export const mostMarks = 250_000

const [quote, backslash] = [0x22, 0x5c]
/** `,`, `:`, `[` and `{`: each value of a JSON text but the first has one before it, and a list or an object one of its own. */
const isMark = new Uint8Array(256)
for (const mark of [0x2c, 0x3a, 0x5b, 0x7b]) isMark[mark] = 1

/**
 * Whether a JSON text has more values than any request of ours: looked for before it is parsed, for that takes a hundred
 * times the memory of such a text, and seconds in which nobody is served. What stands in strings is not counted. 2 ns a byte.
 */
export function isCrowded(body: Uint8Array, most = mostMarks): boolean {
  if (body.length <= most) return false
  for (let at = 0, marks = 0; at < body.length; at++) {
    if (body[at] === quote) at = endOfString(body, at)
    else if (isMark[body[at]!] === 1 && ++marks > most) return true
  }
  return false
}

function endOfString(body: Uint8Array, start: number): number {
  let at = start + 1
  while (at < body.length && body[at] !== quote) at += body[at] === backslash ? 2 : 1
  return at
}
