/** In bytes. No valid reply is as long: 96 vectors of 8,192 numbers, written out, are 17 MB. */
const longestReply = 64 * 1024 * 1024
/** Limit for the body of an error, in bytes. OpenAI's are shorter than 1 kB. */
const longestRefusal = 64 * 1024

export class ReplyTooLong extends Error {}

/** The body of a `Response` or of an undici reply. */
export type ReplyBody = AsyncIterable<Uint8Array> | null

/** Reads the whole body. Throws {@link ReplyTooLong} beyond 64 MB and closes the connection. */
export async function wholeOf(body: ReplyBody): Promise<string> {
  const { bytes, isCut } = await read(body, longestReply)
  if (isCut) throw new ReplyTooLong(`a reply of more than ${longestReply} bytes`)
  return new TextDecoder().decode(bytes)
}

/** Reads the first 64 kB and closes the connection if there is more. */
export async function beginningOf(body: ReplyBody): Promise<string> {
  const { bytes } = await read(body, longestRefusal)
  return new TextDecoder().decode(bytes)
}

/**
 * Copies into one buffer that doubles in size: a list of chunks takes a hundred times their size if each is one byte.
 */
async function read(body: ReplyBody, limit: number): Promise<{ readonly bytes: Uint8Array; readonly isCut: boolean }> {
  let buffer = new Uint8Array(0)
  let length = 0
  for await (const piece of body ?? []) {
    const fitting = piece.subarray(0, limit - length)
    if (length + fitting.length > buffer.length) buffer = grown(buffer, length + fitting.length)
    buffer.set(fitting, length)
    length += fitting.length
    if (fitting.length < piece.length) return { bytes: buffer.subarray(0, length), isCut: true }
  }
  return { bytes: buffer.subarray(0, length), isCut: false }
}

function grown(buffer: Uint8Array, least: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(least, buffer.length * 2))
  larger.set(buffer)
  return larger
}
