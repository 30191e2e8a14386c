import type { Priority } from '../priority.ts'
import { systemClock, type Clock } from './deadline.ts'
import { createFairQueue } from './fair-queue.ts'

export interface CallLimitOptions {
  /** Most calls at a time, where the operator knows it; otherwise the limit is learned without an upper bound. */
  readonly max?: number
  /** The limit at the start. */
  readonly initial?: number
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

/**
 * How a call ended. `late`: it was cut off at its deadline. `none`: it says nothing about the server's capacity, because
 * it failed or its caller left.
 */
export type CallEnd = 'ok' | 'late' | 'none'

export interface CallPlace {
  /** Call it once, on every way out. */
  leave(end: CallEnd): void
}

/** The server cannot answer this call before its deadline, so it was not made. */
export class InVain extends Error {
  /** When a call might be answered in time, in milliseconds from now. */
  readonly afterMs: number

  constructor(afterMs: number) {
    super('the server cannot answer in time')
    this.name = 'InVain'
    this.afterMs = afterMs
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

/** A call that succeeded. */
interface Sample {
  readonly ms: number
  /** Calls in flight when it was sent, itself included. */
  readonly inFlight: number
}

/** For what to expect of the next call. */
const recentSamples = 8
/** For the comparison of calls among few with calls among many. */
const comparedSamples = 32
/** With fewer, nothing is concluded. */
const leastSamples = 4
/** The limit never falls below this, except where the server itself asks for fewer calls. */
const floor = 4
/** Expected times are estimates. Who already waits is only told that it is in vain when it surely is. */
const margin = 1.25
const marginInQueue = 1
const shortestProbeGapMs = 5000
/** A server that refused a call is believed for this long to refuse others. */
const refusalMemoryMs = 60_000

/**
 * Learns how many calls a server can work on at a time. Remote APIs work on hundreds, and are slow now and then; a local
 * server (Ollama, llama.cpp) works on a few and lets the others wait in silence. Both look the same from outside: replies
 * get slow. They differ in what follows: with a queue, twice the calls take twice the time; with a slow server, twice
 * the calls take the same time. So the time of calls is compared with how many were in flight when they were sent:
 *
 * - Time does not grow with the calls, or grows faster than they do (the server has just become slow): the limit grows by
 *   one per call that succeeds while others wait, which doubles it in the time of one call (slow start of TCP).
 * - Time grows as the calls do: the server is saturated. The limit falls to what it can work on and half as much again,
 *   and from now on each call has the server's pace to expect. From time to time a higher limit is tried.
 * - Calls are cut off at their deadline, though they took longer than usual: the limit falls by a quarter.
 * - The server refuses a call (429): the limit falls by a third and grows slowly again, and no call is made until the time
 *   that the server gave.
 *
 * A call that cannot be answered before its deadline is rejected with {@link InVain}, at once where that is foreseen and
 * as soon as it is known where it already waits. At least one call is always allowed, so that a server that is quick
 * again is noticed.
 */
export function createCallLimit({ max = Infinity, initial = 16, clock = systemClock }: CallLimitOptions = {}) {
  let limit = Math.min(initial, max)
  let inFlight = 0
  let recent: Sample[] = []
  let compared: Sample[] = []
  let isSaturated = false
  let probeAt = 0
  let shrunkAt = -Infinity
  let refusedAt = -Infinity
  let pausedUntil = 0
  let pauseTimer: unknown
  const queues = { interactive: createFairQueue<Waiter>(), batch: createFairQueue<Waiter>() } as const

  /** Rejects with {@link InVain} or the signal's reason. */
  function enter(terms: CallTerms): Promise<CallPlace> {
    if (terms.signal.aborted) return Promise.reject(terms.signal.reason)
    const waitMs = isInVain(terms, inFlight + aheadOf(terms) + 1, margin)
    if (waitMs !== null) return Promise.reject(new InVain(waitMs))
    return hasRoom() && waitingCount() === 0 ? Promise.resolve(occupy()) : wait(terms)
  }

  function waitingCount(): number {
    return queues.interactive.size + queues.batch.size
  }

  function hasRoom(): boolean {
    return inFlight < Math.floor(limit) && pausedUntil <= clock.now()
  }

  function aheadOf({ priority, caller = '' }: CallTerms): number {
    return priority === 'interactive'
      ? queues.interactive.ahead(caller)
      : queues.interactive.size + queues.batch.ahead(caller)
  }

  /** `position`: how many calls end before or together with this one. Null if it can be answered in time. */
  function isInVain({ deadline }: CallTerms, position: number, factor: number): number | null {
    const remainingMs = deadline - clock.now()
    const pauseMs = Math.max(0, pausedUntil - clock.now())
    if (pauseMs >= remainingMs) return pauseMs
    if (inFlight === 0 || recent.length < leastSamples) return null
    const expectedMs = pauseMs + expectedMsAt(position)
    return expectedMs * factor > remainingMs ? expectedMs - remainingMs : null
  }

  /** Time until the reply to a call with `position − 1` others in flight or before it in the queue. */
  function expectedMsAt(position: number): number {
    // Little's law: the pace is the number in flight over the time that each of them takes.
    const { ms, inFlight: usual } = meanOf(recent)
    if (isSaturated) return Math.max(1, position / usual) * ms
    // The quickest of the latest: a server that is quick again is believed at once.
    const quickestMs = Math.min(...recent.slice(-leastSamples).map(sample => sample.ms))
    return quickestMs * (1 + Math.log2(Math.max(1, position / limit)))
  }

  function occupy(): CallPlace {
    inFlight++
    const sample = { inFlight, sentAt: clock.now() }
    let isOver = false
    return {
      leave(end) {
        if (isOver) return
        isOver = true
        const ms = clock.now() - sample.sentAt
        if (end === 'ok') learn({ ms, inFlight: sample.inFlight })
        else if (end === 'late') learnLate({ ms, inFlight: sample.inFlight })
        inFlight--
        admitNext()
        if (end === 'ok') rejectInVain()
      },
    }
  }

  function learn(sample: Sample): void {
    remember(sample)
    const isBinding = waitingCount() > 0 || inFlight >= Math.floor(limit)
    if (!isBinding) return
    // After a refusal by one per round of calls, as TCP avoids congestion; otherwise by one per call.
    const growth = clock.now() - refusedAt < refusalMemoryMs ? 1 / limit : 1
    if (!isSaturated) limit = Math.min(max, limit + growth)
    else if (clock.now() >= probeAt) probe()
  }

  function remember(sample: Sample): void {
    recent = [...recent, sample].slice(-recentSamples)
    compared = [...compared, sample].slice(-comparedSamples)
    compare()
  }

  /** Compares calls that were sent among few with calls that were sent among many. */
  function compare(): void {
    const contrast = contrastOf(compared)
    if (contrast === null) return
    const { few, many } = contrast
    const growth = Math.log(many.ms / few.ms) / Math.log(many.inFlight / few.inFlight)
    if (growth > 1.5) {
      // Slower for another reason than the number of calls. What was learned before no longer holds.
      compared = compared.slice(-leastSamples)
      isSaturated = false
    } else if (growth > 0.6) saturate(few)
    else if (growth < 0.3) isSaturated = false
  }

  /** `few`: calls that were sent while few were in flight, so that their time is nearly that of one call alone. */
  function saturate(few: Sample): void {
    const { ms, inFlight: usual } = meanOf(recent)
    // Little's law: what the server works on at a time is its pace times the time of one call.
    const atOnce = (usual / ms) * Math.min(few.ms, ms)
    limit = Math.max(Math.min(floor, max), Math.ceil(1.5 * atOnce))
    // Without samples among many there is no comparison until the limit is raised again.
    compared = compared.toSorted((a, b) => a.inFlight - b.inFlight).slice(0, comparedSamples / 2)
    isSaturated = true
    probeAt = clock.now() + Math.max(shortestProbeGapMs, 10 * ms)
  }

  /** Tries half as much again, until calls that were sent then can be compared. */
  function probe(): void {
    limit = Math.min(max, 1.5 * limit)
    probeAt = Infinity
  }

  /** A call that took at least this long. One that was cut off earlier than calls usually end says nothing. */
  function learnLate(sample: Sample): void {
    const usualMs = recent.length < leastSamples ? 0 : meanOf(recent).ms
    if (sample.ms < usualMs) return
    if (recent.length >= leastSamples) remember(sample)
    if (clock.now() - shrunkAt < usualMs) return
    shrunkAt = clock.now()
    limit = Math.max(Math.min(floor, max), Math.min(limit, inFlight) * 0.75)
  }

  /** The server said that it is busy, and for how long (0: it did not say). */
  function busy(pauseMs: number): void {
    refusedAt = clock.now()
    if (clock.now() - shrunkAt > 1000) {
      shrunkAt = clock.now()
      limit = Math.max(1, Math.min(limit, inFlight) * 0.7)
    }
    pause(pauseMs)
  }

  /** No call is made for this time. */
  function pause(ms: number): void {
    const until = clock.now() + ms
    if (ms <= 0 || until <= pausedUntil) return
    pausedUntil = until
    clock.clearTimeout(pauseTimer as never)
    pauseTimer = clock.setTimeout(admitNext, ms)
    // Whoever waits is kept alive by its connection; a command that is done must not wait for this.
    ;(pauseTimer as { unref?: () => void }).unref?.()
    rejectInVain()
  }

  function wait(terms: CallTerms): Promise<CallPlace> {
    const { promise, resolve, reject } = Promise.withResolvers<CallPlace>()
    const queue = queues[terms.priority]
    const onAbort = () => waiter.reject(terms.signal.reason)
    const stop = () => {
      queue.remove(waiter)
      terms.signal.removeEventListener('abort', onAbort)
    }
    const waiter: Waiter = {
      ...terms,
      caller: terms.caller ?? '',
      admit: place => (stop(), resolve(place)),
      reject: reason => (stop(), reject(reason)),
    }
    terms.signal.addEventListener('abort', onAbort, { once: true })
    queue.add(waiter)
    return promise
  }

  function admitNext(): void {
    while (hasRoom()) {
      const waiter = queues.interactive.take() ?? queues.batch.take()
      if (!waiter) return
      waiter.admit(occupy())
    }
  }

  /** Tells those who wait in vain as soon as that is known. */
  function rejectInVain(): void {
    let position = inFlight
    for (const waiter of [...queues.interactive.inOrder(), ...queues.batch.inOrder()]) {
      const waitMs = isInVain(waiter, position + 1, marginInQueue)
      if (waitMs === null) position++
      else waiter.reject(new InVain(waitMs))
    }
  }

  function status(): CallLimitStatus {
    return { limit: Math.floor(limit), inFlight, waiting: waitingCount(), isSaturated }
  }

  return { enter, busy, pause, status }
}

export type CallLimit = ReturnType<typeof createCallLimit>

function meanOf(samples: readonly Sample[]): Sample {
  const sum = (pick: (sample: Sample) => number) => samples.reduce((total, sample) => total + pick(sample), 0)
  const count = Math.max(1, samples.length)
  return { ms: sum(sample => sample.ms) / count, inFlight: sum(sample => sample.inFlight) / count }
}

/**
 * The third of the calls that were sent among the fewest others, and the third among the most. Null if they do not
 * differ enough to compare.
 */
function contrastOf(samples: readonly Sample[]): { readonly few: Sample; readonly many: Sample } | null {
  const third = Math.max(leastSamples, Math.floor(samples.length / 3))
  if (samples.length < 2 * third) return null
  const sorted = samples.toSorted((a, b) => a.inFlight - b.inFlight)
  const [few, many] = [meanOf(sorted.slice(0, third)), meanOf(sorted.slice(-third))]
  return many.inFlight >= 1.3 * few.inFlight ? { few, many } : null
}
