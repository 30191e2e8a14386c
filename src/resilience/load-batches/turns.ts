import type { Clock } from '../deadline.ts'

/** Lets batches run at the same time only while that makes none of them slower. */
export interface BatchTurns {
  /** Resolves when the batch may run; rejects with the signal's reason. */
  enter(signal: AbortSignal): Promise<BatchTurn>
  /** From now on one at a time, for a while. */
  narrow(): void
}

export interface BatchTurn {
  /** Call this on every way out. `msPerWeight` of a batch that succeeded. */
  leave(msPerWeight?: number): void
}

/** At a time, where the server is as quick with several. */
const widest = 4
/** A batch that ran next to others and took this many times as long as one alone has waited for them. */
const slower = 1.5
/** After this time it is tried again whether the server works on several at a time. */
const widenAfterMs = 60_000
const usualWeight = 0.3

/**
 * A server that works on one batch at a time gains nothing from several, and each of them waits for the others: then
 * they run one after another, first come, first served.
 */
export function createBatchTurns(clock: Pick<Clock, 'now'>): BatchTurns {
  const waiting = new Set<() => void>()
  let running = 0
  let narrowUntil = -Infinity
  /** Of batches that ran alone. Null until one has. */
  let alone: number | null = null

  const width = () => (alone === null || clock.now() < narrowUntil ? 1 : widest)

  function narrow(): void {
    narrowUntil = clock.now() + widenAfterMs
  }

  function begin(): void {
    for (const start of waiting) {
      if (running >= width()) return
      waiting.delete(start)
      running += 1
      start()
    }
  }

  function learn(msPerWeight: number, wasAlone: boolean): void {
    if (wasAlone) alone = alone === null ? msPerWeight : alone + usualWeight * (msPerWeight - alone)
    else if (alone !== null && msPerWeight > slower * alone) narrow()
  }

  async function enter(signal: AbortSignal): Promise<BatchTurn> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leaveQueue = () => {
      if (waiting.delete(resolve)) reject(signal.reason)
    }
    signal.addEventListener('abort', leaveQueue, { once: true })
    waiting.add(resolve)
    begin()
    await promise.finally(() => signal.removeEventListener('abort', leaveQueue))
    const begunWith = running
    return {
      leave(msPerWeight) {
        if (msPerWeight !== undefined) learn(msPerWeight, begunWith === 1 && running === 1)
        running -= 1
        begin()
      },
    }
  }

  return { enter, narrow }
}
