export type RtfToken =
  | { readonly kind: 'open' }
  | { readonly kind: 'close' }
  /** A control word such as `\b0`, or a sign such as `\~`. */
  | { readonly kind: 'control'; readonly word: string; readonly value: number | undefined }
  /** Text in the code page of its font. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

const [openBrace, closeBrace, backslash, quote, space, minus] = Array.from("{}\\' -", sign => sign.charCodeAt(0))

/** The tokens of an RTF file, in which binary data is skipped. */
export function* rtfTokens(file: Buffer): Generator<RtfToken> {
  let at = 0
  while (at < file.length) {
    const byte = file[at]!
    if (byte === openBrace || byte === closeBrace) {
      yield { kind: byte === openBrace ? 'open' : 'close' }
      at += 1
    } else if (byte === backslash) {
      const { token, end } = controlAt(file, at + 1)
      if (token !== null) yield token
      at = end
    } else {
      const end = endOfText(file, at)
      const bytes = file.subarray(at, end).filter(each => each !== 0x0a && each !== 0x0d && each !== 0)
      if (bytes.length > 0) yield { kind: 'bytes', bytes }
      at = end
    }
  }
}

function endOfText(file: Buffer, start: number): number {
  let end = start
  while (end < file.length && file[end] !== openBrace && file[end] !== closeBrace && file[end] !== backslash) end++
  return end
}

function controlAt(file: Buffer, start: number): { token: RtfToken | null; end: number } {
  const byte = file[start]
  if (byte === undefined) return { token: null, end: start }
  if (byte === quote) {
    const code = file.toString('latin1', start + 1, start + 3)
    if (!/^[\da-f]{2}$/i.test(code)) return { token: null, end: start + 1 }
    return { token: { kind: 'bytes', bytes: Uint8Array.of(Number.parseInt(code, 16)) }, end: start + 3 }
  }
  if (!isLetter(byte))
    return { token: { kind: 'control', word: String.fromCharCode(byte), value: undefined }, end: start + 1 }
  let end = start
  while (end < file.length && isLetter(file[end]!)) end++
  const word = file.toString('latin1', start, Math.min(end, start + longestWord))
  const digits = end
  if (file[end] === minus) end++
  while (end < file.length && isDigit(file[end]!)) end++
  const value =
    end === digits ? undefined : Number.parseInt(file.toString('latin1', digits, Math.min(end, digits + 11)), 10)
  if (file[end] === space) end++
  if (word === 'bin') return { token: null, end: end + Math.max(0, value ?? 0) }
  return { token: { kind: 'control', word, value: Number.isNaN(value) ? undefined : value }, end }
}

const longestWord = 32

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
