import { compareCalls, leastSamples, type CallTimes } from './call-comparison.ts'
import { createCallPace } from './call-pace.ts'
import type { Clock } from './deadline.ts'
import { clearlyLonger, createFirstCalls, type FirstCall } from './first-calls.ts'

export interface CallCapacityOptions {
  readonly max: number
  readonly initial: number
  readonly clock: Pick<Clock, 'now'>
}

/**
 * How a call ended. `late`: it was cut off at its deadline. `silent`: the server did not begin to reply in the time in
 * which a server that works on a call does. `none`: it says nothing about the server's capacity, because it failed or
 * its caller left.
 */
export type CallEnd = 'ok' | 'late' | 'silent' | 'none'

/** A call that was sent. */
export interface SentCall extends FirstCall {
  /** Calls in flight when it was sent, itself included. */
  readonly inFlight: number
  hasBegun: boolean
  /** It has raised the limit. */
  hasCounted: boolean
  ms: number | null
}

/** Calls in flight, and those that wait for a place, when a call begins or ends: itself included. */
export interface CallLoad {
  readonly inFlight: number
  readonly waiting: number
}

/** When to expect the reply to a call. */
export interface CallExpectation {
  /** Time until the reply; `position` is how many calls end before or together with it, itself included. */
  readonly expectedMs: (position: number) => number
  /** How many times longer than expected it may take. */
  readonly margin: number
}

/** For the comparison of calls among few with calls among many. */
const comparedSamples = 32
/** The limit never falls below this, except where the server itself asks for fewer calls. */
const leastLimit = 4
/** See the power in {@link CallComparison}: above it is a queue, … */
const queueing = 0.6
/** … below it is none, … */
const flat = 0.3
/** … and above it the server has become slower. */
const slower = 1.5
/** A first token that took so many times longer than the quickest one came after a wait. */
const waited = 3
/** Expected times are estimates. */
const margin = 1.25
const marginWithQueue = 1.5
const shortestProbeGapMs = 5000
/** On suspicion, so many of the calls in flight are tried. */
const suspicionShare = 0.7
/** A server that refused a call, or was silent, is believed for this long to do so again. */
const refusalMemoryMs = 60_000

/**
 * Learns how many calls a server can work on at a time. Remote APIs work on hundreds, and are slow now and then; a local
 * server (Ollama, llama.cpp) works on a few and lets the others wait in silence. Both look the same from outside: replies
 * get slow. They differ in what follows: with a queue, twice the calls take twice the time; with a slow server, twice
 * the calls take the same time. So the time of calls is compared with how many were in flight when they were sent:
 *
 * - Time does not grow with the calls, or grows faster than they do (the server has just become slow): the limit grows by
 *   one per call that succeeds while others wait, which doubles it in the time of one call (slow start of TCP), or in
 *   the time until the first token: in a silent queue, no reply begins.
 * - Time grows as the calls do: the server is saturated, if calls that end later show the same. The limit falls to what
 *   it can work on and as much again, and from now on each call has the server's pace to expect. From time to time
 *   a higher limit is tried.
 * - Before there is anything to compare, the first calls end in the order in which they were sent, long before the others
 *   ({@link createFirstCalls}): the server seems saturated.
 * - Calls are cut off at their deadline, though they took longer than usual, or have no word of a reply while others are
 *   in flight: the limit falls by a quarter.
 * - The server refuses a call (429): the limit falls by a third and grows slowly again.
 */
export function createCallCapacity({ max, initial, clock }: CallCapacityOptions) {
  const least = Math.min(leastLimit, max)
  const pace = createCallPace(clock)
  const first = createFirstCalls(clock)
  let limit = Math.min(initial, max)
  let compared: CallTimes[] = []
  /** Times until the first token of the latest calls. */
  let begins: number[] = []
  /** Suspected: calls have shown a queue once. Fewer are tried, and others must show it too. */
  let queue: 'none' | 'suspected' | 'shown' = 'none'
  /** While there is a queue, the time of one call alone. */
  let aloneMs = Infinity
  /** It is of the first calls, which hardly waited, and not only of those that waited least. */
  let isAloneKnown = false
  let probeAt = 0
  let shrunkAt = -Infinity
  let refusedAt = -Infinity
  let silentAt = -Infinity

  function send(inFlight: number): SentCall {
    const call = { sentAt: clock.now(), inFlight, hasBegun: false, hasCounted: false, ms: null }
    if (inFlight === 1 && compared.length < comparedSamples) first.restart()
    first.send(call)
    return call
  }

  /**
   * The first token of a reply: the server works on this call, so another one can be sent before it ends. Unless it came
   * much later than others: then the call has waited in the server.
   */
  function begun(call: SentCall, load: CallLoad): void {
    if (call.hasBegun || call.ms !== null) return
    call.hasBegun = true
    const ms = clock.now() - call.sentAt
    const isPrompt = ms <= waited * Math.min(...begins)
    begins = [...begins, ms].slice(-comparedSamples)
    if (queue !== 'none' || !isPrompt) return
    call.hasCounted = true
    grow(load)
  }

  function ended(call: SentCall, end: CallEnd, load: CallLoad): void {
    call.ms = clock.now() - call.sentAt
    if (end !== 'ok') first.drop(call)
    if (end === 'ok') succeeded(call, load)
    else if (end === 'late') cutOff({ ms: call.ms, inFlight: call.inFlight }, load)
    else if (end === 'silent') silent(load)
  }

  function succeeded(call: SentCall, load: CallLoad): void {
    first.close()
    remember({ ms: call.ms!, inFlight: call.inFlight })
    guess()
    if (queue !== 'none' || !call.hasCounted) grow(load)
  }

  /**
   * Whether calls wait in the server may become clear while nothing happens: the time after which to guess again, in
   * milliseconds from the end of a call. Null if there is nothing to guess.
   */
  function unclearMs({ ms }: SentCall): number | null {
    return queue === 'none' && ms !== null && first.isUndecided() ? Math.ceil(ms * (clearlyLonger - 1)) : null
  }

  /** The first calls show a queue before there is anything to compare. Like any suspicion, calls must confirm it. */
  function guess(): void {
    const atOnce = queue === 'none' && compared.length < comparedSamples ? first.atOnce() : null
    if (atOnce === null) return
    const { ms } = pace.mean()
    probeAt = clock.now() + probeGapMs(ms)
    aloneMs = ms
    isAloneKnown = true
    suspect(Math.ceil(2 * atOnce))
  }

  function grow({ waiting, inFlight }: CallLoad): void {
    const isBinding = waiting > 0 || inFlight >= Math.floor(limit)
    if (!isBinding) return
    if (queue === 'none') limit = Math.min(max, limit + growth())
    else if (clock.now() >= probeAt) probe()
  }

  /** By one per call. After a refusal by one per round of calls, as TCP avoids congestion; after silence even slower. */
  function growth(): number {
    if (clock.now() - silentAt < refusalMemoryMs) return 0.25 / limit
    return clock.now() - refusedAt < refusalMemoryMs ? 1 / limit : 1
  }

  function remember(times: CallTimes): void {
    if (queue !== 'none' && pace.hasChanged()) forget()
    pace.add(times)
    compared = [...compared, times].slice(-comparedSamples)
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
    isAloneKnown = false
  }

  function compare(): void {
    const comparison = compareCalls(compared)
    if (comparison === null) return
    const { few, many, power, error } = comparison
    if (power - error > slower) forget()
    else if (power > queueing && power - error > (queue === 'none' ? 0 : flat)) saturate(few, many)
    else if (power + error < flat) noQueue()
  }

  /**
   * `few`: calls that were sent while few were in flight, so that their time is nearly that of one call alone.
   *
   * A server that gets slower has the more calls in flight the slower it is, which looks like a queue while old calls
   * are compared with new ones. So the first time is a suspicion only, and calls that ended later must confirm it.
   */
  function saturate(few: CallTimes, many: CallTimes): void {
    const { ms, inFlight: usual } = pace.mean()
    probeAt = clock.now() + probeGapMs(ms)
    aloneMs = Math.min(aloneMs, few.ms, ms)
    if (queue === 'none') return suspect(many.inFlight * suspicionShare)
    // Little's law: what the server works on at a time is its pace times the time of one call. As many again wait there,
    // so that it has work until replies have come here and the next calls are sent.
    const atOnce = (usual / ms) * aloneMs
    limit = Math.max(least, Math.ceil(2 * atOnce))
    // Without samples among many there is no comparison until the limit is raised again.
    compared = compared.toSorted((a, b) => a.inFlight - b.inFlight).slice(0, comparedSamples / 2)
    queue = 'shown'
  }

  function suspect(most: number): void {
    queue = 'suspected'
    limit = Math.max(least, Math.min(limit, most))
    compared = []
  }

  /** Tries half as much again, so that calls that were sent then can be compared. */
  function probe(): void {
    limit = Math.min(max, 1.5 * limit)
    probeAt = clock.now() + probeGapMs(pace.mean().ms)
  }

  /** A call was cut off at its deadline. If that was earlier than calls usually end, it says nothing. */
  function cutOff(times: CallTimes, { inFlight }: CallLoad): void {
    const usualMs = pace.isKnown() ? pace.mean().ms : 0
    if (times.ms < usualMs) return
    // It took at least this long.
    if (pace.isKnown()) remember(times)
    if (clock.now() - shrunkAt < usualMs) return
    shrunkAt = clock.now()
    limit = Math.max(least, Math.min(limit, Math.max(inFlight, times.inFlight)) * 0.75)
  }

  /** The server did not begin to reply to a call. While it works on other calls, it had none left for this one. */
  function silent({ inFlight }: CallLoad): void {
    if (inFlight <= 1 || clock.now() - silentAt < 1000) return
    silentAt = clock.now()
    limit = Math.max(1, Math.min(limit, inFlight) * 0.75)
  }

  /** The server refused a call because it is busy. */
  function refused({ inFlight }: CallLoad): void {
    refusedAt = clock.now()
    if (clock.now() - shrunkAt <= 1000) return
    shrunkAt = clock.now()
    limit = Math.max(1, Math.min(limit, inFlight) * 0.7)
  }

  /** Null while too little is known. */
  function expectation(): CallExpectation | null {
    if (!pace.isKnown()) return null
    if (queue !== 'none') {
      const gapMs = pace.gapMs()
      const leastMs = isAloneKnown ? aloneMs : pace.mean().ms
      return { expectedMs: position => Math.max(leastMs, position * gapMs), margin: marginWithQueue }
    }
    const quickestMs = pace.quickestMs()
    // The limit doubles in the time of one call.
    return { expectedMs: position => quickestMs * (1 + Math.log2(Math.max(1, position / limit))), margin }
  }

  return {
    send,
    begun,
    ended,
    refused,
    unclearMs,
    guess,
    expectation,
    /** Most calls at a time. Not a whole number while it grows slowly. */
    get limit() {
      return limit
    },
    /** More calls at a time would only wait in the server. */
    get isSaturated() {
      return queue === 'shown'
    },
  }
}

function probeGapMs(callMs: number): number {
  return Math.max(shortestProbeGapMs, 5 * callMs)
}
