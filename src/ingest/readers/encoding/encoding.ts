import { open } from 'node:fs/promises'
import { UnreadableError } from '../content.ts'
import { canonicalName, decodedWith } from './decoders.ts'
import { detectEncoding } from './detect-encoding.ts'

/** How bytes are to be decoded. */
export interface Encoding {
  readonly name: string
  /** Set if the file states no encoding and this one was assumed: a sentence that follows the file name. */
  readonly warning?: string
  /** Set if the bytes are in no encoding that is certain; the name is then UTF-8. */
  readonly refusal?: string
}

const utf8: Encoding = { name: 'utf-8' }

const marks: readonly (readonly [string, readonly number[]])[] = [
  ['utf-32le', [0xff, 0xfe, 0, 0]],
  ['utf-32be', [0, 0, 0xfe, 0xff]],
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]

/** The encoding by a byte order mark, by zero bytes, by what most bytes are, by a declaration, or by detection. */
export function encodingOf(sample: Uint8Array, declared: string | null = null): Encoding {
  const marked = marks.find(([, bytes]) => bytes.every((byte, i) => sample[i] === byte))
  if (marked !== undefined) return { name: marked[0] }
  const wide = wideName(sample)
  if (wide !== null) return { name: wide, warning: assumed(wide) }
  const { valid, invalid } = utf8Bytes(sample)
  // One wrong byte in UTF-8 is a mistake, not another encoding.
  if (invalid === 0 || valid > invalid) return utf8
  const stated = declared === null ? null : canonicalName(declared)
  if (stated !== null && stated !== 'utf-8' && !stated.startsWith('utf-') && decodedWith(stated, sample) !== null)
    return { name: stated }
  const detected = detectEncoding(sample)
  if (detected?.isCertain) return { name: detected.name, warning: assumed(detected.name) }
  return { ...utf8, refusal: refusalOf(detected?.name) }
}

function assumed(name: string): string {
  return `states no encoding and was read as ${shownName(name)}; check the text, and save it as UTF-8`
}

function refusalOf(likely: string | undefined): string {
  return likely === undefined
    ? 'is not valid UTF-8; save it as UTF-8'
    : `is not valid UTF-8; it may be ${shownName(likely)}: convert it to UTF-8`
}

function shownName(name: string): string {
  return /^(?:utf-|koi8|gb|big5|euc|iso|tcvn|viscii)/.test(name)
    ? name.toUpperCase()
    : name === 'rk1048'
      ? 'KZ-1048'
      : name
}

/** UTF-16 without a mark: text contains zero bytes then, all in one half of the pairs. */
function wideName(sample: Uint8Array): string | null {
  const zeros = [0, 0] as [number, number]
  for (let i = 0; i < sample.length; i++) if (sample[i] === 0) zeros[i % 2]! += 1
  const [even, odd] = zeros
  if (even + odd === 0 || (even + odd) * 50 < sample.length) return null
  const name = odd > even ? 'utf-16le' : 'utf-16be'
  const text = decodedWith(name, sample.subarray(0, sample.length - (sample.length % 2)))
  return text === null || /(?![\t\n\v\f\r])\p{Cc}|[\ue000-\uf8ff\ufffe\uffff]/u.test(text) ? null : name
}

/** Number of characters beyond ASCII that are valid UTF-8, and of bytes that are not. */
function utf8Bytes(sample: Uint8Array): { valid: number; invalid: number } {
  let valid = 0
  let invalid = 0
  for (let at = 0; at < sample.length;) {
    const length = sequenceLength(sample, at)
    // The sample may end within a character.
    if (length === 0 && sample.length - at < 4 && at > 0 && sample.length >= sampleBytes) break
    if (length === 0) invalid += 1
    else if (length > 1) valid += 1
    at += Math.max(1, length)
  }
  return { valid, invalid }
}

/** Length of the valid UTF-8 sequence at this place, or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) return 1
  const length =
    first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  return length
}

/** Bytes that decide about the encoding. */
const sampleBytes = 2 ** 16

/** Decodes a whole file. `declaredIn` finds what the text states about its encoding. Throws an {@link UnreadableError}. */
export function decodeText(
  bytes: Uint8Array,
  declaredIn: (head: string) => string | null = () => null,
): { readonly text: string; readonly warning?: string } {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString('latin1')
  const encoding = encodingOf(foreignPart(bytes), declaredIn(head))
  if (encoding.refusal !== undefined) throw new UnreadableError(encoding.refusal)
  const text = decodedWith(encoding.name, bytes)
  if (text !== null) return { text, ...(encoding.warning !== undefined && { warning: encoding.warning }) }
  if (encoding.name === 'utf-8')
    throw new UnreadableError(`is not valid UTF-8 in line ${wrongLine(bytes)}; save it as UTF-8`)
  throw new UnreadableError(`has bytes that ${shownName(encoding.name)} does not have; convert it to UTF-8`)
}

/** The bytes that decide: the beginning of the file, or the part from its first character beyond ASCII on. */
function foreignPart(bytes: Uint8Array): Uint8Array {
  const start = bytes.subarray(0, sampleBytes)
  if (bytes.length <= sampleBytes || start.some(byte => byte >= 0x80 || byte === 0)) return start
  const first = bytes.findIndex(byte => byte >= 0x80)
  const from = first === -1 ? 0 : first - (first % 2)
  return bytes.subarray(from, from + sampleBytes)
}

function wrongLine(bytes: Uint8Array): number {
  let line = 1
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at)
    if (length === 0) return line
    if (bytes[at] === 0x0a) line += 1
    at += length
  }
  return line
}

/** Bytes of a file of rows that are searched for the first character beyond ASCII. */
const searchedBytes = 2 ** 24

/** The encoding of a file that is read line by line. */
export async function encodingOfFile(path: string): Promise<Encoding> {
  const file = await open(path)
  try {
    const buffer = Buffer.alloc(sampleBytes)
    let sample: Buffer = buffer.subarray(0, 0)
    for (let at = 0; at < searchedBytes; at += sampleBytes) {
      const { bytesRead } = await file.read(buffer, 0, sampleBytes, at)
      const part = buffer.subarray(0, bytesRead)
      if (at === 0 || part.some(byte => byte >= 0x80)) sample = Buffer.from(part)
      if (bytesRead < sampleBytes || sample.some(byte => byte >= 0x80 || byte === 0)) break
    }
    return encodingOf(sample)
  } finally {
    await file.close()
  }
}

/** The encoding that an HTML page or an XML file declares in its first lines. */
export function declaredInMarkup(head: string): string | null {
  const xml = /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/i.exec(head)
  if (xml?.[1] !== undefined) return xml[1]
  const meta = /<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(head)
  return meta?.[1] ?? null
}
