const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Decodes the bytes, without a byte order mark, or returns null if they are not valid UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}

/** Why bytes cannot be decoded, and how to fix the file. */
export const encodingFault = 'is not valid UTF-8; save it as UTF-8'
