import { isGiven } from './parameters.ts'
import { UrlFault, type Parts } from './terms.ts'

/** A name, and a value that is bare or in single quotes; a backslash escapes the next character in both. */
const pair =
  /\s*(?<name>\w+)\s*=\s*(?:'(?<quoted>(?:[^'\\]|\\.)*)'|(?<bare>(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*|))(?=\s|$)/gsy

/** Parses libpq's other form, `host=localhost dbname=askwell password='it''s'`. */
export function partsOfPairs(text: string): Parts {
  if (/;\s*\w[\w ]*=/.test(text))
    throw new UrlFault('is in the form of ADO.NET, with semicolons; write postgres://USER:PASSWORD@HOST:PORT/DATABASE')
  const parameters = new Map<string, string>()
  let end = 0
  for (const found of text.matchAll(pair)) {
    const { name = '', quoted, bare = '' } = found.groups ?? {}
    const value = (quoted ?? bare).replace(/\\(.)/gs, '$1')
    if (isGiven(name, value)) parameters.set(name, value)
    end = found.index + found[0].length
  }
  if (text.slice(end).trim() !== '')
    throw new UrlFault("must be NAME=VALUE with blanks between, and single quotes (') around a value with blanks")
  if (parameters.get('dbname')?.includes('://'))
    throw new UrlFault('has a URL as dbname; write either the URL alone or only the name')
  return { hosts: '', parameters }
}
