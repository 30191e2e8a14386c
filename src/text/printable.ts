/**
 * What a terminal takes for a command, not for a character: C0 and C1 controls (of which ESC and CSI begin sequences that
 * move the cursor, change the title or type), the ends of lines of Unicode, and what turns the direction of writing, by
 * which one name can look like another.
 */
const commands = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** A name, an address or a reason on one line of a terminal: what is no character is written out, as `\u001b`. */
export function printable(text: string): string {
  return text.replace(commands, escaped)
}

/** The same of a text in lines; its line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(commands, each => (each === '\n' || each === '\t' ? each : escaped(each)))
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
