import { systemClock, type Clock } from './deadline.ts'

export type BreakerState = 'closed' | 'open' | 'half-open'

/** `alive`: it refused, but it answers; `nothing`: the caller left before anything could be said of the server. */
export type Verdict = 'ok' | 'fault' | 'alive' | 'nothing'

export interface BreakerOptions {
  /** A call that took longer counts as a fault, even one that went well. */
  readonly slowMs: number
  readonly onChange?: (state: BreakerState) => void
  readonly clock?: Pick<Clock, 'now'>
  readonly random?: () => number
}

/** A call that was let through; `end` must be called once. */
export interface Attempt {
  /** What was before was waiting in a line of ours and is not counted as slowness. */
  begin(): void
  /** Milliseconds since `begin`, else since it was let through. */
  ms(): number
  /** `ms`: what it took, where that is not the time until now. */
  end(verdict: Verdict, ms?: number): void
}

export interface Breaker {
  state(): BreakerState
  /** Null: the call must not be made. */
  enter(): Attempt | null
  /** Milliseconds until a call may be let through; 0 when one may. */
  waitMs(): number
  /** It is known by other means to be well again. */
  reset(): void
}

/** Of the calls that ended in the last ten seconds. */
const windowMs = 10_000
const sliceMs = 1000
const leastCalls = 5
const faultShare = 0.5
/** Without one between them that went well: then half of what ended before, in a busy time, is not waited for. */
const faultsInARow = 10
const firstWaitMs = 1000
const longestWaitMs = 30_000

interface Slice {
  readonly from: number
  calls: number
  faults: number
}

/**
 * Knows when a server is not worth a call. It opens when half of the calls of ten seconds, and five at the least, were
 * faults or slow, or ten in a row. After a second one call is let through: when it goes well everything is, else it stays shut for twice
 * as long, half a minute at the most (with a fifth of chance, so that replicas do not come back in step). The sampling
 * breaker of Hystrix and Polly, with slow calls as in resilience4j.
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

  function turn(next: BreakerState): void {
    if (state === next) return
    state = next
    onChange(next)
  }

  function open(): void {
    probeAt = clock.now() + waitMs * (0.8 + 0.4 * random())
    waitMs = Math.min(2 * waitMs, longestWaitMs)
    turn('open')
  }

  function reset(): void {
    slices = []
    inARow = 0
    waitMs = firstWaitMs
    isProbing = false
    turn('closed')
  }

  function count(isFault: boolean): void {
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
        verdict => state === 'closed' && (verdict === 'ok' || verdict === 'fault') && count(verdict === 'fault'),
      )
    if (isProbing || clock.now() < probeAt) return null
    isProbing = true
    turn('half-open')
    return attempt(verdict => {
      if (!isProbing || state !== 'half-open') return
      isProbing = false
      if (verdict === 'nothing') return // the next one probes
      if (verdict === 'fault') open()
      else reset()
    })
  }

  function attempt(settle: (verdict: Verdict) => void): Attempt {
    let startedAt = clock.now()
    const ms = () => clock.now() - startedAt
    return {
      begin: () => void (startedAt = clock.now()),
      ms,
      end: (verdict, took = ms()) => settle(verdict === 'ok' && took > slowMs ? 'fault' : verdict),
    }
  }

  return {
    state: () => state,
    enter,
    waitMs: () => (state === 'closed' ? 0 : isProbing ? firstWaitMs : Math.max(0, probeAt - clock.now())),
    reset,
  }
}
