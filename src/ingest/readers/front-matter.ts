import { isScalar, parseDocument, visit } from 'yaml'
import { inEnglish, maxFrontMatter } from '../bounds.ts'
import type { Json } from '../terms.ts'
import { UnreadableError } from './content.ts'
import { toJson } from './to-json.ts'

export interface FrontMatter {
  readonly fields: { readonly [key: string]: Json }
  /** The document below the front matter. */
  readonly body: string
  /** Set if the front matter cannot be parsed; its fields are then left out. */
  readonly warning?: string
}

const fence = /^---[^\S\n]*\r?\n(?:([\s\S]*?)\r?\n)?(?:---|\.\.\.)[^\S\n]*(?:\r?\n|$)/
const looksLikeFields = /^\s*["']?[\w-]+["']?\s*:/

/**
 * Separates YAML between `---` lines at the very top from the text below.
 * Throws an {@link UnreadableError} if the front matter is too long.
 */
export function readFrontMatter(markdown: string): FrontMatter {
  const found = fence.exec(markdown)
  if (found === null) return { fields: {}, body: markdown }
  if (isTooLong(found[1] ?? ''))
    throw new UnreadableError(
      `has ${inEnglish(found[1]!.length)} characters of front matter, but the limit is ${inEnglish(maxFrontMatter)}; move long texts into the document itself`,
    )
  try {
    const fields = toJson(parsed(found[1] ?? ''))
    // Two horizontal rules with a paragraph between them only look like front matter.
    if (!isRecord(fields)) return { fields: {}, body: markdown }
    return { fields, body: markdown.slice(found[0].length) }
  } catch (error) {
    if (!looksLikeFields.test(found[1] ?? '')) return { fields: {}, body: markdown }
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : 'unknown'
    const body = markdown.slice(found[0].length)
    return { fields: {}, body, warning: `the front matter is not valid YAML and was left out: ${reason}` }
  }
}

function isTooLong(text: string): boolean {
  return text.length > maxFrontMatter && looksLikeFields.test(text)
}

/** Checks for duplicate keys itself, because the library compares each key with all others of its map. */
function parsed(yaml: string): unknown {
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
