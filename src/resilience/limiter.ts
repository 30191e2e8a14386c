import type { Priority } from '../priority.ts'
import { systemClock, type Clock } from './deadline.ts'
import { createGradient } from './gradient.ts'

/**
 * `queue`: no place to wait; `wait`: it would take too long; `time`: longer than the caller has; `evicted`: an
 * interactive one came for the place; `overdue`: it took much longer than expected.
 */
export type RefusedBy = 'queue' | 'wait' | 'time' | 'evicted' | 'overdue'

export class Refused extends Error {
  readonly reason: RefusedBy
  /** When there may be room again. */
  readonly afterMs: number
  /** In the queue; 0: refused at once. */
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
  /** What it starts from. */
  readonly initial?: number
  readonly maxWaiting: number
  /** Longer than this is not waited, or than a tenth of what runs take. */
  readonly maxWaitMs: number
  /** Of the limit, 0…1: what batch may take of it, one at the least. */
  readonly batchShare: number
  readonly clock?: Clock
}

export interface EnterTerms {
  readonly priority: Priority
  /** Ends the waiting. */
  readonly signal: AbortSignal
  /** Absolute, on the limiter's clock. */
  readonly deadline: number
}

/** Room for one run. */
export interface Place {
  /** In the queue; absent: not at all. */
  readonly waitedMs?: number
  /** Must be called on every way out; once. `kind` as in {@link Sample}: null when the run did not end well. */
  leave(kind: string | null): void
}

export interface LimiterStatus {
  readonly limit: number
  readonly inFlight: number
  readonly waiting: number
}

interface Waiter extends EnterTerms {
  readonly since: number
  readonly give: (place: Place) => void
  readonly refuse: (reason: unknown) => void
}

/** The wait is an estimate: after so many times what it may be at most, it was a wrong one. */
const overdue = 10
const waitShare = 0.1

/**
 * Admits as many runs at once as do not slow each other down (gradient.ts), and lets a few wait for their turn.
 * Whoever would wait too long is refused at once and not after waiting. Interactive goes before batch, which gets a
 * share at the most and gives up its place in the queue when an interactive one finds no other.
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

  /** Rejects with {@link Refused}, or the signal's reason. */
  function enter(terms: EnterTerms): Promise<Place> {
    if (terms.signal.aborted) return Promise.reject(terms.signal.reason)
    if (hasRoom(terms.priority)) return Promise.resolve(occupy(terms.priority))
    const reason = whyNot(terms)
    if (reason !== null) return Promise.reject(refusal(reason))
    if (isFull()) evict()
    return wait(terms)
  }

  /** What {@link enter} would reject with now, and nothing is changed by asking; null: it would not. */
  function refuses(terms: EnterTerms): Refused | null {
    const reason = hasRoom(terms.priority) ? null : whyNot(terms)
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
    let hasLeft = false
    running[priority]++
    return {
      ...(since !== undefined && { waitedMs: enteredAt - since }),
      leave(kind) {
        if (hasLeft) return
        hasLeft = true
        gradient.add({ ms: clock.now() - enteredAt, inFlight: running.interactive + running.batch, kind })
        running[priority]--
        admitNext()
      },
    }
  }

  /** Null: it may wait. */
  function whyNot({ priority, deadline }: EnterTerms): RefusedBy | null {
    const recentMs = gradient.recentMs() ?? 0
    const ahead = queues.interactive.size + (priority === 'batch' ? queues.batch.size : 0)
    // The limit may have fallen below what runs: then some must leave before anybody is let in.
    const surplus = Math.max(0, running.interactive + running.batch - gradient.limit())
    const expectedMs = ((surplus + ahead + 1) * recentMs) / shareOf(priority)
    if (expectedMs >= deadline - clock.now()) return 'time'
    if (expectedMs > longestMs()) return 'wait'
    return isFull() && (priority === 'batch' || queues.batch.size === 0) ? 'queue' : null
  }

  function isFull(): boolean {
    return queues.interactive.size + queues.batch.size >= maxWaiting
  }

  function longestMs(): number {
    return Math.max(maxWaitMs, waitShare * (gradient.recentMs() ?? 0))
  }

  /** The one that came last: it has waited least. */
  function evict(): void {
    const victim = [...queues.batch].at(-1)
    victim?.refuse(refusal('evicted', victim.since))
  }

  function refusal(reason: RefusedBy, since?: number): Refused {
    return new Refused(reason, gradient.recentMs() ?? 0, since === undefined ? 0 : clock.now() - since)
  }

  function wait(terms: EnterTerms): Promise<Place> {
    const { priority, signal, deadline } = terms
    const { promise, resolve, reject } = Promise.withResolvers<Place>()
    const queue = queues[priority]
    const since = clock.now()
    const leftMs = deadline - since
    const longest = overdue * longestMs()
    const timer = clock.setTimeout(
      () => waiter.refuse(refusal(leftMs < longest ? 'time' : 'overdue', since)),
      Math.min(leftMs, longest),
    )
    const onAbort = () => waiter.refuse(signal.reason)
    const stop = () => {
      queue.delete(waiter)
      clock.clearTimeout(timer as never)
      signal.removeEventListener('abort', onAbort)
    }
    const waiter: Waiter = {
      ...terms,
      since,
      give: place => (stop(), resolve(place)),
      refuse: reason => (stop(), reject(reason), admitNext()),
    }
    signal.addEventListener('abort', onAbort, { once: true })
    queue.add(waiter)
    return promise
  }

  function admitNext(): void {
    for (let waiter = nextWaiter(); waiter !== undefined; waiter = nextWaiter())
      waiter.give(occupy(waiter.priority, waiter.since))
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
