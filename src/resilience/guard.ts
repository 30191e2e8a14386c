import { setTimeout as sleepFor } from 'node:timers/promises'
import { isAskError } from '../errors.ts'
import { createBreaker, type Attempt, type BreakerState, type Verdict } from './breaker.ts'
import { systemClock, type Clock } from './deadline.ts'
import { createRetryBudget, retryCost } from './retry-budget.ts'

/** What an error shows about the server. */
export interface Reading {
  readonly verdict: Verdict
  /** The same call may succeed immediately: it is idempotent and the fault was momentary. */
  readonly isRetryable: boolean
  /** The server is busy and rejected the call for that alone. */
  readonly isBusy?: true
  /** The server asked for no calls for this many milliseconds. */
  readonly pauseMs?: number
}

export interface GuardOptions {
  /** See {@link createBreaker}. */
  readonly slowMs: number
  /** A call that is cut short after this time counts as a fault, while the usual time is unknown; default: `slowMs`. */
  readonly lateMs?: number
  readonly read: (error: unknown) => Reading
  /** The error for a call that is not made. `ms` is the time until one may be. */
  readonly refusal: (ms: number) => Error
  readonly onChange?: (state: BreakerState) => void
  readonly onRetry?: () => void
  /** A retry would have made sense, but the retry budget is spent. */
  readonly onNoRetryLeft?: () => void
  /**
   * The server is busy, and asked for no calls for this long (0: it did not say). The receiver keeps later calls back,
   * and repeats this one when it may; otherwise calls are refused until then.
   */
  readonly onBusy?: (pauseMs: number) => void
  /** Called for each call that was made. */
  readonly onEnd?: (ended: Ended) => void
  readonly clock?: Pick<Clock, 'now'>
  readonly random?: () => number
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface Ended {
  /** Undefined when the call succeeded. */
  readonly error: unknown
  /** Time until the call ended; for a stream that succeeded, until its first item. */
  readonly ms: number
  /** Whether the stream had produced an item. The last one came `quietMs` ago. */
  readonly hasBegun: boolean
  readonly quietMs: number
  /** The verdict given to the breaker. `fault` without an error means that the call was slow. */
  readonly verdict: Verdict
}

/** Guards the calls to one server. */
export interface Guard {
  state(): BreakerState
  /**
   * Makes one call. It must be idempotent because it may be made twice. Rejects as `work` does, or with the refusal.
   */
  run<T>(signal: AbortSignal, work: (attempt: Attempt) => Promise<T>): Promise<T>
  /** Like `run`, for streams. A stream is retried only if it has produced nothing yet. */
  stream<T>(signal: AbortSignal, open: () => AsyncIterable<T>): AsyncGenerator<T, void, undefined>
  /** Closes the breaker because something else has shown that the server is healthy. */
  reset(): void
}

/**
 * A call cut short by its deadline counts as a fault if it had at least this many times the usual duration, and at
 * least `leastPatienceMs`: a question of 2.5 s gives its embedding a third of that. (With 1 s, the breaker never opened
 * for a model that did not respond to such questions.)
 */
const patience = 4
const leastPatienceMs = 500
/** A server that usually takes longer than `lateMs` is given this many times its usual duration. */
const patienceWithSlow = 1.5
const usualWeight = 0.1

/** Longest wait before a retry; the shortest is zero (full jitter). */
const jitterMs = 100
/** If the server asks for a longer pause, this request is not retried. */
const longestPauseMs = 2000
/** Upper bound on a pause that the server asks for. */
const pauseLimitMs = 60_000

/**
 * Every call to a server passes through here: a breaker, at most one retry out of a budget, and a pause if the server
 * asked for one (429 with Retry-After). This is the only place that retries, except calls that a busy server refused
 * where a limit of calls keeps them back (`onBusy`).
 */
export function createGuard(options: GuardOptions): Guard {
  const { slowMs, read, refusal, onChange, onRetry, onNoRetryLeft, onBusy, onEnd, clock, random, sleep } = {
    ...defaults,
    ...options,
  }
  const breaker = createBreaker({ slowMs, clock, random, ...(onChange && { onChange }) })
  const budget = createRetryBudget()
  const usual = trackUsualTime(options.lateMs ?? slowMs)
  let pausedUntil = 0

  function succeed(attempt: Attempt, ms: number, isFirst: boolean): void {
    usual.add(ms)
    attempt.end('ok', ms)
    onEnd({ error: undefined, ms, hasBegun: true, quietMs: 0, verdict: ms > slowMs ? 'fault' : 'ok' })
    if (isFirst) budget.earn()
  }

  function enter(): Attempt {
    const pause = pausedUntil - clock.now()
    const attempt = pause > 0 ? null : breaker.enter()
    if (attempt === null) throw refusal(Math.max(pause, breaker.waitMs()))
    return attempt
  }

  async function run<T>(signal: AbortSignal, work: (attempt: Attempt) => Promise<T>): Promise<T> {
    for (let isFirst = true; ; isFirst = false) {
      const attempt = enter()
      try {
        const result = await work(attempt)
        succeed(attempt, attempt.ms(), isFirst)
        return result
      } catch (error) {
        const reading = fail(attempt, error, signal)
        if (!isFirst || !(await mayRetry(reading, signal))) throw error
      }
    }
  }

  async function* stream<T>(signal: AbortSignal, open: () => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    for (let isFirst = true; ; isFirst = false) {
      const attempt = enter()
      let firstAfter: number | undefined
      let lastAfter: number | undefined
      let isSettled = false
      try {
        for await (const item of open()) {
          lastAfter = attempt.ms()
          firstAfter ??= lastAfter
          yield item
        }
        isSettled = true
        succeed(attempt, firstAfter ?? attempt.ms(), isFirst)
        return
      } catch (error) {
        isSettled = true
        const reading = fail(attempt, error, signal, lastAfter)
        if (!isFirst || firstAfter !== undefined || !(await mayRetry(reading, signal))) throw error
      } finally {
        if (!isSettled) attempt.end('nothing') // the consumer left
      }
    }
  }

  function fail(attempt: Attempt, error: unknown, signal: AbortSignal, lastAfter?: number): Reading {
    const ms = attempt.ms()
    const isLate = isAskError(error, 'deadline_exceeded')
    const reading = isLate || signal.aborted ? readCut(isLate && ms >= usual.longEnoughMs()) : read(error)
    attempt.end(reading.verdict)
    onEnd({ error, ms, hasBegun: lastAfter !== undefined, quietMs: ms - (lastAfter ?? 0), verdict: reading.verdict })
    const pauseMs = Math.min(reading.pauseMs ?? 0, pauseLimitMs)
    if (reading.isBusy && onBusy) onBusy(pauseMs)
    else if (pauseMs > 0) pausedUntil = clock.now() + pauseMs
    return reading
  }

  async function mayRetry({ isRetryable, isBusy, pauseMs = 0 }: Reading, signal: AbortSignal): Promise<boolean> {
    if (!isRetryable || (isBusy && onBusy) || signal.aborted) return false
    if (pauseMs > longestPauseMs || breaker.state() !== 'closed') return false
    if (!budget.spend(retryCost)) return (void onNoRetryLeft(), false)
    await sleep(pauseMs + random() * jitterMs, signal)
    if (!signal.aborted) onRetry()
    return !signal.aborted
  }

  return { state: breaker.state, run, stream, reset: breaker.reset }
}

/** A caller that left shows nothing about the server. A deadline that passed does, if it was long enough. */
function readCut(isFault: boolean): Reading {
  return { verdict: isFault ? 'fault' : 'nothing', isRetryable: false }
}

const defaults = {
  onRetry() {},
  onNoRetryLeft() {},
  onEnd() {},
  clock: systemClock,
  random: Math.random,
  sleep: sleepFully,
} satisfies Partial<GuardOptions>

/** Tracks how long a successful call usually takes, or the wait for its first item. */
function trackUsualTime(lateMs: number) {
  let usualMs: number | undefined
  return {
    add: (ms: number) => void (usualMs = usualMs === undefined ? ms : usualMs + usualWeight * (ms - usualMs)),
    /** A call that was cut short after this time counts as a fault. */
    longEnoughMs: () =>
      usualMs === undefined
        ? lateMs
        : Math.max(patienceWithSlow * usualMs, Math.min(lateMs, Math.max(leastPatienceMs, patience * usualMs))),
  }
}

/** Resolves when the time is over or the signal aborts. */
async function sleepFully(ms: number, signal: AbortSignal): Promise<void> {
  await sleepFor(ms, undefined, { signal }).catch(() => {})
}
