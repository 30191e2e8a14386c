/**
 * Characters that a terminal interprets: C0 and C1 controls (ESC and CSI start sequences that move the cursor, change
 * the title or type), Unicode line ends, and text direction controls, which can make one name look like another.
 */
const commands = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/**
 * Makes a name, an address or a reason safe for one line of a terminal: control characters are written out, as
 * `\u001b`.
 */
export function printable(text: string): string {
  return text.replace(commands, escaped)
}

/** Like `printable`, for a text of several lines: line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(commands, each => (each === '\n' || each === '\t' ? each : escaped(each)))
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
