/** More than a hundred documents with full metadata contain, unless nearly all values are single digits. */
export const mostMarks = 250_000

const [quote, backslash] = [0x22, 0x5c]
/** `,`, `:`, `[` and `{`: one of them precedes each JSON value except the first, and each list or object adds one. */
const isMark = new Uint8Array(256)
for (const mark of [0x2c, 0x3a, 0x5b, 0x7b]) isMark[mark] = 1

/**
 * Whether a JSON text has more values than any valid request. Checked before parsing, because parsing such a text takes
 * a hundred times its size in memory and blocks the event loop for seconds. Strings are skipped. Takes 2 ns per byte.
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
