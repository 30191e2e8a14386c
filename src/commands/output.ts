import type { Command } from 'commander'

/** Results go to stdout: JSON with `--json`, else words. Everything else goes to stderr. */
export function print(command: Command, value: object, text: string): void {
  process.stdout.write(`${wantsJson(command) ? JSON.stringify(value) : text}\n`)
}

export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json: boolean }>().json
}
