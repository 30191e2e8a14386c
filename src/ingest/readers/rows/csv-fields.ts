/** Splits records into fields; it is fed line by line. */
export interface FieldScanner {
  /** The fields of the record that ends with this line, or null while a quoted field is still open. */
  push(line: string): string[] | null
  /** Number of complete fields in the open record. */
  readonly complete: number
  /** Discards the open record. */
  reset(): void
}

/**
 * Splits CSV records into fields, with quotes as in RFC 4180. It tolerates common mistakes: a quote within an unquoted
 * field (`5" pipe`) and an unescaped one within a quoted field (`"the "best" one"`) are text.
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

/** `next` is the start of the next field. It is beyond the end of the line if this was the last field. */
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

/** The delimiter that occurs most often in the header outside of quotes, or a comma if none occurs. */
export function detectDelimiter(header: string): string {
  const bare = header.replace(/"[^"]*"/g, '')
  const counted = [',', ';', '\t', '|'].map(delimiter => ({ delimiter, times: bare.split(delimiter).length }))
  return counted.reduce((best, next) => (next.times > best.times ? next : best)).delimiter
}
