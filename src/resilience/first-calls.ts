import type { Clock } from './deadline.ts'

export interface FirstCall {
  readonly sentAt: number
  /** Its reply has begun. */
  readonly hasBegun: boolean
  /** How long it took; null while it is in flight. */
  readonly ms: number | null
}

const mostCalls = 32
/** Calls that were sent within this share of the time since then were sent together. */
const togetherShare = 0.2
/** A call that took so many times longer than another one did so for a reason. */
export const clearlyLonger = 1.25
const leastEnded = 3
/** In standard deviations of a random order: one order in 450 is further off. */
const leastSurprise = 2.85

/**
 * The calls that were sent before the first reply came. A server that works on all of them ends them in any order,
 * depending on how long each reply is. One that works on a few at a time and lets the others wait ends them in the order
 * in which they were sent (a rank-sum test, so it does not matter how different the replies are). A call whose reply has
 * begun does not wait.
 */
export function createFirstCalls({ now }: Pick<Clock, 'now'>) {
  let calls: FirstCall[] = []
  let isOpen = true

  function send(call: FirstCall): void {
    if (isOpen && calls.length < mostCalls) calls.push(call)
  }

  /** A reply came. */
  function close(): void {
    isOpen = false
  }

  /** The call failed, or its caller left. */
  function drop(call: FirstCall): void {
    calls = calls.filter(each => each !== call)
  }

  /** Starts again with the next call. */
  function restart(): void {
    calls = []
    isOpen = true
  }

  function isUndecided(): boolean {
    return calls.some(isWaiting)
  }

  /** On how many calls the server seems to work at a time while others wait in it. Null if none seem to wait. */
  function atOnce(): number | null {
    const first = calls[0]
    if (!first) return null
    const together = calls.filter(({ sentAt }) => sentAt - first.sentAt <= togetherShare * (now() - first.sentAt))
    const sinceMs = now() - together.at(-1)!.sentAt
    const isEarly = ({ ms }: FirstCall) => ms !== null && ms * clearlyLonger <= sinceMs
    const early = together.filter(isEarly).map(({ ms }) => ms!)
    // The others that ended are too near in time to tell.
    const compared = together.filter(call => isEarly(call) || call.ms === null)
    const surprise = surpriseOf(compared.map(call => !isWaiting(call)))
    if (early.length < leastEnded || surprise < leastSurprise) return null
    // Little's law: their pace, times the time of one call.
    return early.reduce((sum, ms) => sum + ms, 0) / Math.max(...early)
  }

  return { send, close, drop, restart, isUndecided, atOnce }
}

/** It may still wait in the server. */
function isWaiting({ ms, hasBegun }: FirstCall): boolean {
  return ms === null && !hasBegun
}

/** By how many standard deviations those that are early come before the others, compared with a random order. */
function surpriseOf(areEarly: readonly boolean[]): number {
  let [early, pairs] = [0, 0]
  for (const isEarly of areEarly) {
    if (isEarly) early++
    else pairs += early
  }
  const product = early * (areEarly.length - early)
  if (product === 0) return 0
  return (pairs - product / 2) / Math.sqrt((product * (areEarly.length + 1)) / 12)
}
