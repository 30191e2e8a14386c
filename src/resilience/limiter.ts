import type { Priority } from '../priority.ts'
import { systemClock, type Clock } from './deadline.ts'
import { createFairQueue } from './fair-queue.ts'
import { createGradient } from './gradient.ts'
import { withoutStack } from './without-stack.ts'

/**
 * Why a run was rejected.
 * - `queue`: the queue is full.
 * - `wait`: the expected wait exceeds the limit.
 * - `time`: the expected wait exceeds the time that the caller has left.
 * - `evicted`: a run of higher priority, or of a caller with fewer waiting runs, took its place in the queue.
 * - `overdue`: the wait took longer than expected.
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
  /** Most runs at a time, working or waiting for a model: each of them holds memory. */
  readonly maxPresent?: number
  readonly maxWaiting: number
  /** Longest expected wait. */
  readonly maxWaitMs: number
  /** Share of the limit that batch runs may use, 0–1; at least one run. */
  readonly batchShare: number
  readonly clock?: Clock
}

export interface EnterTerms {
  readonly priority: Priority
  /** Whose run it is. Callers take turns in the queue. Runs without one share one turn. */
  readonly caller?: string | undefined
  /** Aborts the wait. */
  readonly signal: AbortSignal
  /** Absolute time on the limiter's clock. */
  readonly deadline: number
}

/** The place of one run. */
export interface Place {
  /** Time spent in the queue; absent if there was no wait. */
  readonly waitedMs?: number
  /**
   * Lets others work while this run waits for something remote, which needs no processor here. It returns before any
   * run that has not begun, and goes on without a place when its time is over. Settles as `wait` does.
   */
  away<T>(wait: () => Promise<T>): Promise<T>
  /**
   * The local work is done, though the run may go on, for example waiting for its model. `kind` is as in
   * {@link Sample}: null when the work did not succeed. Only the first call counts.
   */
  finish(kind: string | null): void
  /** The run is over. Call it once, on every way out. Finishes the work if that was not done. */
  leave(kind: string | null): void
}

export interface LimiterStatus {
  readonly limit: number
  /** Runs that work, without those that wait for something remote. */
  readonly inFlight: number
  readonly waiting: number
}

interface Waiter extends EnterTerms {
  readonly caller: string
  readonly since: number
  readonly admit: (place: Place) => void
  readonly reject: (reason: unknown) => void
}

/** The expected wait is an estimate. After this many times the longest one it was wrong, and the run is rejected. */
const overdue = 2
/** The same, until the newest run goes first. Estimates are often a little wrong, and order is fair. */
const late = 1.5
/** Longer ones would end at once. */
const longestTimerMs = 2 ** 31 - 1
/** A run that has waited for this share of its time is late. */
const lateShare = 0.75

/**
 * Limits the local work of runs: analyzing, searching, quoting. It admits as many at a time as do not slow each other
 * down (gradient.ts) and lets the others wait as long as their deadlines allow; a run whose wait would be too long is
 * rejected immediately rather than after the wait. A run that waits for a model, or for another remote server, does not
 * count: it uses no processor and no connection.
 *
 * Interactive runs go before batch runs, which have a bounded share and lose their place in a full queue. Callers take
 * turns. First come, first served; but where waits turn out longer than expected, the newest run goes first, so that
 * those who are served still have time (adaptive LIFO, see Maurer, "Fail at Scale", ACM Queue 13:8, 2015).
 */
export function createLimiter({
  floor,
  ceiling,
  initial = 20,
  maxPresent = Infinity,
  maxWaiting,
  maxWaitMs,
  batchShare,
  clock = systemClock,
}: LimiterOptions) {
  const gradient = createGradient({ floor, ceiling, initial, now: clock.now })
  const working: Record<Priority, number> = { interactive: 0, batch: 0 }
  let present = 0
  const queues = { interactive: createFairQueue<Waiter>(), batch: createFairQueue<Waiter>() } as const
  /** Runs that were away and go on as soon as there is room. */
  const returning = new Set<() => void>()

  /** Rejects with {@link Refused} or the signal's reason. */
  function enter(terms: EnterTerms): Promise<Place> {
    if (terms.signal.aborted) return Promise.reject(terms.signal.reason)
    if (hasRoom(terms.priority)) return Promise.resolve(occupy(terms))
    const refused = refuses(terms)
    if (refused !== null) return Promise.reject(refused)
    if (isFull()) evictFor(terms)
    return wait(terms)
  }

  /** What {@link enter} would reject with now, or null. Has no side effects. */
  function refuses(terms: Omit<EnterTerms, 'signal'>): Refused | null {
    if (hasRoom(terms.priority)) return null
    const expectedMs = expectedWaitMs(terms)
    const remainingMs = terms.deadline - clock.now()
    // After the wait the run needs time for its own work.
    if (expectedMs + (gradient.recentMs() ?? 0) >= remainingMs) return refusal('time', expectedMs)
    if (expectedMs > maxWaitMs) return refusal('wait', expectedMs - maxWaitMs)
    return isFull() && victimFor(terms) === undefined ? refusal('queue', expectedMs) : null
  }

  function workingCount(): number {
    return working.interactive + working.batch
  }

  function isFree(): boolean {
    return workingCount() < gradient.limit()
  }

  function hasRoom(priority: Priority): boolean {
    if (!isFree() || present >= maxPresent || returning.size > 0 || queues.interactive.size > 0) return false
    return priority === 'interactive' || (working.batch < shareOf('batch') && queues.batch.size === 0)
  }

  function shareOf(priority: Priority): number {
    return priority === 'interactive' ? gradient.limit() : Math.max(1, Math.floor(batchShare * gradient.limit()))
  }

  function expectedWaitMs({ priority, caller = '' }: Pick<EnterTerms, 'priority' | 'caller'>): number {
    const recentMs = gradient.recentMs() ?? 0
    const queued =
      priority === 'interactive'
        ? queues.interactive.ahead(caller)
        : queues.interactive.size + queues.batch.ahead(caller)
    // The limit may have fallen below the number of working runs. Some must then finish before any is admitted.
    const surplus = Math.max(0, workingCount() - gradient.limit())
    return ((surplus + returning.size + queued + 1) * recentMs) / shareOf(priority)
  }

  function isFull(): boolean {
    return queues.interactive.size + queues.batch.size >= maxWaiting
  }

  /** The waiting run that loses its place to this one in a full queue: the one that has waited least. */
  function victimFor({ priority, caller = '' }: Pick<EnterTerms, 'priority' | 'caller'>): Waiter | undefined {
    if (priority === 'batch') return queues.batch.newestOfLongest(caller)
    return queues.batch.inOrder().at(-1) ?? queues.interactive.newestOfLongest(caller)
  }

  function evictFor(terms: EnterTerms): void {
    const victim = victimFor(terms)
    victim?.reject(refusal('evicted', expectedWaitMs(victim), victim.since))
  }

  function refusal(reason: RefusedBy, afterMs: number, since?: number): Refused {
    const untilRoomMs = Math.max(afterMs, gradient.recentMs() ?? 0)
    const waitedMs = since === undefined ? 0 : clock.now() - since
    return withoutStack(() => new Refused(reason, untilRoomMs, waitedMs))
  }

  function occupy(terms: EnterTerms, since?: number): Place {
    const { priority } = terms
    let startedAt = clock.now()
    const waitedMs = since === undefined ? undefined : startedAt - since
    let localMs = 0
    let [isWorking, isFinished, isOver] = [true, false, false]
    let comeBack: (() => void) | undefined
    working[priority]++
    present++

    /** Returns how many worked at the same time, this run included. */
    function stop(): number {
      if (!isWorking) return workingCount() + 1
      isWorking = false
      localMs += clock.now() - startedAt
      return working[priority]-- + working[priority === 'batch' ? 'interactive' : 'batch']
    }

    function start(): void {
      isWorking = true
      startedAt = clock.now()
      working[priority]++
    }

    async function roomToReturn(): Promise<void> {
      if (isFinished || isWorking || terms.signal.aborted) return
      if (isFree()) return start()
      await new Promise<void>(resolve => {
        comeBack = untilOver(
          terms,
          () => {
            if (!isFinished) start()
            resolve()
          },
          resolve,
        )
      })
    }

    function finish(kind: string | null): void {
      if (isFinished) return
      isFinished = true
      gradient.add({ inFlight: stop(), ms: localMs, kind })
      if (comeBack && returning.delete(comeBack)) comeBack()
      admitNext()
    }

    return {
      ...(waitedMs !== undefined && { waitedMs }),
      async away(waitFor) {
        if (!isWorking) return await waitFor()
        stop()
        admitNext()
        try {
          return await waitFor()
        } finally {
          await roomToReturn()
        }
      },
      finish,
      leave(kind) {
        if (isOver) return
        isOver = true
        present--
        finish(kind)
        admitNext()
      },
    }
  }

  /** Adds `comeBack` to those that return; `giveUp` is called instead if the run is over before there is room. */
  function untilOver({ signal, deadline }: EnterTerms, comeBack: () => void, giveUp: () => void): () => void {
    const timer = clock.setTimeout(() => leave(giveUp), Math.min(deadline - clock.now(), longestTimerMs))
    const onAbort = () => leave(giveUp)
    const goOn = () => leave(comeBack)
    function leave(how: () => void): void {
      returning.delete(goOn)
      clock.clearTimeout(timer as never)
      signal.removeEventListener('abort', onAbort)
      how()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    returning.add(goOn)
    return goOn
  }

  function wait(terms: EnterTerms): Promise<Place> {
    const { priority, signal, deadline, caller = '' } = terms
    const { promise, resolve, reject } = Promise.withResolvers<Place>()
    const queue = queues[priority]
    const since = clock.now()
    const remainingMs = deadline - since
    const limitMs = overdue * maxWaitMs
    const timer = clock.setTimeout(
      () => waiter.reject(refusal(remainingMs < limitMs ? 'time' : 'overdue', 0, since)),
      Math.min(remainingMs, limitMs),
    )
    const onAbort = () => waiter.reject(signal.reason)
    const stop = () => {
      queue.remove(waiter)
      clock.clearTimeout(timer as never)
      signal.removeEventListener('abort', onAbort)
    }
    const waiter: Waiter = {
      ...terms,
      caller,
      since,
      admit: place => (stop(), resolve(place)),
      reject: reason => (stop(), reject(reason), admitNext()),
    }
    signal.addEventListener('abort', onAbort, { once: true })
    queue.add(waiter)
    return promise
  }

  function admitNext(): void {
    for (const comeBack of returning) {
      if (!isFree()) return
      returning.delete(comeBack)
      comeBack()
    }
    for (let waiter = nextWaiter(); waiter !== undefined; waiter = nextWaiter())
      waiter.admit(occupy(waiter, waiter.since))
  }

  function nextWaiter(): Waiter | undefined {
    if (!isFree() || present >= maxPresent) return undefined
    const waiter = queues.interactive.take(isLate)
    if (waiter) return waiter
    return working.batch < shareOf('batch') ? queues.batch.take(isLate) : undefined
  }

  /** The wait took longer than it was expected to: those behind may not make it either, if each waits for the oldest. */
  function isLate({ since, deadline }: Waiter): boolean {
    return clock.now() - since > Math.min(late * maxWaitMs, lateShare * (deadline - since))
  }

  function status(): LimiterStatus {
    return {
      limit: gradient.limit(),
      inFlight: workingCount(),
      waiting: queues.interactive.size + queues.batch.size + returning.size,
    }
  }

  return { enter, refuses, status }
}

export type Limiter = ReturnType<typeof createLimiter>
