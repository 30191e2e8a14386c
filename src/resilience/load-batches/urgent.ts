import { systemClock, type Clock } from '../deadline.ts'

/** Work that background work on the same server makes way for. */
export interface UrgentWork {
  run<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when none is under way, or after {@link longestWayMs}. Rejects with the signal's reason. */
  settled(signal: AbortSignal): Promise<void>
  /** Whether there was any lately. */
  isRecent(): boolean
}

/** Background work must come to an end where there is always something urgent. */
const longestWayMs = 2000
const recentMs = 5000

export function createUrgentWork(clock: Clock = systemClock): UrgentWork {
  const underWay = new Set<Promise<unknown>>()
  let lastAt = -Infinity

  async function run<T>(work: () => Promise<T>): Promise<T> {
    const running = work()
    underWay.add(running)
    try {
      return await running
    } finally {
      lastAt = clock.now()
      underWay.delete(running)
    }
  }

  async function settled(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (underWay.size === 0) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = clock.setTimeout(resolve, longestWayMs)
    void Promise.allSettled(underWay).then(() => resolve())
    try {
      await promise
    } finally {
      clock.clearTimeout(timer as never)
      signal.removeEventListener('abort', onAbort)
    }
  }

  return { run, settled, isRecent: () => underWay.size > 0 || clock.now() - lastAt < recentMs }
}
