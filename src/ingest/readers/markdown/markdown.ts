import type { Root } from 'mdast'
import { metadataOf, type Content } from '../content.ts'
import { markDirectives } from './directives.ts'
import { expandHtml } from '../html/expand-html.ts'
import { flatten } from '../html/flatten.ts'
import { readFrontMatter, type FrontMatter } from './front-matter.ts'
import { withoutModuleCode } from './module-code.ts'
import { parseMarkdown } from './parse-markdown.ts'

const ownFields = new Set(['title', 'url', 'lang', 'language'])

/** Reads GitHub Flavored Markdown or MDX. Front matter becomes title, url, language and metadata. */
export function readMarkdown(markdown: string, options: { mdx?: boolean } = {}): Content {
  const { fields, body, warning } = readFrontMatter(markdown.replace(/^\ufeff/, ''))
  const isMdx = options.mdx === true
  const { text, mark } = markDirectives(isMdx ? withoutModuleCode(body) : body)
  const root = parse(text)
  expandHtml(root, { mdx: isMdx, mark })
  const url = urlOf(fields)
  return {
    blocks: flatten(root, { slugs: true, base: url }),
    title: stringOf(fields['title']),
    url,
    language: stringOf(fields['lang']) ?? stringOf(fields['language']),
    metadata: metadataOf(Object.entries(fields).filter(([key]) => !ownFields.has(key))),
    warnings: warning === undefined ? [] : [warning],
  }
}

/** Hugo writes its own path into `url`, and Jekyll the address of the original into `canonical_url`. */
function urlOf(fields: FrontMatter['fields']): string | undefined {
  const named = ['url', 'canonical', 'canonical_url', 'canonicalURL', 'canonicalUrl'].map(name =>
    stringOf(fields[name]),
  )
  return named.find(url => url !== undefined && /^https?:\/\//i.test(url))
}

/** Matches nested quotes or lists that are all opened on one line. */
const deepNesting = /^(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))){50}/m

function parse(markdown: string): Root {
  // The time of the parser is quadratic in the depth, and no author writes this by hand.
  if (deepNesting.test(markdown)) throw new RangeError('nested too deeply')
  return parseMarkdown(markdown)
}

function stringOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}
