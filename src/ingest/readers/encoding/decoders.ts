import iconv from 'iconv-lite'

/** Decodes bytes piece by piece. A fatal decoder throws on bytes that the encoding does not have. */
export interface Decoder {
  write(bytes: Uint8Array): string
  end(): string
}

/**
 * The name of an encoding as the web knows it (`latin1` is windows-1252), of one that only iconv-lite knows (VISCII,
 * KZ-1048), or null if it is unknown.
 */
export function canonicalName(label: string): string | null {
  const plain = label.trim().toLowerCase()
  try {
    return new TextDecoder(plain).encoding
  } catch {
    const alias = /^(?:kz-?1048|strk1048-2002)$/.test(plain) ? 'rk1048' : plain
    return /^[\w.:-]{2,40}$/.test(alias) && iconv.encodingExists(alias) && !isNoCharset(alias) ? alias : null
  }
}

/** iconv-lite also offers these transfer encodings. */
function isNoCharset(name: string): boolean {
  return /^(?:base64|hex|binary|ucs2)$/.test(name)
}

/** The decoder of a {@link canonicalName}. A byte order mark is dropped. */
export function decoderOf(name: string, { isFatal }: { readonly isFatal: boolean }): Decoder {
  if (isOfTheWeb(name)) {
    const decoder = new TextDecoder(name, { fatal: isFatal })
    return { write: bytes => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() }
  }
  const decoder = iconv.getDecoder(name)
  const checked = (text: string): string => {
    if (isFatal && text.includes('\ufffd')) throw new TypeError(`the bytes are not ${name}`)
    return text
  }
  return {
    write: bytes => checked(decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))),
    end: () => checked(decoder.end() ?? ''),
  }
}

function isOfTheWeb(name: string): boolean {
  try {
    new TextDecoder(name)
    return true
  } catch {
    return false
  }
}

/** The text, or null if it has bytes that the encoding does not have. */
export function decodedWith(name: string, bytes: Uint8Array): string | null {
  try {
    const decoder = decoderOf(name, { isFatal: true })
    return decoder.write(bytes) + decoder.end()
  } catch {
    return null
  }
}
