import type { Priority } from '../priority.ts'
import { systemClock, type Clock } from './deadline.ts'
import { createGradient } from './gradient.ts'

/**
 * Why a run was rejected.
 * - `queue`: the queue is full.
 * - `wait`: the expected wait exceeds the limit.
 * - `time`: the expected wait exceeds the time that the caller has left.
 * - `evicted`: an interactive run took its place in the queue.
 * - `overdue`: the wait took much longer than expected.
 */
export type RefusedBy = 'queue' | 'wait' | 'time' | 'evicted' | 'overdue'

export class Refused extends Error {
  readonly reason: RefusedBy
  /** Estimated time until there is room, in milliseconds. */
  readonly afterMs: number
  /** Time spent in the queue; 0 if rejected immediately. */
  readonly waitedMs: number

  constructor(reason: RefusedBy, afterMs: number, waitedMs = 0) {
    super(`refused: ${reason}`)
    this.name = 'Refused'
    this.reason = reason
    this.afterMs = afterMs
    this.waitedMs = waitedMs
  }
}

export interface LimiterOptions {
  /** The limit never falls below this, nor grows above `ceiling`. */
  readonly floor: number
  readonly ceiling: number
  /** The limit at the start. */
  readonly initial?: number
  readonly maxWaiting: number
  /** Longest expected wait. A tenth of the recent run time is allowed if that is more. */
  readonly maxWaitMs: number
  /** Share of the limit that batch runs may use, 0–1; at least one run. */
  readonly batchShare: number
  readonly clock?: Clock
}

export interface EnterTerms {
  readonly priority: Priority
  /** Aborts the wait. */
  readonly signal: AbortSignal
  /** Absolute time on the limiter's clock. */
  readonly deadline: number
}

/** A slot for one run. */
export interface Place {
  /** Time spent in the queue; absent if there was no wait. */
  readonly waitedMs?: number
  /** Call it once, on every way out. `kind` is as in {@link Sample}: null when the run did not succeed. */
  leave(kind: string | null): void
}

export interface LimiterStatus {
  readonly limit: number
  readonly inFlight: number
  readonly waiting: number
}

interface Waiter extends EnterTerms {
  readonly since: number
  readonly admit: (place: Place) => void
  readonly reject: (reason: unknown) => void
}

/**
 * The expected wait is an estimate. After this many times the longest allowed wait it was wrong, and the run is
 * rejected.
 */
const overdue = 10
const waitShare = 0.1

/**
 * Admits as many concurrent runs as do not slow each other down (gradient.ts) and lets a few wait. A run that would
 * wait too long is rejected immediately rather than after the wait. Interactive runs go before batch runs. Batch gets a
 * bounded share, and loses a place in the queue to an interactive run that finds none.
 */
export function createLimiter({
  floor,
  ceiling,
  initial = 20,
  maxWaiting,
  maxWaitMs,
  batchShare,
  clock = systemClock,
}: LimiterOptions) {
  const gradient = createGradient({ floor, ceiling, initial, now: clock.now })
  const running: Record<Priority, number> = { interactive: 0, batch: 0 }
  const queues: Readonly<Record<Priority, Set<Waiter>>> = { interactive: new Set(), batch: new Set() }

  /** Rejects with {@link Refused} or the signal's reason. */
  function enter(terms: EnterTerms): Promise<Place> {
    if (terms.signal.aborted) return Promise.reject(terms.signal.reason)
    if (hasRoom(terms.priority)) return Promise.resolve(occupy(terms.priority))
    const reason = refusalReason(terms)
    if (reason !== null) return Promise.reject(refusal(reason))
    if (isFull()) evict()
    return wait(terms)
  }

  /** What {@link enter} would reject with now, or null. Has no side effects. */
  function refuses(terms: EnterTerms): Refused | null {
    const reason = hasRoom(terms.priority) ? null : refusalReason(terms)
    return reason === null ? null : refusal(reason)
  }

  function hasRoom(priority: Priority): boolean {
    if (running.interactive + running.batch >= gradient.limit() || queues.interactive.size > 0) return false
    return priority === 'interactive' || (running.batch < shareOf('batch') && queues.batch.size === 0)
  }

  function shareOf(priority: Priority): number {
    return priority === 'interactive' ? gradient.limit() : Math.max(1, Math.floor(batchShare * gradient.limit()))
  }

  function occupy(priority: Priority, since?: number): Place {
    const enteredAt = clock.now()
    let isDone = false
    running[priority]++
    return {
      ...(since !== undefined && { waitedMs: enteredAt - since }),
      leave(kind) {
        if (isDone) return
        isDone = true
        gradient.add({ ms: clock.now() - enteredAt, inFlight: running.interactive + running.batch, kind })
        running[priority]--
        admitNext()
      },
    }
  }

  /** Null when the run may wait. */
  function refusalReason({ priority, deadline }: EnterTerms): RefusedBy | null {
    const recentMs = gradient.recentMs() ?? 0
    const ahead = queues.interactive.size + (priority === 'batch' ? queues.batch.size : 0)
    // The limit may have fallen below the number of running runs. Some must then finish before any is admitted.
    const surplus = Math.max(0, running.interactive + running.batch - gradient.limit())
    const expectedMs = ((surplus + ahead + 1) * recentMs) / shareOf(priority)
    if (expectedMs >= deadline - clock.now()) return 'time'
    if (expectedMs > longestWaitMs()) return 'wait'
    return isFull() && (priority === 'batch' || queues.batch.size === 0) ? 'queue' : null
  }

  function isFull(): boolean {
    return queues.interactive.size + queues.batch.size >= maxWaiting
  }

  function longestWaitMs(): number {
    return Math.max(maxWaitMs, waitShare * (gradient.recentMs() ?? 0))
  }

  /** Evicts the newest batch waiter: it has waited least. */
  function evict(): void {
    const victim = [...queues.batch].at(-1)
    victim?.reject(refusal('evicted', victim.since))
  }

  function refusal(reason: RefusedBy, since?: number): Refused {
    return new Refused(reason, gradient.recentMs() ?? 0, since === undefined ? 0 : clock.now() - since)
  }

  function wait(terms: EnterTerms): Promise<Place> {
    const { priority, signal, deadline } = terms
    const { promise, resolve, reject } = Promise.withResolvers<Place>()
    const queue = queues[priority]
    const since = clock.now()
    const remainingMs = deadline - since
    const limitMs = overdue * longestWaitMs()
    const timer = clock.setTimeout(
      () => waiter.reject(refusal(remainingMs < limitMs ? 'time' : 'overdue', since)),
      Math.min(remainingMs, limitMs),
    )
    const onAbort = () => waiter.reject(signal.reason)
    const stop = () => {
      queue.delete(waiter)
      clock.clearTimeout(timer as never)
      signal.removeEventListener('abort', onAbort)
    }
    const waiter: Waiter = {
      ...terms,
      since,
      admit: place => (stop(), resolve(place)),
      reject: reason => (stop(), reject(reason), admitNext()),
    }
    signal.addEventListener('abort', onAbort, { once: true })
    queue.add(waiter)
    return promise
  }

  function admitNext(): void {
    for (let waiter = nextWaiter(); waiter !== undefined; waiter = nextWaiter())
      waiter.admit(occupy(waiter.priority, waiter.since))
  }

  function nextWaiter(): Waiter | undefined {
    if (running.interactive + running.batch >= gradient.limit()) return undefined
    const [interactive] = queues.interactive
    if (interactive) return interactive
    const [batch] = queues.batch
    return running.batch < shareOf('batch') ? batch : undefined
  }

  function status(): LimiterStatus {
    return {
      limit: gradient.limit(),
      inFlight: running.interactive + running.batch,
      waiting: queues.interactive.size + queues.batch.size,
    }
  }

  return { enter, refuses, status }
}

export type Limiter = ReturnType<typeof createLimiter>
