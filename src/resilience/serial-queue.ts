import { systemClock, type Clock } from './deadline.ts'

export interface SerialQueueOptions {
  /** What comes when so many wait is not done at all. */
  readonly maxWaiting: number
  readonly onFailure: (error: unknown, what: string) => void
  readonly clock?: Clock
}

/**
 * Work behind the requests, one piece after the other: however much of it there is, it takes one connection and not
 * the pool. What is too much is dropped, so it must be such as can be.
 */
export function createSerialQueue({ maxWaiting, onFailure, clock = systemClock }: SerialQueueOptions) {
  let last: Promise<void> = Promise.resolve()
  let waiting = 0
  let isClosed = false

  /** False: there is too much already, and it will not be done. */
  function add(what: string, work: () => Promise<void>): boolean {
    if (isClosed || waiting >= maxWaiting) return false
    waiting++
    last = last
      .then(work)
      .catch((error: unknown) => onFailure(error, what))
      .finally(() => void waiting--)
    return true
  }

  /** Takes no more, and waits for what it has, `graceMs` at the most. */
  async function close(graceMs: number): Promise<void> {
    isClosed = true
    const { promise: isOver, resolve } = Promise.withResolvers<void>()
    const timer = clock.setTimeout(resolve, graceMs)
    await Promise.race([last, isOver])
    clock.clearTimeout(timer as never)
  }

  return { add, close }
}

export type SerialQueue = ReturnType<typeof createSerialQueue>
