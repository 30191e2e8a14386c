import type { ReplyBody } from '../reply-bounds.ts'

/** `late`: the limit passed, and the body may still go on. */
export type Read = Uint8Array | 'end' | 'late'

export interface BodyReader {
  /** Rejects as the body does. `limitMs` of null: no limit. */
  read(limitMs: number | null): Promise<Read>
  /** Reads the rest in the background for a while, so that the connection can serve another call; then closes it. */
  drain(): void
}

/** Servers close a reply right after its end, if at all. */
const drainMs = 1000
const drainBytes = 64 * 1024

/** Reads a body piece by piece. `close` ends its connection. */
export function readerOf(body: ReplyBody, close: () => void): BodyReader {
  const pieces = body?.[Symbol.asyncIterator]()
  // A piece that came late is the next one.
  let coming: Promise<Uint8Array | 'end'> | undefined

  function next(): Promise<Uint8Array | 'end'> {
    coming ??= pieces ? pieces.next().then(({ done, value }) => (done ? 'end' : (value as Uint8Array))) : ended
    return coming
  }

  async function read(limitMs: number | null): Promise<Read> {
    const piece = await (limitMs === null ? next() : within(limitMs, next()))
    if (piece !== 'late') coming = undefined
    return piece
  }

  async function drainAll(): Promise<void> {
    const until = performance.now() + drainMs
    for (let left = drainBytes; left > 0;) {
      const piece = await read(Math.max(0, until - performance.now()))
      if (piece === 'end') return
      if (piece === 'late') break
      left -= piece.length
    }
    close()
    await coming
  }

  return {
    read,
    // What happens to a reply after its end concerns nobody.
    drain: () => void drainAll().catch(() => {}),
  }
}

const ended = Promise.resolve('end' as const)

async function within<T>(ms: number, work: Promise<T>): Promise<T | 'late'> {
  const { promise, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(resolve, ms, 'late')
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
