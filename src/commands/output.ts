import type { Command } from 'commander'
import { printable, printableLines } from '../text/printable.ts'

/**
 * All output of commands goes through here, because file names, document texts and server messages may contain
 * terminal control sequences.
 */

/** Writes a result to stdout: JSON with `--json`, otherwise text. Everything else goes to stderr. */
export function print(command: Command, value: object, text: string): void {
  process.stdout.write(`${wantsJson(command) ? printable(JSON.stringify(value)) : printableLines(text)}\n`)
}

/** Writes one or more lines to stderr. */
export function say(text: string): void {
  process.stderr.write(`${printableLines(text)}\n`)
}

function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json: boolean }>().json
}
