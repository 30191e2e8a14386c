import { setTimeout as sleepFor } from 'node:timers/promises'
import { isAskError } from '../errors.ts'
import { createBreaker, type Attempt, type BreakerState, type Verdict } from './breaker.ts'
import { systemClock, type Clock } from './deadline.ts'
import { createRetryBudget, retryCost } from './retry-budget.ts'

/** What an error says of the server. */
export interface Reading {
  readonly verdict: Verdict
  /** The same call may go well at once: it is idempotent, and the fault was of the moment. */
  readonly isRetryable: boolean
  /** Milliseconds it asked to be left alone. */
  readonly pauseMs?: number
}

export interface GuardOptions {
  /** See {@link createBreaker}. */
  readonly slowMs: number
  readonly read: (error: unknown) => Reading
  /** What a call gets that is not made; `ms` until one may be. */
  readonly refusal: (ms: number) => Error
  readonly onChange?: (state: BreakerState) => void
  readonly onRetry?: () => void
  /** A second try would have made sense, but so many were made lately that none is left. */
  readonly onNoRetryLeft?: () => void
  /** Of each call that was made. */
  readonly onEnd?: (ended: Ended) => void
  readonly clock?: Pick<Clock, 'now'>
  readonly random?: () => number
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** How a call went. */
export interface Ended {
  /** Undefined: well. */
  readonly error: unknown
  /** Until its end; of a stream that went well, until its first item. */
  readonly ms: number
  /** An item of a stream had come, the last one `quietMs` ago. */
  readonly hasBegun: boolean
  readonly quietMs: number
  /** What the breaker made of it; `fault` without an error: it was slow. */
  readonly verdict: Verdict
}

/** Calls of one server. */
export interface Guard {
  state(): BreakerState
  /** One call: idempotent, for it may be made twice. Rejects as `work` does, or with the refusal. */
  run<T>(signal: AbortSignal, work: (attempt: Attempt) => Promise<T>): Promise<T>
  /** The same for what comes in pieces; made twice only as long as nothing has come. */
  stream<T>(signal: AbortSignal, open: () => AsyncIterable<T>): AsyncGenerator<T, void, undefined>
  /** It is known by other means to be well again. */
  reset(): void
}

/**
 * A call cut short by its deadline is a fault when it had so many times what calls usually take, and so long at the least:
 * a question of 2.5 s gives its vector a third of that. (With a second, a model that was silent towards such questions
 * was never left alone.)
 */
const patience = 4
const leastPatienceMs = 500
const usualWeight = 0.1

/** Longest wait before the second try; the shortest is none (full jitter). */
const jitterMs = 100
/** Who asks to be left alone for longer is not asked again for this request. */
const longestPauseMs = 2000
/** Whatever it says: so long nobody waits without looking. */
const pauseLimitMs = 60_000

/**
 * Every call of a server passes here: a breaker that knows when it is not worth asking, one second try out of a budget,
 * and a pause where the server asked for it (429 with Retry-After). This is the only place that tries twice.
 */
export function createGuard({
  slowMs,
  read,
  refusal,
  onChange,
  onRetry = () => {},
  onNoRetryLeft = () => {},
  onEnd = () => {},
  clock = systemClock,
  random = Math.random,
  sleep = sleepFully,
}: GuardOptions): Guard {
  const breaker = createBreaker({ slowMs, clock, random, ...(onChange && { onChange }) })
  const budget = createRetryBudget()
  let pausedUntil = 0
  /** Milliseconds that a call takes that goes well, or its first item; undefined until one did. */
  let usualMs: number | undefined

  function wentWell(attempt: Attempt, ms: number, isFirst: boolean): void {
    usualMs = usualMs === undefined ? ms : usualMs + usualWeight * (ms - usualMs)
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
        wentWell(attempt, attempt.ms(), isFirst)
        return result
      } catch (error) {
        const reading = settle(attempt, error, signal)
        if (!isFirst || !(await mayTryAgain(reading, signal))) throw error
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
        wentWell(attempt, firstAfter ?? attempt.ms(), isFirst)
        return
      } catch (error) {
        isSettled = true
        const reading = settle(attempt, error, signal, lastAfter)
        if (!isFirst || firstAfter !== undefined || !(await mayTryAgain(reading, signal))) throw error
      } finally {
        if (!isSettled) attempt.end('nothing') // the one who listened left
      }
    }
  }

  function settle(attempt: Attempt, error: unknown, signal: AbortSignal, lastAfter?: number): Reading {
    const reading = readAll(error, attempt, signal)
    const ms = attempt.ms()
    attempt.end(reading.verdict)
    onEnd({ error, ms, hasBegun: lastAfter !== undefined, quietMs: ms - (lastAfter ?? 0), verdict: reading.verdict })
    if (reading.pauseMs !== undefined) pausedUntil = clock.now() + Math.min(reading.pauseMs, pauseLimitMs)
    return reading
  }

  /** A caller who left says nothing; one whose time was over does, if that was time enough. */
  function readAll(error: unknown, attempt: Attempt, signal: AbortSignal): Reading {
    const isLate = isAskError(error, 'deadline_exceeded')
    if (isLate) return { verdict: attempt.ms() >= longEnoughMs() ? 'fault' : 'nothing', isRetryable: false }
    return signal.aborted ? { verdict: 'nothing', isRetryable: false } : read(error)
  }

  function longEnoughMs(): number {
    return usualMs === undefined ? slowMs : Math.min(slowMs, Math.max(leastPatienceMs, patience * usualMs))
  }

  async function mayTryAgain({ isRetryable, pauseMs = 0 }: Reading, signal: AbortSignal): Promise<boolean> {
    if (!isRetryable || signal.aborted || pauseMs > longestPauseMs || breaker.state() !== 'closed') return false
    if (!budget.spend(retryCost)) return (void onNoRetryLeft(), false)
    await sleep(pauseMs + random() * jitterMs, signal)
    if (signal.aborted) return false
    onRetry()
    return true
  }

  return { state: breaker.state, run, stream, reset: breaker.reset }
}

/** Until the time is over or the signal aborts. */
async function sleepFully(ms: number, signal: AbortSignal): Promise<void> {
  await sleepFor(ms, undefined, { signal }).catch(() => {})
}
