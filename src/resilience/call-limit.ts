import type { Priority } from '../priority.ts'
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

/**
 * How a call ended. `late`: it was cut off at its deadline. `silent`: the server did not begin to reply in the time in
 * which a server that works on a call does. `none`: it says nothing about the server's capacity, because it failed or
 * its caller left.
 */
export type CallEnd = 'ok' | 'late' | 'silent' | 'none'

export interface CallPlace {
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

interface Judgement {
  /** How many times longer than expected it may take. */
  readonly factor: number
  /** There is no other call, so it is tried. */
  readonly isOnly: boolean
  readonly expectedAt: (position: number) => number
}

interface Waiter extends CallTerms {
  readonly caller: string
  readonly admit: (place: CallPlace) => void
  readonly reject: (reason: unknown) => void
}

interface Times {
  readonly ms: number
  /** Calls in flight when it was sent, itself included. */
  readonly inFlight: number
}

/** A call that succeeded. */
interface Sample extends Times {
  readonly endedAt: number
}

/** For what to expect of the next call. */
const recentSamples = 16
/** For the comparison of calls among few with calls among many. */
const comparedSamples = 32
/** With fewer, nothing is concluded. */
const leastSamples = 4
/** The limit never falls below this, except where the server itself asks for fewer calls. */
const floor = 4
/** The power of the number of calls with which their time grows: about 1 in a queue, 0 with a server that is slow. */
const queueing = 0.6
const flat = 0.3
const slower = 1.5
/** Calls that all take so many times longer than any before, or less, are of a server that has changed. */
const changeFactor = 1.5
/** Expected times are estimates. Who already waits is only told that it is in vain when it surely is. */
const margin = 1.25
const marginWithQueue = 1.5
const marginInQueue = 1
const shortestProbeGapMs = 5000
/** On suspicion, so many of the calls in flight are tried. */
const suspicionShare = 0.7
/** Pauses after refusals of a server that does not say when to come back. */
const firstOwnPauseMs = 100
const longestOwnPauseMs = 2000
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
 * - Time grows as the calls do: the server is saturated, if calls that end later show the same. The limit falls to what
 *   it can work on and as much again, and from now on each call has the server's pace to expect. From time to time
 *   a higher limit is tried.
 * - Calls are cut off at their deadline, though they took longer than usual, or have no word of a reply while others are
 *   in flight: the limit falls by a quarter.
 * - The server refuses a call (429): the limit falls by a third and grows slowly again, and no call is made until the time
 *   that the server gave.
 *
 * A call that cannot be answered before its deadline is rejected with {@link InVain}, at once where that is foreseen and
 * as soon as it is known where it already waits. At least one call is always allowed, so that a server that is quick
 * again is noticed.
 */
export function createCallLimit({
  max = Infinity,
  initial = 16,
  batchShare = 1,
  clock = systemClock,
}: CallLimitOptions = {}) {
  let limit = Math.min(initial, max)
  let inFlight = 0
  let batchInFlight = 0
  let recent: Sample[] = []
  let compared: Sample[] = []
  /** Suspected: calls have shown a queue once. Fewer are tried, and others must show it too. */
  let queue: 'none' | 'suspected' | 'shown' = 'none'
  /** While there is a queue, the time of one call alone. */
  let aloneMs = Infinity
  let probeAt = 0
  let shrunkAt = -Infinity
  let refusedAt = -Infinity
  let silentAt = -Infinity
  let refusalsInARow = 0
  let pausedUntil = 0
  let pauseTimer: unknown
  const queues = { interactive: createFairQueue<Waiter>(), batch: createFairQueue<Waiter>() } as const

  /** Rejects with {@link InVain} or the signal's reason. */
  function enter(terms: CallTerms): Promise<CallPlace> {
    if (terms.signal.aborted) return Promise.reject(terms.signal.reason)
    const position = inFlight + aheadOf(terms) + 1
    const waitMs = isInVain(terms, position, {
      factor: queue === 'none' ? margin : marginWithQueue,
      isOnly: position === 1,
      expectedAt: estimate(),
    })
    if (waitMs !== null) return Promise.reject(new InVain(waitMs, isPaused()))
    const mayStart = waitingCount(terms.priority) === 0 && hasRoom(terms.priority)
    return mayStart ? Promise.resolve(occupy(terms.priority)) : wait(terms)
  }

  /** Calls that wait and go before one of this priority, or at all. */
  function waitingCount(priority: Priority = 'batch'): number {
    return queues.interactive.size + (priority === 'batch' ? queues.batch.size : 0)
  }

  function hasRoom(priority: Priority): boolean {
    if (inFlight >= Math.floor(limit) || isPaused()) return false
    return priority === 'interactive' || batchInFlight < Math.max(1, Math.floor(batchShare * limit))
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
   * `position`: how many calls end before or together with this one, itself included. Null if it can be answered in
   * time.
   */
  function isInVain(
    { deadline }: CallTerms,
    position: number,
    { factor, isOnly, expectedAt }: Judgement,
  ): number | null {
    const remainingMs = deadline - clock.now()
    const pauseMs = Math.max(0, pausedUntil - clock.now())
    if (pauseMs >= remainingMs) return pauseMs
    if (isOnly || recent.length < leastSamples) return null
    const expectedMs = pauseMs + expectedAt(position)
    return expectedMs * factor > remainingMs ? expectedMs - remainingMs : null
  }

  /** Time until the reply to a call with so many others in flight or before it in the queue, itself included. */
  function estimate(): (position: number) => number {
    if (queue !== 'none') return estimateByPace()
    // The quickest of the latest: a server that is quick again is believed at once.
    const quickestMs = Math.min(...recent.slice(-leastSamples).map(sample => sample.ms))
    return position => quickestMs * (1 + Math.log2(Math.max(1, position / limit)))
  }

  /** The pace in two ways, of which the quicker one is believed. */
  function estimateByPace(): (position: number) => number {
    // Little's law: the pace is the number in flight over the time that each of them takes.
    const { ms, inFlight: usual } = meanOf(recent)
    const [first] = recent as [Sample, ...Sample[]] // there are some, or no queue would be known
    // Calls that began together may end together.
    const later = recent.filter(({ endedAt }) => endedAt > first.endedAt).length
    const gapMs = (clock.now() - first.endedAt) / Math.max(1, later)
    return position => Math.min(Math.max(1, position / usual) * ms, Math.max(ms, position * gapMs))
  }

  function occupy(priority: Priority): CallPlace {
    inFlight++
    if (priority === 'batch') batchInFlight++
    const sample = { inFlight, sentAt: clock.now() }
    let isOver = false
    return {
      leave(end) {
        if (isOver) return
        isOver = true
        const ms = clock.now() - sample.sentAt
        const ended = { ms, inFlight: sample.inFlight, endedAt: clock.now() }
        if (end === 'ok') learn(ended)
        else if (end === 'late') learnLate(ended)
        else if (end === 'silent') learnSilent()
        inFlight--
        if (priority === 'batch') batchInFlight--
        rejectInVain()
        admitNext()
      },
    }
  }

  function learn(sample: Sample): void {
    refusalsInARow = 0
    remember(sample)
    const isBinding = waitingCount() > 0 || inFlight >= Math.floor(limit)
    if (!isBinding) return
    if (queue === 'none') limit = Math.min(max, limit + growth())
    else if (clock.now() >= probeAt) probe()
  }

  /** By one per call. After a refusal by one per round of calls, as TCP avoids congestion; after silence even slower. */
  function growth(): number {
    if (clock.now() - silentAt < refusalMemoryMs) return 0.25 / limit
    return clock.now() - refusedAt < refusalMemoryMs ? 1 / limit : 1
  }

  function remember(sample: Sample): void {
    if (hasChanged()) forget()
    recent = [...recent, sample].slice(-recentSamples)
    compared = [...compared, sample].slice(-comparedSamples)
    compare()
  }

  /** What was learned before no longer holds. */
  function forget(): void {
    compared = compared.slice(-leastSamples)
    noQueue()
  }

  function noQueue(): void {
    queue = 'none'
    aloneMs = Infinity
  }

  /** Each of the latest calls took much longer than all before that were sent among as many, or less. */
  function hasChanged(): boolean {
    if (queue === 'none' || recent.length < 2 * leastSamples) return false
    const each = recent.map(({ ms, inFlight: among }) => ms / among)
    const [before, now] = [each.slice(0, -leastSamples), each.slice(-leastSamples)]
    return (
      Math.min(...now) > changeFactor * Math.max(...before) || Math.max(...now) * changeFactor < Math.min(...before)
    )
  }

  /** Compares calls that were sent among few with calls that were sent among many. */
  function compare(): void {
    const contrast = contrastOf(compared)
    if (contrast === null) return
    const { few, many } = contrast
    const { power, error } = powerOf(contrast)
    if (power - error > slower) forget()
    else if (power > queueing && power - error > (queue === 'none' ? 0 : flat)) saturate(meanOf(few), meanOf(many))
    else if (power + error < flat) noQueue()
  }

  /**
   * `few`: calls that were sent while few were in flight, so that their time is nearly that of one call alone.
   *
   * A server that gets slower has the more calls in flight the slower it is, which looks like a queue while old calls
   * are compared with new ones. So the first time is a suspicion only, and calls that ended later must confirm it.
   */
  function saturate(few: Times, many: Times): void {
    const { ms, inFlight: usual } = meanOf(recent)
    probeAt = clock.now() + probeGapMs(ms)
    aloneMs = Math.min(aloneMs, few.ms, ms)
    if (queue === 'none') {
      queue = 'suspected'
      limit = Math.max(Math.min(floor, max), Math.min(limit, many.inFlight * suspicionShare))
      compared = []
      return
    }
    // Little's law: what the server works on at a time is its pace times the time of one call. As many again wait there, so
    // that it has work until replies have come here and the next calls are sent.
    const atOnce = (usual / ms) * aloneMs
    limit = Math.max(Math.min(floor, max), Math.ceil(2 * atOnce))
    // Without samples among many there is no comparison until the limit is raised again.
    compared = compared.toSorted((a, b) => a.inFlight - b.inFlight).slice(0, comparedSamples / 2)
    queue = 'shown'
  }

  /** Tries half as much again, so that calls that were sent then can be compared. */
  function probe(): void {
    limit = Math.min(max, 1.5 * limit)
    probeAt = clock.now() + probeGapMs(meanOf(recent).ms)
  }

  /** A call that took at least this long. One that was cut off earlier than calls usually end says nothing. */
  function learnLate(sample: Sample): void {
    const usualMs = recent.length < leastSamples ? 0 : meanOf(recent).ms
    if (sample.ms < usualMs) return
    if (recent.length >= leastSamples) remember(sample)
    if (clock.now() - shrunkAt < usualMs) return
    shrunkAt = clock.now()
    limit = Math.max(Math.min(floor, max), Math.min(limit, Math.max(inFlight, sample.inFlight)) * 0.75)
  }

  /** While it works on other calls, the server had none left for this one. */
  function learnSilent(): void {
    if (inFlight <= 1 || clock.now() - silentAt < 1000) return
    silentAt = clock.now()
    limit = Math.max(1, Math.min(limit, inFlight) * 0.75)
  }

  /** The server said that it is busy, and for how long (0: it did not say). */
  function busy(pauseMs: number): void {
    const isNews = clock.now() >= pausedUntil
    if (isNews) refusalsInARow++
    refusedAt = clock.now()
    if (clock.now() - shrunkAt > 1000) {
      shrunkAt = clock.now()
      limit = Math.max(1, Math.min(limit, inFlight) * 0.7)
    }
    pause(pauseMs > 0 || !isNews ? pauseMs : Math.min(longestOwnPauseMs, firstOwnPauseMs * 2 ** (refusalsInARow - 1)))
  }

  /** No call is made for this time. */
  function pause(ms: number): void {
    const until = clock.now() + ms
    if (ms <= 0 || until <= pausedUntil) return
    pausedUntil = until
    clock.clearTimeout(pauseTimer as never)
    pauseTimer = clock.setTimeout(goOn, ms)
    // Whoever waits is kept alive by its connection; a command that is done must not wait for this.
    ;(pauseTimer as { unref?: () => void }).unref?.()
    rejectInVain()
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

  /** Tells those who wait in vain as soon as that is known. Where no call is in flight, the last one is tried. */
  function rejectInVain(): void {
    if (waitingCount() === 0) return
    let position = inFlight
    const expectedAt = estimate()
    const waiters = [...queues.interactive.inOrder(), ...queues.batch.inOrder()]
    for (const [at, waiter] of waiters.entries()) {
      const isOnly = position === 0 && at === waiters.length - 1
      const waitMs = isInVain(waiter, position + 1, { factor: marginInQueue, isOnly, expectedAt })
      if (waitMs === null) position++
      else waiter.reject(new InVain(waitMs, isPaused()))
    }
  }

  function status(): CallLimitStatus {
    return { limit: Math.floor(limit), inFlight, waiting: waitingCount(), isSaturated: queue === 'shown' }
  }

  return { enter, busy, pause, status }
}

export type CallLimit = ReturnType<typeof createCallLimit>

function meanOf(samples: readonly Times[]): Times {
  const sum = (pick: (sample: Times) => number) => samples.reduce((total, sample) => total + pick(sample), 0)
  const count = Math.max(1, samples.length)
  return { ms: sum(sample => sample.ms) / count, inFlight: sum(sample => sample.inFlight) / count }
}

interface Contrast {
  readonly few: readonly Times[]
  readonly many: readonly Times[]
}

/**
 * The third of the calls that were sent among the fewest others, and the third among the most. Null if they do not
 * differ enough to compare.
 */
function contrastOf(samples: readonly Times[]): Contrast | null {
  const third = Math.max(leastSamples, Math.floor(samples.length / 3))
  if (samples.length < 2 * third) return null
  const sorted = samples.toSorted((a, b) => a.inFlight - b.inFlight)
  const contrast = { few: sorted.slice(0, third), many: sorted.slice(-third) }
  return meanOf(contrast.many).inFlight >= 1.3 * meanOf(contrast.few).inFlight ? contrast : null
}

/** With which power of the number of calls their time grows, and the standard error: answers differ in length. */
function powerOf({ few, many }: Contrast): { readonly power: number; readonly error: number } {
  const [a, b] = [spreadOf(few), spreadOf(many)]
  const range = Math.log(meanOf(many).inFlight / meanOf(few).inFlight)
  return { power: (b.mean - a.mean) / range, error: Math.sqrt(a.variance + b.variance) / range }
}

/** Mean of the logarithms of times, and the variance of that mean. */
function spreadOf(samples: readonly Times[]): { readonly mean: number; readonly variance: number } {
  const logs = samples.map(({ ms }) => Math.log(Math.max(ms, 0.01)))
  const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length
  const squares = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  return { mean, variance: squares / (logs.length - 1) / logs.length }
}

function probeGapMs(callMs: number): number {
  return Math.max(shortestProbeGapMs, 5 * callMs)
}
