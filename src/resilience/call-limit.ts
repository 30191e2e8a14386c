import type { Priority } from '../priority.ts'
import { createCallCapacity, type CallEnd, type CallExpectation, type CallLoad } from './call-capacity.ts'
import { systemClock, type Clock } from './deadline.ts'
import { createFairQueue } from './fair-queue.ts'

export interface CallLimitOptions {
  /** Most calls at a time, where the operator knows it; otherwise the limit is learned without an upper bound. */
  readonly max?: number
  /** The limit at the start. */
  readonly initial?: number
  /** Share of the limit that batch calls may use, 0–1; at least one call. */
  readonly batchShare?: number
  readonly clock?: Clock
}

export interface CallTerms {
  readonly priority: Priority
  /** Whose call it is. Callers take turns in the queue. */
  readonly caller?: string | undefined
  /** Aborts the wait. */
  readonly signal: AbortSignal
  /** Absolute time on the limit's clock, after which a reply is of no use. */
  readonly deadline: number
}

export interface CallPlace {
  /** The first token of the reply came. A server that does not show when it begins is one that never calls this. */
  begin(): void
  /** Call it once, on every way out. */
  leave(end: CallEnd): void
}

/** The server cannot answer this call before its deadline, so it was not made. */
export class InVain extends Error {
  /** When a call might be answered in time, in milliseconds from now. */
  readonly afterMs: number
  /** The server asked for no calls until then. Otherwise too many calls wait for it. */
  readonly isPause: boolean

  constructor(afterMs: number, isPause = false) {
    super('the server cannot answer in time')
    this.name = 'InVain'
    this.afterMs = afterMs
    this.isPause = isPause
  }
}

export interface CallLimitStatus {
  readonly limit: number
  readonly inFlight: number
  readonly waiting: number
  /** More calls at a time would only wait in the server. */
  readonly isSaturated: boolean
}

interface Waiter extends CallTerms {
  readonly caller: string
  readonly admit: (place: CallPlace) => void
  readonly reject: (reason: unknown) => void
}

/** A call that already waits is only rejected when it is surely in vain: expected times are estimates. */
const marginInQueue = 1
/** Pauses after refusals of a server that does not say when to come back. */
const firstOwnPauseMs = 100
const longestOwnPauseMs = 2000

/**
 * Lets as many calls to a server be in flight as it can work on ({@link createCallCapacity}), and the others wait for
 * their turn. Callers take turns, and interactive calls go before batch calls.
 *
 * A call that cannot be answered before its deadline is rejected with {@link InVain}, at once where that is foreseen and
 * as soon as it is known where it already waits. At least one call is always allowed, so that a server that is quick
 * again is noticed. After a refusal (429), no call is made until the time that the server gave.
 */
export function createCallLimit({
  max = Infinity,
  initial = 16,
  batchShare = 1,
  clock = systemClock,
}: CallLimitOptions = {}) {
  const capacity = createCallCapacity({ max, initial, clock })
  let inFlight = 0
  let batchInFlight = 0
  let refusalsInARow = 0
  let pausedUntil = 0
  let pauseTimer: unknown
  let guessTimer: unknown
  const queues = { interactive: createFairQueue<Waiter>(), batch: createFairQueue<Waiter>() } as const

  /** Rejects with {@link InVain} or the signal's reason. */
  function enter(terms: CallTerms): Promise<CallPlace> {
    if (terms.signal.aborted) return Promise.reject(terms.signal.reason)
    const position = inFlight + aheadOf(terms) + 1
    const expectation = position === 1 ? null : capacity.expectation()
    const waitMs = vainFor(terms, position, expectation)
    if (waitMs !== null) return Promise.reject(new InVain(waitMs, isPaused()))
    const mayStart = waitingCount(terms.priority) === 0 && hasRoom(terms.priority)
    return mayStart ? Promise.resolve(occupy(terms.priority)) : wait(terms)
  }

  /** Calls that wait and go before one of this priority, or at all. */
  function waitingCount(priority: Priority = 'batch'): number {
    return queues.interactive.size + (priority === 'batch' ? queues.batch.size : 0)
  }

  function hasRoom(priority: Priority): boolean {
    if (inFlight >= Math.floor(capacity.limit) || isPaused()) return false
    return priority === 'interactive' || batchInFlight < Math.max(1, Math.floor(batchShare * capacity.limit))
  }

  function isPaused(): boolean {
    return pausedUntil > clock.now()
  }

  function aheadOf({ priority, caller = '' }: CallTerms): number {
    return priority === 'interactive'
      ? queues.interactive.ahead(caller)
      : queues.interactive.size + queues.batch.ahead(caller)
  }

  /**
   * Null if it can be answered in time, or if that is not known; otherwise the time until when it might be.
   * `position`: how many calls end before or together with this one, itself included.
   */
  function vainFor({ deadline }: CallTerms, position: number, expectation: CallExpectation | null): number | null {
    const remainingMs = deadline - clock.now()
    const pauseMs = Math.max(0, pausedUntil - clock.now())
    if (pauseMs >= remainingMs) return pauseMs
    if (expectation === null) return null
    const expectedMs = pauseMs + expectation.expectedMs(position)
    return expectedMs * expectation.margin > remainingMs ? expectedMs - remainingMs : null
  }

  function occupy(priority: Priority): CallPlace {
    inFlight++
    if (priority === 'batch') batchInFlight++
    const call = capacity.send(inFlight)
    let isOver = false
    return {
      begin() {
        if (isOver) return
        capacity.begun(call, load())
        admitNext()
      },
      leave(end) {
        if (isOver) return
        isOver = true
        if (end === 'ok') refusalsInARow = 0
        capacity.ended(call, end, load())
        guessAfter(capacity.unclearMs(call))
        inFlight--
        if (priority === 'batch') batchInFlight--
        rejectInVain()
        admitNext()
      },
    }
  }

  function load(): CallLoad {
    return { inFlight, waiting: waitingCount() }
  }

  function guessAfter(ms: number | null): void {
    if (ms === null || waitingCount() === 0) return
    clock.clearTimeout(guessTimer as never)
    guessTimer = setBackgroundTimer(() => {
      capacity.guess()
      rejectInVain()
    }, ms)
  }

  /** The server said that it is busy, and for how long (0: it did not say). */
  function busy(pauseMs: number): void {
    const isNews = clock.now() >= pausedUntil
    if (isNews) refusalsInARow++
    capacity.refused(load())
    pause(pauseMs > 0 || !isNews ? pauseMs : Math.min(longestOwnPauseMs, firstOwnPauseMs * 2 ** (refusalsInARow - 1)))
  }

  /** No call is made for this time. */
  function pause(ms: number): void {
    const until = clock.now() + ms
    if (ms <= 0 || until <= pausedUntil) return
    pausedUntil = until
    clock.clearTimeout(pauseTimer as never)
    pauseTimer = setBackgroundTimer(goOn, ms)
    rejectInVain()
  }

  /** Whoever waits is kept alive by its connection; a command that is done must not wait for this. */
  function setBackgroundTimer(fire: () => void, ms: number): unknown {
    const timer: unknown = clock.setTimeout(fire, ms)
    ;(timer as { unref?: () => void }).unref?.()
    return timer
  }

  /** A timer may fire a little early by the clock. */
  function goOn(): void {
    pausedUntil = 0
    admitNext()
  }

  function wait(terms: CallTerms): Promise<CallPlace> {
    const { promise, resolve, reject } = Promise.withResolvers<CallPlace>()
    const line = queues[terms.priority]
    const onAbort = () => waiter.reject(terms.signal.reason)
    const stop = () => {
      line.remove(waiter)
      terms.signal.removeEventListener('abort', onAbort)
    }
    const waiter: Waiter = {
      ...terms,
      caller: terms.caller ?? '',
      admit: place => (stop(), resolve(place)),
      reject: reason => (stop(), reject(reason)),
    }
    terms.signal.addEventListener('abort', onAbort, { once: true })
    line.add(waiter)
    return promise
  }

  function admitNext(): void {
    while (hasRoom('interactive')) {
      const waiter = queues.interactive.take() ?? (hasRoom('batch') ? queues.batch.take() : undefined)
      if (!waiter) return
      waiter.admit(occupy(waiter.priority))
    }
  }

  /** Rejects calls that wait in vain as soon as that is known. Where no call is in flight, the last one is tried. */
  function rejectInVain(): void {
    if (waitingCount() === 0) return
    let position = inFlight
    const known = capacity.expectation()
    const expectation = known && { ...known, margin: marginInQueue }
    const waiters = [...queues.interactive.inOrder(), ...queues.batch.inOrder()]
    for (const [at, waiter] of waiters.entries()) {
      const isOnly = position === 0 && at === waiters.length - 1
      const waitMs = vainFor(waiter, position + 1, isOnly ? null : expectation)
      if (waitMs === null) position++
      else waiter.reject(new InVain(waitMs, isPaused()))
    }
  }

  function status(): CallLimitStatus {
    return {
      limit: Math.floor(capacity.limit),
      inFlight,
      waiting: waitingCount(),
      isSaturated: capacity.isSaturated,
    }
  }

  return { enter, busy, pause, status }
}

export type CallLimit = ReturnType<typeof createCallLimit>
