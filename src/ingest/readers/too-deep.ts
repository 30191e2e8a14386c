/**
 * Whether text was nested too deeply: trees of some thousand levels exhaust the stack of the parsers and of their regular
 * expressions. Other range errors (a string or an array that would be too long) say that there is too much of it.
 */
export function isTooDeep(error: unknown): boolean {
  if (error instanceof RangeError) return /call stack|nested too deeply/.test(error.message)
  return error instanceof SyntaxError && /too (?:large|deep|much)|stack/i.test(error.message)
}
