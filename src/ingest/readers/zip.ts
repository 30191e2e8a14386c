import { crc32 } from 'node:zlib'
import { fromBufferPromise, type Entry, type ZipFile } from 'yauzl'
import { UnreadableError } from './content.ts'
import { isTooDeep } from './too-deep.ts'

/** An archive in memory, whose entries are unpacked on demand. */
export interface Archive {
  readonly names: readonly string[]
  readonly has: (name: string) => boolean
  /** The unpacked entry, in pieces. The entry must exist. */
  readonly stream: (name: string) => AsyncGenerator<Buffer>
  /** The whole unpacked entry, or null if there is none with this name. */
  readonly bytes: (name: string) => Promise<Buffer | null>
}

export interface ArchiveLimits {
  readonly entries: number
  /** Bytes that may be unpacked from one archive, counting an entry each time it is read. */
  readonly unpackedBytes: number
  /** How many times its packed size an entry may unpack to, beyond {@link freeBytes}. */
  readonly ratio: number
}

const usualLimits: ArchiveLimits = { entries: 20_000, unpackedBytes: 512 * 2 ** 20, ratio: 200 }
/** Short entries may have any ratio: a page of repeated cells packs well. */
const freeBytes = 16 * 2 ** 20

/** Opens a ZIP archive. Names use `/`; a leading one is dropped. Of two entries with one name, the last is used. */
export async function openZip(bytes: Buffer, limits: ArchiveLimits = usualLimits): Promise<Archive> {
  const file = await fromBufferPromise(bytes, { lazyEntries: true, autoClose: false })
  const entries = new Map<string, Entry>()
  let count = 0
  for await (const entry of file.eachEntry()) {
    if (++count > limits.entries) throw new UnreadableError('has too many files inside')
    entries.set(entry.fileName.replace(/^\/+/, ''), entry)
  }
  const budget = { left: limits.unpackedBytes, ratio: limits.ratio }
  const stream = (name: string) => unpacked(file, entries.get(name)!, budget)
  return {
    names: [...entries.keys()].filter(name => !name.endsWith('/')),
    has: name => !name.endsWith('/') && entries.has(name),
    stream,
    bytes: async name => (entries.has(name) ? Buffer.concat(await Array.fromAsync(stream(name))) : null),
  }
}

async function* unpacked(
  file: ZipFile,
  entry: Entry,
  budget: { left: number; readonly ratio: number },
): AsyncGenerator<Buffer> {
  if (entry.isEncrypted()) throw new UnreadableError('is protected by a password; remove it first')
  const most = freeBytes + entry.compressedSize * budget.ratio
  let size = 0
  let checksum = 0
  const stream = await file.openReadStreamPromise(entry)
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    budget.left -= chunk.length
    if (budget.left < 0 || size > most) {
      stream.destroy()
      throw new UnreadableError('unpacks to far more than its size')
    }
    checksum = crc32(chunk, checksum)
    yield chunk
  }
  if (checksum !== entry.crc32) throw new Error('wrong checksum')
}

/** Runs a reader, and names the expected format when the file is not of it: `is damaged or not an EPUB book`. */
export async function readingAs<T>(format: string, bytes: Buffer, read: () => Promise<T>): Promise<T> {
  refuseCompoundFile(bytes, format)
  try {
    return await read()
  } catch (error) {
    if (error instanceof UnreadableError || isTooDeep(error)) throw error
    throw new UnreadableError(`is damaged or not ${format}`, { cause: error })
  }
}

const compoundFile = Buffer.from('d0cf11e0a1b11ae1', 'hex')

/** Office suites encrypt a document by putting it into a file of the older binary format. */
function refuseCompoundFile(bytes: Buffer, format: string): void {
  if (!bytes.subarray(0, 8).equals(compoundFile)) return
  const isEncrypted = bytes.includes(Buffer.from('EncryptedPackage', 'utf16le'))
  throw new UnreadableError(
    isEncrypted ? 'is protected by a password; remove it first' : `is of an older binary format; save it as ${format}`,
  )
}
