import { fromHtml } from 'hast-util-from-html'
import { metadataOf, type Content } from '../content.ts'
import { readTree } from '../html/html.ts'
import { readBlocks } from './rst-blocks.ts'
import { namesIn } from './rst-inline.ts'

/**
 * Reads reStructuredText by way of HTML. No package for Node reads it well, so this is a reader of our own for what
 * carries text: sections, lists, tables, notes, code, links and substitutions. Directives that include or generate text
 * are left out.
 */
export function readRst(text: string): Content {
  const lines = text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .map(line => line.replaceAll('\t', '        ').trimEnd())
  const { fields, rest } = documentFields(lines)
  const html = readBlocks(rest, namesIn(lines))
  const content = readTree(fromHtml(html, { fragment: true }))
  return { ...content, metadata: metadataOf(fields) }
}

/** Fields above the text or below its title, such as `:Author: …`. Those of Sphinx that have no value only steer it. */
export function documentFields(lines: readonly string[]): { fields: [string, string][]; rest: string[] } {
  const fields: [string, string][] = []
  const rest: string[] = []
  let filled = 0
  for (const line of lines) {
    // A title, its lines and blank lines may stand above the fields.
    const found = filled <= 3 ? /^:([A-Za-z][\w -]*):(?:\s+(.*))?$/.exec(line) : null
    if (found !== null) {
      fields.push([found[1]!.toLowerCase(), found[2] ?? ''])
      continue
    }
    if (line !== '') filled += 1
    rest.push(line)
  }
  return { fields, rest }
}
