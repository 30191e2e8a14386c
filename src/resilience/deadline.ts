import { AskError } from '../errors.ts'

/** A point in time as an abort signal and as a promise that rejects. Call `stop` on every way out. */
export interface Deadline {
  /** Aborts at expiry with `deadline_exceeded`, or with the parent's reason as soon as the parent does. */
  readonly signal: AbortSignal
  /** Never resolves; rejects when `signal` aborts. Race it against work that may ignore signals. */
  readonly expired: Promise<never>
  stop(): void
}

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(timer: never): void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: timer => clearTimeout(timer as unknown as NodeJS.Timeout),
}

/**
 * Uses a cleared `setTimeout` rather than `AbortSignal.timeout`: no timer is left running, and a test can supply the
 * clock. `what` names the work in the error's detail.
 */
export function startDeadline(what: string, ms: number, parent: AbortSignal, clock: Clock = systemClock): Deadline {
  const controller = new AbortController()
  const { promise: expired, reject } = Promise.withResolvers<never>()
  // Nothing may be racing `expired` when it rejects. Without this handler a disconnected client would cause an
  // unhandled rejection.
  expired.catch(() => {})
  const end = (reason: unknown) => {
    controller.abort(reason)
    reject(reason)
  }
  const onParentAbort = () => end(parent.reason)
  let timer: unknown
  if (parent.aborted) onParentAbort()
  else if (ms <= 0) end(expiry(what, 0))
  else {
    parent.addEventListener('abort', onParentAbort, { once: true })
    timer = clock.setTimeout(() => end(expiry(what, ms)), ms)
  }
  const stop = () => {
    clock.clearTimeout(timer as never)
    parent.removeEventListener('abort', onParentAbort)
  }
  return { signal: controller.signal, expired, stop }
}

function expiry(what: string, ms: number): AskError {
  const detail = ms > 0 ? `${what} did not finish within ${Math.round(ms)} ms` : `no time was left for ${what}`
  return new AskError('deadline_exceeded', { detail })
}
