import type { Command } from 'commander'
import { printable, printableLines } from '../text/printable.ts'

/**
 * Everything that commands write goes through here: names of files, texts of documents and what servers say may hold what
 * a terminal takes for commands.
 */

/** Results go to stdout: JSON with `--json`, else words. Everything else goes to stderr. */
export function print(command: Command, value: object, text: string): void {
  process.stdout.write(`${wantsJson(command) ? printable(JSON.stringify(value)) : printableLines(text)}\n`)
}

/** A line on stderr, or several. */
export function say(text: string): void {
  process.stderr.write(`${printableLines(text)}\n`)
}

export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json: boolean }>().json
}
