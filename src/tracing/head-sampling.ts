import { createContextKey, type Context } from '@opentelemetry/api'

/**
 * Head sampling ahead of the SDK. A span that is not recorded still costs 5 µs (two ids, the sampler's sums, the span), a
 * sixth of a cached answer; so where the share of requests to trace is known, it is drawn before there is a span.
 */

/** Of the requests that no caller traces; undefined: only the SDK's sampler knows. */
let share: number | undefined

export function sampleRoots(rootShare: number | undefined): void {
  share = rootShare
}

/** Draws; true: no span need be made. */
export function isLeftOut(): boolean {
  return share !== undefined && Math.random() >= share
}

const key = createContextKey('askwell drawn')

/** For a request that was drawn, or left out: the sampler draws no second time. */
export function drawn(context: Context, isTaken = true): Context {
  return share === undefined ? context : context.setValue(key, isTaken)
}

/** Undefined: nobody has drawn yet. */
export function isDrawn(context: Context): boolean | undefined {
  return context.getValue(key) as boolean | undefined
}
