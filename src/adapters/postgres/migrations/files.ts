import { hash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'

/** Whether a version of Askwell that does not know a migration may work on a database that has it. */
export type OlderCode = 'runs' | 'refused'

/** A file of sql/. */
export interface Migration {
  /** `000001_documents.sql`. */
  readonly name: string
  readonly text: string
  /**
   * SHA-256 of the text in hexadecimal, with line ends normalized to `
   * `.
   */
  readonly checksum: string
  readonly olderCode: OlderCode
  /** False if its statements are sent one by one, each on its own. If interrupted, it is run again from the start. */
  readonly isTransaction: boolean
}

const folder = new URL('../../../../sql/', import.meta.url)
const fileName = /^\d{6}_\w+\.sql$/

/** The migrations of this version, in order. */
export async function readMigrations(from: URL = folder): Promise<Migration[]> {
  const names = (await readdir(from)).filter(name => fileName.test(name)).sort()
  return await Promise.all(names.map(async name => parseMigration(name, await readFile(new URL(name, from), 'utf8'))))
}

/** Throws if the first line does not say whether older code may run. */
export function parseMigration(name: string, content: string): Migration {
  const text = content.replaceAll('\r\n', '\n')
  const [first = '', second] = text.split('\n')
  const olderCode = /^-- older code: (runs|refused)$/.exec(first)?.[1]
  if (olderCode === undefined)
    throw new Error(`sql/${name} must begin with "-- older code: runs" or "-- older code: refused"`)
  return {
    name,
    text,
    checksum: hash('sha256', text),
    olderCode: olderCode as OlderCode,
    isTransaction: second !== '-- without a transaction',
  }
}

/** Parts in which a semicolon does not end a statement: comments, quoted text and names, function bodies. */
const parts = /--[^\n]*|\/\*[^]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[^]*?\$\1\$|;/g

/** The statements of a text, without the comments between them. */
export function statementsOf(text: string): string[] {
  const ends = [...text.matchAll(parts)].filter(([part]) => part === ';').map(({ index }) => index)
  const statements = [0, ...ends.map(end => end + 1)].map((start, at) => text.slice(start, ends[at]))
  return statements
    .map(each => each.replace(/^(\s|--[^\n]*(\n|$)|\/\*[^]*?\*\/)+/, '').trim())
    .filter(each => each !== '')
}
