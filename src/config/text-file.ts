import { readFileSync, statSync } from 'node:fs'

/** The text of a file, without the byte order mark that some editors write. */
export function readText(path: string): string {
  return readRegular(path)
    .toString('utf8')
    .replace(/^\ufeff/, '')
}

/** No keys and no certificates are nearly as large. */
const maxBytes = 64 * 2 ** 20

/** Reads a file that a setting names. Throws for a device or a pipe, because reading these might never end. */
export function readRegular(path: string): Buffer {
  const stats = statSync(path)
  if (!stats.isFile()) throw unreadable('not a file', 'a directory, a device or a pipe')
  if (stats.size > maxBytes) throw unreadable('too large', `it has ${stats.size} bytes`)
  return readFileSync(path)
}

function unreadable(code: string, reason: string): Error {
  return Object.assign(new Error(reason), { code })
}
