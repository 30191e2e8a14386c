import type { Command } from 'commander'
import { printable, printableLines } from '../text/printable.ts'
import type { Host } from './host.ts'

/**
 * All output of commands goes through here, because file names, document texts and server messages may contain
 * terminal control sequences.
 */

/** Writes a result to stdout: JSON with `--json`, otherwise text. Everything else goes to stderr. */
export function print({ stdout }: Host, command: Command, value: object, text: string): void {
  stdout.write(`${wantsJson(command) ? printable(JSON.stringify(value)) : printableLines(text)}\n`)
}

/** Writes one or more lines to stderr. */
export function say({ stderr }: Host, text: string): void {
  stderr.write(`${printableLines(text)}\n`)
}

function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json: boolean }>().json
}
