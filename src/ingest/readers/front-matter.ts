import { parse } from 'yaml'
import { inEnglish, mostFrontMatter } from '../bounds.ts'
import type { Json } from '../terms.ts'
import { UnreadableError } from './content.ts'
import { toJson } from './to-json.ts'

export interface FrontMatter {
  readonly fields: { readonly [key: string]: Json }
  /** The document below the front matter. */
  readonly body: string
  /** Set when the front matter cannot be read; its fields are then left out. */
  readonly warning?: string
}

const fence = /^---[^\S\n]*\r?\n(?:([\s\S]*?)\r?\n)?(?:---|\.\.\.)[^\S\n]*(?:\r?\n|$)/
const looksLikeFields = /^\s*["']?[\w-]+["']?\s*:/

/** Splits YAML between `---` lines at the very top from the text below. Throws an {@link UnreadableError} when there is far too much. */
export function readFrontMatter(markdown: string): FrontMatter {
  const found = fence.exec(markdown)
  if (found === null) return { fields: {}, body: markdown }
  if (isTooLong(found[1] ?? '')) throw new UnreadableError(`has ${inEnglish(found[1]!.length)} characters of front matter, and at most ${inEnglish(mostFrontMatter)} are read: put long texts into the document itself`)
  try {
    const fields = toJson(parse(found[1] ?? ''))
    // Two rules with a paragraph between them look like front matter as well, and are none.
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
  return text.length > mostFrontMatter && looksLikeFields.test(text)
}

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
