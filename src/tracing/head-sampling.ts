import { createContextKey, type Context } from '@opentelemetry/api'

/**
 * Head sampling before the SDK. A span that is not recorded still costs 5 µs (two ids, the sampler's arithmetic, the
 * span), a sixth of a cached answer. If the sampling ratio is known, the decision is made before a span is created.
 */

/** Sampling ratio of requests without a trace of their caller. Undefined when only the SDK's sampler knows it. */
let share: number | undefined

export function sampleRoots(rootShare: number | undefined): void {
  share = rootShare
}

/** Decides at random. True when the request is not sampled and needs no span. */
export function isLeftOut(): boolean {
  return share !== undefined && Math.random() >= share
}

const key = createContextKey('askwell drawn')

/** Stores the decision in the context, so that the SDK's sampler does not decide again. */
export function drawn(context: Context, isTaken = true): Context {
  return share === undefined ? context : context.setValue(key, isTaken)
}

/** Undefined when no decision was made yet. */
export function isDrawn(context: Context): boolean | undefined {
  return context.getValue(key) as boolean | undefined
}
