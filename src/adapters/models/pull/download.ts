import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat, statfs, writeFile, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NotThere, PullError } from './pull-error.ts'

export interface Download {
  readonly url: string
  /** Where the file is to be. Until it is complete, it is next to that with the ending `.part`. */
  readonly file: string
  /** SHA-256 in hexadecimal, where it is known. */
  readonly sha256?: string | undefined
  readonly signal: AbortSignal
  /** Called with the bytes received so far, and the size if the server has said it. */
  readonly onBytes: (received: number, size: number | null) => void
  /** Called before the download goes on after a broken connection. */
  readonly onRetry: (attempt: number, reason: string) => void
  readonly sleep?: (ms: number) => Promise<unknown>
}

export interface Downloaded {
  readonly bytes: number
  readonly sha256: string
}

const mostAttempts = 6
/** A connection that sends nothing for so long is broken. */
const silenceMs = 60_000

/** A connection broke, or the server had a failure that may pass. */
class Broken extends Error {}

/**
 * Downloads a file, and goes on where it was when the connection breaks, or a process before was stopped. It is in its
 * place only when it is complete and its sum is right. Rejects with a {@link PullError}, or the signal's reason.
 */
export async function download(options: Download): Promise<Downloaded> {
  const { file, signal, onRetry, sleep: pause = sleep } = options
  await mkdir(dirname(file), { recursive: true })
  for (let attempt = 1; ; attempt++) {
    try {
      await receive(options)
      return await putInPlace(options)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof Broken)) throw await readable(error, options)
      if (attempt === mostAttempts)
        throw new PullError(
          `${options.url} could not be downloaded: ${error.message}; run the same command again to go on from there`,
        )
      onRetry(attempt, error.message)
      await pause(Math.min(30_000, 500 * 2 ** attempt))
    }
  }
}

/** Receives what is missing of the file into its part. */
async function receive({ url, file, signal, onBytes }: Download): Promise<void> {
  const known = await partOf(file)
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(new Broken('the server sent nothing for a minute')), silenceMs)
  const aborted = AbortSignal.any([signal, silence.signal])
  try {
    const response = await fetch(url, { headers: rangeFrom(known), signal: aborted }).catch(brokenUnless(aborted))
    const from = await startFor(response, known, url)
    if (from === null) return
    const size = sizeOf(response, from)
    const tag = response.headers.get('etag')
    await writeFile(tagFile(file), JSON.stringify({ url, tag, size }))
    if (size !== null) await rejectFullDisk(file, size - from)
    const part = await open(partFile(file), from === 0 ? 'w' : 'r+')
    try {
      let at = from
      for await (const chunk of chunksOf(response, aborted)) {
        timer.refresh()
        await writeAll(part, chunk, at)
        at += chunk.length
        onBytes(at, size)
      }
      if (size !== null && at < size) throw new Broken(`the connection broke after ${at} of ${size} bytes`)
    } finally {
      await part.close()
    }
  } finally {
    clearTimeout(timer)
  }
}

interface Part {
  readonly bytes: number
  /** Weak ones do not say that the bytes are equal. */
  readonly tag: string | null
}

/** What an earlier attempt has left. Without a tag nothing says that it is of the file that is there now. */
async function partOf(file: string): Promise<Part> {
  const none = { bytes: 0, tag: null }
  try {
    const { tag } = JSON.parse(await readFile(tagFile(file), 'utf8')) as { readonly tag: string | null }
    const { size: bytes } = await stat(partFile(file))
    return tag === null || tag.startsWith('W/') ? none : { bytes, tag }
  } catch {
    return none
  }
}

/** Without compression, in which a range would be one of other bytes. */
function rangeFrom({ bytes, tag }: Part): Record<string, string> {
  const plain = { 'accept-encoding': 'identity' }
  return bytes > 0 && tag !== null ? { ...plain, range: `bytes=${bytes}-`, 'if-range': tag } : plain
}

/** Where the body begins in the file; null if the part is complete already. */
async function startFor(response: Response, known: Part, url: string): Promise<number | null> {
  const { status } = response
  if (status === 206) return known.bytes
  if (status === 200) return 0
  await response.body?.cancel()
  if (status === 416 && known.bytes > 0) return null
  if (status >= 500 || status === 429 || status === 408) throw new Broken(`the server replied with status ${status}`)
  const advice = `(status ${status}); name another address, or a folder, with --from`
  if (status === 404) throw new NotThere(`${url}: there is no such file ${advice}`)
  throw new PullError(`${url}: the server does not give the file out ${advice}`)
}

function sizeOf(response: Response, from: number): number | null {
  const [, total] = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? []
  if (total !== undefined) return Number(total)
  const length = response.headers.get('content-length')
  return length === null ? null : from + Number(length)
}

async function rejectFullDisk(file: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(file))
  if (bavail * bsize < needed) throw fullDisk(file, needed)
}

function fullDisk(file: string, needed: number | null): PullError {
  const room = needed === null ? 'make room' : `${Math.ceil(needed / 1e6)} MB are needed`
  return new PullError(`the disk of ${dirname(file)} is full: ${room}, then run the same command again`)
}

async function* chunksOf(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) yield chunk as Uint8Array
  } catch (error) {
    brokenUnless(signal)(error)
  }
}

/** Rejects with the signal's reason, or as broken. */
function brokenUnless(signal: AbortSignal): (error: unknown) => never {
  return error => {
    if (signal.aborted) throw signal.reason
    const { message, cause } = error as Error
    const why = cause instanceof Error ? ((cause as { readonly code?: string }).code ?? cause.message) : message
    throw new Broken(`the connection broke (${why})`)
  }
}

async function writeAll(part: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < chunk.length;)
    done += (await part.write(chunk, done, chunk.length - done, at + done)).bytesWritten
}

/** Compares the sum, then moves the part to its place. One with a wrong sum is deleted. */
async function putInPlace({ url, file, sha256: expected }: Download): Promise<Downloaded> {
  const found = await sumOf(partFile(file))
  if (expected !== undefined && found.sha256 !== expected) {
    await discard(file)
    throw new PullError(
      `${url} is not the file that was expected: its SHA-256 is ${found.sha256}, not ${expected}; it was deleted. If the address has another version of the model by intention, remove what was pulled before: askwell models remove`,
    )
  }
  await rename(partFile(file), file)
  await rm(tagFile(file), { force: true })
  return found
}

/** Of a disk without room, the part is deleted: nobody wants a full disk because of it. */
async function readable(error: unknown, { file }: Download): Promise<unknown> {
  const code = (error as { readonly code?: string }).code
  if (error instanceof PullError) return error
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    await discard(file)
    return fullDisk(file, null)
  }
  if (code === undefined || !/^E[A-Z]+$/.test(code)) return error
  return new PullError(`${file} cannot be written (${code}); check the permissions of DATA_DIR`)
}

async function discard(file: string): Promise<void> {
  await rm(partFile(file), { force: true })
  await rm(tagFile(file), { force: true })
}

export async function sumOf(file: string): Promise<Downloaded> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(file)) {
    hash.update(chunk as Buffer)
    bytes += (chunk as Buffer).length
  }
  return { bytes, sha256: hash.digest('hex') }
}

function partFile(file: string): string {
  return `${file}.part`
}

function tagFile(file: string): string {
  return `${file}.part.json`
}
