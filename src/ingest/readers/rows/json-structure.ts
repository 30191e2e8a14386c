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

const quote = 0x22
const backslash = 0x5c
const lineFeed = 0x0a
const longestKey = 1000

type Kind = JsonValue['kind']

/** Collects the texts of the items of one array. */
class Items {
  private readonly longest: number
  private open: string | null = null
  private length = 0
  private line = 1
  private done: JsonItem[] = []

  constructor(longest: number) {
    this.longest = longest
  }

  get isOpen(): boolean {
    return this.open !== null
  }

  begin(line: number): void {
    this.open = ''
    this.length = 0
    this.line = line
  }

  add(text: string, from: number, to: number): void {
    if (this.open === null || to <= from) return
    this.length += to - from
    this.open = this.length > this.longest ? '' : this.open + text.slice(from, to)
  }

  finish(): void {
    if (this.open === null) return
    this.done.push({ line: this.line, text: this.length > this.longest ? null : this.open })
    this.open = null
  }

  /** The items that are complete since the last call. */
  taken(): JsonItem[] {
    const { done } = this
    this.done = []
    return done
  }
}

/**
 * Follows the brackets and strings of a JSON text, part by part, without parsing it. With `itemsOf`, collects the texts
 * of the items of the topmost array (`null`) or of the array under this key of the topmost object.
 */
export class JsonScanner {
  /** Kinds of the first and the last value at the top: more than one are JSON lines. */
  readonly tops: Kind[] = []
  /** The deepest level. */
  deepest = 0
  /** Length of all values of the topmost object. */
  total = 0
  /** Of the values of the topmost object, up to two arrays of objects, and the last value. */
  readonly values: { -readonly [K in keyof JsonValue]: JsonValue[K] }[] = []
  /** Kind of the first item of a topmost array. */
  firstItem: Kind | null = null
  private readonly itemsOf: string | null | undefined
  /** Depth at which items begin, or -1 if none are collected. */
  private readonly itemDepth: number
  private readonly items: Items
  private depth = 0
  private line = 1
  private inString = false
  private isEscaped = false
  private inScalar = false
  /** The last string directly in the topmost object, which is a key until a colon follows. */
  private key: string | null = null
  private stringText = ''
  private expectsValue = false
  /** Where the text of the open item begins in this part. */
  private from = 0

  constructor(itemsOf?: string | null, longestItem = 0) {
    this.itemsOf = itemsOf
    this.itemDepth = itemsOf === undefined ? -1 : itemsOf === null ? 1 : 2
    this.items = new Items(longestItem)
  }

  /** The items that are complete after this part of the text. */
  push(text: string): JsonItem[] {
    this.from = 0
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      if (unit === lineFeed) this.line += 1
      const last = this.values.at(-1)
      if (last !== undefined && this.depth > 0) {
        last.length += 1
        this.total += 1
      }
      if (this.inString) this.withinString(text[at]!, unit)
      else if (this.inScalar || /[\s,:\]}]/.test(text[at]!)) this.betweenValues(text, at)
      else this.startValue(text[at]!, at)
    }
    this.items.add(text, this.from, text.length)
    return this.items.taken()
  }

  /** The last item, if it is not closed, and whether the text ends where it should. */
  end(): { readonly items: JsonItem[]; readonly isWhole: boolean } {
    this.items.finish()
    return { items: this.items.taken(), isWhole: this.depth === 0 && !this.inString && this.tops.length > 0 }
  }

  private get isInTopObject(): boolean {
    return this.depth === 1 && this.tops.at(-1) === 'object'
  }

  private withinString(char: string, unit: number): void {
    if (this.isEscaped) this.isEscaped = false
    else if (unit === backslash) this.isEscaped = true
    else if (unit === quote) {
      this.inString = false
      if (this.isInTopObject && !this.expectsValue) this.key = unquoted(this.stringText)
      return
    }
    if (this.isInTopObject && this.stringText.length < longestKey) this.stringText += char
  }

  private startValue(char: string, at: number): void {
    const kind = char === '{' ? 'object' : char === '[' ? 'array' : 'scalar'
    const isKey = char === '"' && this.isInTopObject && !this.expectsValue
    if (!isKey) this.note(kind, at)
    if (char === '"') {
      this.inString = true
      this.stringText = ''
    } else if (kind === 'scalar') this.inScalar = true
    else {
      this.depth += 1
      this.deepest = Math.max(this.deepest, this.depth)
      this.expectsValue = false
    }
  }

  private note(kind: Kind, at: number): void {
    const isInObject = this.tops.at(-1) === 'object'
    if (this.depth === 0) this.tops[Math.min(1, this.tops.length)] = kind
    else if (this.depth === 1 && isInObject) this.enterValue(kind)
    else if (this.depth === 1) this.firstItem ??= kind
    else if (this.depth === 2 && isInObject) this.values.at(-1)!.first ??= kind
    if (this.depth !== this.itemDepth || !this.isWanted(isInObject)) return
    this.items.begin(this.line)
    this.from = at
  }

  private enterValue(kind: Kind): void {
    const last = this.values.at(-1)
    const isKept = last?.kind === 'array' && last.first === 'object' && this.values.length < 3
    if (last !== undefined && !isKept) this.values.pop()
    this.values.push({ key: this.key, kind, first: null, length: 0 })
  }

  /** Whether this depth is in the array whose items are collected. */
  private isWanted(isInObject: boolean): boolean {
    if (this.itemsOf === null) return !isInObject && this.tops.length === 1
    const last = this.values.at(-1)
    return isInObject && last?.kind === 'array' && last.key === this.itemsOf
  }

  private betweenValues(text: string, at: number): void {
    const char = text[at]!
    if (this.inScalar && !/[\s,\]}]/.test(char)) return
    this.inScalar = false
    if (this.depth === 1 && (char === ':' || char === ',')) this.expectsValue = char === ':'
    const isClosing = char === ']' || char === '}'
    if ((isClosing || char === ',') && this.depth === this.itemDepth && this.items.isOpen) {
      this.items.add(text, this.from, at)
      this.items.finish()
    }
    if (isClosing) this.depth -= 1
  }
}

function unquoted(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return text
  }
}
