import { fromBuffer, type Entry, type ZipFile } from 'yauzl'
import { UnreadableError } from '../content.ts'

/** The XML of the longest books takes a tenth of it; a ZIP bomb unpacks to gigabytes. */
const largestPartBytes = 128 * 2 ** 20

/** The parts of a ZIP container that pass the test, by name, as text. Parts such as pictures are never unpacked. */
export async function readParts(bytes: Buffer, isWanted: (name: string) => boolean): Promise<Map<string, string>> {
  const archive = await new Promise<ZipFile>((resolve, reject) =>
    fromBuffer(bytes, { lazyEntries: true }, (error, file) => (error ? reject(error) : resolve(file))),
  )
  const entries = await entriesOf(archive, isWanted)
  const size = entries.reduce((sum, entry) => sum + entry.uncompressedSize, 0)
  if (size > largestPartBytes) {
    throw new UnreadableError(`unpacks to more than ${largestPartBytes / 2 ** 20} MB; split it into smaller documents`)
  }
  const parts = new Map<string, string>()
  for (const entry of entries) parts.set(entry.fileName, decoded(await unpacked(archive, entry)))
  return parts
}

function entriesOf(archive: ZipFile, isWanted: (name: string) => boolean): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = []
    archive.on('entry', entry => {
      if (isWanted(entry.fileName)) entries.push(entry)
      archive.readEntry()
    })
    archive.on('end', () => resolve(entries))
    archive.on('error', reject)
    archive.readEntry()
  })
}

/** The library ends with an error if a part is longer than the directory says. */
async function unpacked(archive: ZipFile, entry: Entry): Promise<Buffer> {
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
    archive.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened))),
  )
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function decoded(bytes: Buffer): string {
  const isUtf16 =
    bytes.length > 1 && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
  return new TextDecoder(isUtf16 ? (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8').decode(bytes)
}
