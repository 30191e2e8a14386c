/**
 * Whether the error means that text is nested too deeply: a few thousand levels exhaust the stack of the parsers and of
 * their regular expressions. Other range errors mean that a string or an array would be too long.
 */
export function isTooDeep(error: unknown): boolean {
  if (error instanceof RangeError) return /call stack|nested too deeply/.test(error.message)
  return error instanceof SyntaxError && /too (?:large|deep|much)|stack/i.test(error.message)
}
