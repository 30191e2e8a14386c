import { readFileSync } from 'node:fs'

/** The text of a file, without the byte order mark that some editors write. */
export function readText(path: string): string {
  return readFileSync(path, 'utf8').replace(/^\ufeff/, '')
}
