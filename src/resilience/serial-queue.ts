import { systemClock, type Clock } from './deadline.ts'

export interface SerialQueueOptions {
  /** Work added while this many items wait is dropped. */
  readonly maxWaiting: number
  readonly onFailure: (error: unknown, what: string) => void
  readonly clock?: Clock
}

/**
 * Runs background work one item at a time, so that it uses one connection however much there is. Work beyond
 * `maxWaiting` is dropped, so use it only for work that may be.
 */
export function createSerialQueue({ maxWaiting, onFailure, clock = systemClock }: SerialQueueOptions) {
  let last: Promise<void> = Promise.resolve()
  let waiting = 0
  let isClosed = false

  /** Returns false if the work is dropped. */
  function add(what: string, work: () => Promise<void>): boolean {
    if (isClosed || waiting >= maxWaiting) return false
    waiting++
    last = last
      .then(work)
      .catch((error: unknown) => onFailure(error, what))
      .finally(() => void waiting--)
    return true
  }

  /** Accepts no more work and waits up to `graceMs` for what is queued. */
  async function close(graceMs: number): Promise<void> {
    isClosed = true
    const { promise: graceOver, resolve } = Promise.withResolvers<void>()
    const timer = clock.setTimeout(resolve, graceMs)
    await Promise.race([last, graceOver])
    clock.clearTimeout(timer as never)
  }

  return { add, close }
}

export type SerialQueue = ReturnType<typeof createSerialQueue>
