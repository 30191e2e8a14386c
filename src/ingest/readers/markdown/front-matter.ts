import { parse, TomlDate } from 'smol-toml'
import { isScalar, parseDocument, visit } from 'yaml'
import { inEnglish, maxFrontMatter } from '../../bounds.ts'
import type { Json } from '../../terms.ts'
import { UnreadableError } from '../content.ts'
import { toJson } from '../to-json.ts'

export interface FrontMatter {
  readonly fields: { readonly [key: string]: Json }
  /** The document below the front matter. */
  readonly body: string
  /** Set if the front matter cannot be parsed; its fields are then left out. */
  readonly warning?: string
}

interface Notation {
  readonly name: 'YAML' | 'TOML' | 'JSON'
  /** Matches front matter at the very top, with its text as the first group. */
  readonly fence: RegExp
  readonly looksLikeFields: RegExp
  readonly parse: (text: string) => unknown
}

const end = String.raw`[^\S\n]*(?:\r?\n|$)`
const between = (sign: string, close = sign) =>
  new RegExp(String.raw`^${sign}[^\S\n]*\r?\n(?:([\s\S]*?)\r?\n)?${close}${end}`)
const looksLikeJson = /^\s*(?:\{\s*)?"(?:[^"\\\n]|\\.)*"\s*:/

/** As Jekyll, Hugo, Zola and Astro write it. */
const notations: readonly Notation[] = [
  {
    name: 'YAML',
    fence: between('---', String.raw`(?:---|\.\.\.)`),
    looksLikeFields: /^\s*["']?[\w-]+["']?\s*:/,
    parse: parseYaml,
  },
  {
    name: 'TOML',
    fence: between(String.raw`\+\+\+`),
    looksLikeFields: /^\s*(?:#.*\r?\n\s*)*(?:\[{0,2}["'\w.-]+\]{1,2}|["'\w.-]+\s*=)/,
    parse: parseToml,
  },
  { name: 'JSON', fence: between(';;;'), looksLikeFields: looksLikeJson, parse: text => JSON.parse(inBraces(text)) },
  {
    name: 'JSON',
    fence: new RegExp(String.raw`^(\{[^\S\n]*\r?\n[\s\S]*?\r?\n\})${end}`),
    looksLikeFields: looksLikeJson,
    parse: text => JSON.parse(text),
  },
]

/**
 * Separates front matter at the very top from the text below: YAML between `---` lines, TOML between `+++`, JSON
 * between `;;;` or in braces on lines of their own. Throws an {@link UnreadableError} if it is too long.
 */
export function readFrontMatter(markdown: string): FrontMatter {
  for (const notation of notations) {
    const found = notation.fence.exec(markdown)
    if (found !== null) return readAs(notation, markdown, found)
  }
  return { fields: {}, body: markdown }
}

function readAs({ name, looksLikeFields, parse }: Notation, markdown: string, found: RegExpExecArray): FrontMatter {
  const text = found[1] ?? ''
  const none = { fields: {}, body: markdown }
  const isFields = looksLikeFields.test(text)
  if (text.length > maxFrontMatter && isFields)
    throw new UnreadableError(
      `has ${inEnglish(text.length)} characters of front matter, but the limit is ${inEnglish(maxFrontMatter)}; move long texts into the document itself`,
    )
  // Two horizontal rules far apart are no front matter; neither is a long block of code in braces.
  if (text.length > maxFrontMatter) return none
  const body = markdown.slice(found[0].length)
  try {
    const fields = toJson(parse(text))
    // Two horizontal rules with a paragraph between them only look like front matter.
    return isRecord(fields) ? { fields, body } : none
  } catch (error) {
    if (!isFields) return none
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : 'unknown'
    return { fields: {}, body, warning: `the front matter is not valid ${name} and was left out: ${reason}` }
  }
}

function inBraces(text: string): string {
  return /^\s*\{/.test(text) ? text : `{${text}}`
}

/** Dates as they are written, as in YAML: `2026-02-01`, not a moment in time. */
function parseToml(text: string): unknown {
  return withoutDates(parse(text))
}

function withoutDates(value: unknown): unknown {
  if (value instanceof TomlDate) return value.toISOString()
  if (Array.isArray(value)) return value.map(withoutDates)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutDates(inner)]))
}

/** Checks for duplicate keys itself, because the library compares each key with all others of its map. */
function parseYaml(yaml: string): unknown {
  const document = parseDocument(yaml, { uniqueKeys: false })
  const [error] = document.errors
  if (error !== undefined) throw error
  visit(document, {
    Map(_, map) {
      const keys = map.items.map(({ key }) => (isScalar(key) ? key.value : key))
      const duplicate = keys.length === new Set(keys).size ? undefined : firstDuplicate(keys)
      if (duplicate !== undefined) throw new SyntaxError(`duplicate key ${JSON.stringify(duplicate)}`)
    },
  })
  return document.toJS({ maxAliasCount: maxAliases })
}

function firstDuplicate(keys: readonly unknown[]): unknown {
  const seen = new Set()
  return keys.find(key => seen.size === seen.add(key).size)
}

/** Limit on alias expansion, because nested aliases ("billion laughs") would otherwise fill the memory. */
const maxAliases = 100

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
