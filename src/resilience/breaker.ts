import { systemClock, type Clock } from './deadline.ts'

export type BreakerState = 'closed' | 'open' | 'half-open'

/**
 * `alive`: the server rejected the call, but it responds. `nothing`: the call ended before it could show anything about
 * the server.
 */
export type Verdict = 'ok' | 'fault' | 'alive' | 'nothing'

export interface BreakerOptions {
  /** A call that takes longer counts as a fault, even if it succeeds. */
  readonly slowMs: number
  readonly onChange?: (state: BreakerState) => void
  readonly clock?: Pick<Clock, 'now'>
  readonly random?: () => number
}

/** A call that the breaker let through. `end` must be called exactly once. */
export interface Attempt {
  /** Restarts the timing. Time spent in a queue of our own must not count as slowness of the server. */
  begin(): void
  /** Milliseconds since `begin`, or since the call was let through. */
  ms(): number
  /** `ms` is the duration, if it differs from the time until now. */
  end(verdict: Verdict, ms?: number): void
}

export interface Breaker {
  state(): BreakerState
  /** Null when the call must not be made. */
  enter(): Attempt | null
  /** Milliseconds until a call may be let through; 0 if one may be now. */
  waitMs(): number
  /** Closes the breaker because something else has shown that the server is healthy. */
  reset(): void
}

/** The error rate is taken over the calls that ended in this window. */
const windowMs = 10_000
const sliceMs = 1000
const leastCalls = 5
const faultShare = 0.5
/**
 * Opens after this many faults without a success between them. After a busy period it would take too long until half of
 * the calls in the window have failed.
 */
const faultsInARow = 10
const firstWaitMs = 1000
const longestWaitMs = 30_000

interface Slice {
  readonly from: number
  calls: number
  faults: number
}

/**
 * Decides when a server should not be called. The breaker opens when half of the calls of the last 10 s (at least five
 * of them) were faults or slow, or after ten faults in a row. After about 1 s it lets one call through. If that
 * succeeds the breaker closes; otherwise it stays open twice as long, at most 30 s. Each wait varies by ±20 % so that
 * replicas do not retry in step.
 * This is the sampling breaker of Hystrix and Polly, with slow calls counted as in resilience4j.
 */
export function createBreaker({
  slowMs,
  onChange = () => {},
  clock = systemClock,
  random = Math.random,
}: BreakerOptions): Breaker {
  let state: BreakerState = 'closed'
  let slices: Slice[] = []
  let inARow = 0
  let waitMs = firstWaitMs
  let probeAt = 0
  let isProbing = false

  function setState(next: BreakerState): void {
    if (state === next) return
    state = next
    onChange(next)
  }

  function open(): void {
    probeAt = clock.now() + waitMs * (0.8 + 0.4 * random())
    waitMs = Math.min(2 * waitMs, longestWaitMs)
    setState('open')
  }

  function reset(): void {
    slices = []
    inARow = 0
    waitMs = firstWaitMs
    isProbing = false
    setState('closed')
  }

  function record(isFault: boolean): void {
    const from = Math.floor(clock.now() / sliceMs) * sliceMs
    slices = slices.filter(slice => slice.from > from - windowMs)
    let slice = slices.at(-1)
    if (slice?.from !== from) slices.push((slice = { from, calls: 0, faults: 0 }))
    slice.calls += 1
    slice.faults += isFault ? 1 : 0
    inARow = isFault ? inARow + 1 : 0
    const calls = slices.reduce((sum, each) => sum + each.calls, 0)
    const faults = slices.reduce((sum, each) => sum + each.faults, 0)
    if (inARow >= faultsInARow || (calls >= leastCalls && faults >= calls * faultShare)) open()
  }

  function enter(): Attempt | null {
    if (state === 'closed')
      return attempt(
        verdict => state === 'closed' && (verdict === 'ok' || verdict === 'fault') && record(verdict === 'fault'),
      )
    if (isProbing || clock.now() < probeAt) return null
    isProbing = true
    setState('half-open')
    return attempt(verdict => {
      if (!isProbing || state !== 'half-open') return
      isProbing = false
      if (verdict === 'nothing') return // the next call probes
      if (verdict === 'fault') open()
      else reset()
    })
  }

  function attempt(onEnd: (verdict: Verdict) => void): Attempt {
    let startedAt = clock.now()
    const ms = () => clock.now() - startedAt
    return {
      begin: () => void (startedAt = clock.now()),
      ms,
      end: (verdict, took = ms()) => onEnd(verdict === 'ok' && took > slowMs ? 'fault' : verdict),
    }
  }

  return {
    state: () => state,
    enter,
    waitMs: () => (state === 'closed' ? 0 : isProbing ? firstWaitMs : Math.max(0, probeAt - clock.now())),
    reset,
  }
}
