/** A value inside a JSON text: where it begins, what it is, and how long it is. */
export interface JsonValue {
  readonly key: string | null
  readonly kind: 'object' | 'array' | 'scalar'
  /** Kind of the first item of an array. */
  readonly first: JsonValue['kind'] | null
  readonly length: number
}

/** An item of the array that is read, complete or too long to keep. */
export type JsonItem = { readonly line: number; readonly text: string | null }

export interface JsonScanner {
  /** Items that are complete after this part of the text. */
  push(text: string): JsonItem[]
  /** The last item, if it is not closed, and whether the text ends where it should. */
  end(): { readonly items: JsonItem[]; readonly isWhole: boolean }
  /** Number of values at the top: more than one are JSON lines. */
  readonly tops: readonly JsonValue['kind'][]
  /** Values of the topmost object. */
  readonly values: readonly JsonValue[]
  /** Kind of the first item of a topmost array. */
  readonly firstItem: JsonValue['kind'] | null
}

const quote = 0x22
const backslash = 0x5c
const lineFeed = 0x0a

/**
 * Follows the brackets and strings of a JSON text, part by part, without parsing it. With `itemsOf`, collects the texts
 * of the items of the topmost array (`null`) or of the array under this key of the topmost object.
 */
export function createJsonScanner(itemsOf?: string | null, longestItem = 0): JsonScanner {
  const tops: JsonValue['kind'][] = []
  const values: { -readonly [K in keyof JsonValue]: JsonValue[K] }[] = []
  let firstItem: JsonValue['kind'] | null = null
  let depth = 0
  let inString = false
  let isEscaped = false
  let inScalar = false
  let line = 1
  /** The last string at depth 1 of an object, which is a key until a value follows. */
  let key: string | null = null
  let stringText = ''
  let expectsValue = false
  let isObjectTop = false
  let item: string | null = null
  let itemLength = 0
  let itemLine = 1
  let items: JsonItem[] = []

  const itemDepth = itemsOf === undefined ? -1 : itemsOf === null ? 1 : 2
  const isCollecting = (): boolean =>
    itemDepth === 1 ? !isObjectTop && tops.length === 1 : itemDepth === 2 && isObjectTop && values.at(-1)?.key === itemsOf

  /** Whether an item that is collected begins with this value. */
  function begins(kind: JsonValue['kind']): boolean {
    if (depth === 0) {
      tops.push(kind)
      isObjectTop = kind === 'object'
    } else if (depth === 1 && isObjectTop) {
      values.push({ key, kind, first: null, length: 0 })
    } else if (depth === 1) firstItem ??= kind
    else if (depth === 2 && isObjectTop) values.at(-1)!.first ??= kind
    if (depth !== itemDepth || !isCollecting()) return false
    item = ''
    itemLength = 0
    itemLine = line
    return true
  }

  function finishItem(): void {
    if (item === null) return
    items.push({ line: itemLine, text: itemLength > longestItem ? null : item })
    item = null
  }

  function take(text: string, from: number, to: number): void {
    if (item === null || to <= from) return
    itemLength += to - from
    item = itemLength > longestItem ? '' : item + text.slice(from, to)
  }

  function push(text: string): JsonItem[] {
    items = []
    let from = 0
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      if (unit === lineFeed) line += 1
      const last = values.at(-1)
      if (last !== undefined && depth > 0) last.length += 1
      if (inString) {
        if (isEscaped) isEscaped = false
        else if (unit === backslash) isEscaped = true
        else if (unit === quote) {
          inString = false
          if (depth === 1 && isObjectTop && !expectsValue) key = unquoted(stringText)
        }
        if (inString && depth === 1 && isObjectTop && stringText.length < 1000) stringText += text[at]
        continue
      }
      from = structural(text, at, unit, from)
    }
    take(text, from, text.length)
    return items
  }

  /** Returns from where on the text belongs to the item that is collected. */
  function structural(text: string, at: number, unit: number, from: number): number {
    const char = text[at]!
    const startsValue = !inScalar && !/[\s,:\]}]/.test(char)
    let start = from
    if (startsValue) {
      const isKey = unit === quote && depth === 1 && isObjectTop && !expectsValue
      const kind = char === '{' ? 'object' : char === '[' ? 'array' : 'scalar'
      if (!isKey && begins(kind)) start = at
      if (unit === quote) [inString, stringText] = [true, '']
      else if (kind === 'scalar') inScalar = true
      else [depth, expectsValue] = [depth + 1, false]
      return start
    }
    if (inScalar && /[\s,\]}]/.test(char)) inScalar = false
    if (char === ':' && depth === 1) expectsValue = true
    if (char === ',' && depth === 1) expectsValue = false
    if (char === ',' && depth === itemDepth && item !== null) {
      take(text, start, at)
      finishItem()
    }
    if (char === ']' || char === '}') {
      if (depth === itemDepth && item !== null) {
        take(text, start, at)
        finishItem()
      }
      depth -= 1
    }
    return start
  }

  function end(): { items: JsonItem[]; isWhole: boolean } {
    items = []
    finishItem()
    return { items, isWhole: depth === 0 && !inString && tops.length > 0 }
  }

  return { push, end, tops, values, get firstItem() { return firstItem } }
}

function unquoted(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return text
  }
}
