/** Takes the lines of one record after another. */
export interface FieldScanner {
  /** The fields of the record that ends with this line, or null while a quoted field is still open. */
  push(line: string): string[] | null
  /** How many fields of the record that is open are complete. */
  readonly complete: number
  /** Forgets the record that is open. */
  reset(): void
}

/**
 * Splits CSV records into fields, quotes as in RFC 4180. Forgiving where people are careless: a quote within
 * an unquoted field (`5" pipe`) and a lone one within a quoted field (`"the "best" one"`) are text.
 */
export function createFieldScanner(delimiter: string): FieldScanner {
  let fields: string[] = []
  let open: string | null = null

  function reset(): void {
    fields = []
    open = null
  }

  function push(line: string): string[] | null {
    let at = 0
    if (open !== null) open += '\n'
    for (;;) {
      const field = open === null ? plainField(line, at, delimiter) : quotedField(line, at, delimiter)
      if (field.kind === 'opens') {
        open = ''
        at = field.next
        continue
      }
      const text = (open ?? '') + field.text
      if (field.kind === 'unclosed') {
        open = text
        return null
      }
      fields.push(text)
      open = null
      if (field.next > line.length) break
      at = field.next
    }
    const record = fields
    reset()
    return record
  }

  return {
    push,
    reset,
    get complete() {
      return fields.length
    },
  }
}

/** `next` is where the next field begins; past the line's length when this was the last one. */
type Piece =
  | { readonly kind: 'field'; readonly text: string; readonly next: number }
  | { readonly kind: 'unclosed'; readonly text: string }
  | { readonly kind: 'opens'; readonly next: number }

function plainField(line: string, from: number, delimiter: string): Piece {
  let at = from
  while (line[at] === ' ') at += 1
  if (line[at] === '"') return { kind: 'opens', next: at + 1 }
  const found = line.indexOf(delimiter, from)
  const end = found === -1 ? line.length : found
  return { kind: 'field', text: line.slice(from, end), next: end + 1 }
}

function quotedField(line: string, from: number, delimiter: string): Piece {
  for (let quote = line.indexOf('"', from); quote !== -1; quote = line.indexOf('"', quote + 1)) {
    if (line[quote + 1] === '"') {
      quote += 1
      continue
    }
    let end = quote + 1
    while (line[end] === ' ') end += 1
    if (end === line.length || line[end] === delimiter) {
      return { kind: 'field', text: unescaped(line.slice(from, quote)), next: end + 1 }
    }
  }
  return { kind: 'unclosed', text: unescaped(line.slice(from)) }
}

function unescaped(text: string): string {
  return text.replaceAll('""', '"')
}

/** The separator that occurs most often in the header, outside of quotes; a comma when none does. */
export function detectDelimiter(header: string): string {
  const bare = header.replace(/"[^"]*"/g, '')
  const counted = [',', ';', '\t'].map(delimiter => ({ delimiter, times: bare.split(delimiter).length }))
  return counted.reduce((best, next) => (next.times > best.times ? next : best)).delimiter
}
