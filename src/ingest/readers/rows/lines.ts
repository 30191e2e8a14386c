import { createReadStream } from 'node:fs'
import { decoderOf } from '../encoding/decoders.ts'
import type { Encoding } from '../encoding/encoding.ts'
import { decodeUtf8, encodingFault } from '../encoding/utf8.ts'

/** Longer lines are rejected, because a line is read into memory as a whole. */
export const longestLineBytes = 16 * 2 ** 20

export type LineRead =
  { readonly number: number; readonly text: string } | { readonly number: number; readonly fault: string }

export interface LineOptions {
  /** Called with the number of further bytes read. */
  readonly onBytes?: ((bytes: number) => void) | undefined
  /** UTF-8 if undefined. */
  readonly encoding?: Encoding | undefined
}

const lineFeed = 0x0a

/**
 * The bytes of a file in UTF-8, whatever its encoding. Bytes that the encoding does not have become U+FFFD; those of a
 * UTF-8 file stay as they are.
 */
export async function* utf8Chunks(path: string, { onBytes, encoding }: LineOptions): AsyncGenerator<Buffer> {
  const name = encoding?.name ?? 'utf-8'
  const decoder = name === 'utf-8' ? null : decoderOf(name, { isFatal: false })
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 18 }) as AsyncIterable<Buffer>) {
    onBytes?.(chunk.length)
    yield decoder === null ? chunk : Buffer.from(decoder.write(chunk))
  }
  if (decoder !== null) yield Buffer.from(decoder.end())
}

/**
 * The lines of a file of any size, without line ends (LF or CRLF) and byte order mark. Bytes are split before they are
 * decoded, so that a line that is too long or not UTF-8 is one fault and the next line is read.
 */
export async function* readLines(path: string, options: LineOptions = {}): AsyncGenerator<LineRead> {
  let number = 0
  for await (const bytes of splitLines(path, options)) {
    number += 1
    const text = bytes === 'too long' ? null : decodeUtf8(bytes)
    if (bytes === 'too long') yield { number, fault: `is longer than ${longestLineBytes / 2 ** 20} MB` }
    else if (text === null) yield { number, fault: options.encoding?.refusal ?? encodingFault }
    else yield { number, text: text.endsWith('\r') ? text.slice(0, -1) : text }
  }
}

async function* splitLines(path: string, options: LineOptions): AsyncGenerator<Buffer | 'too long'> {
  let parts: Buffer[] = []
  let length = 0
  const take = (part: Buffer): void => {
    length += part.length
    if (length > longestLineBytes) parts = []
    else parts.push(part)
  }
  const line = (): Buffer | 'too long' => {
    const whole = length > longestLineBytes ? 'too long' : Buffer.concat(parts)
    parts = []
    length = 0
    return whole
  }
  for await (const chunk of utf8Chunks(path, options)) {
    let from = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, from)) {
      take(chunk.subarray(from, end))
      yield line()
      from = end + 1
    }
    take(chunk.subarray(from))
  }
  if (length > 0) yield line()
}
