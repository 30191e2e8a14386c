import { systemClock, type Clock } from '../resilience/deadline.ts'
import type { Step } from '../resilience/pace.ts'
import { textsPerCall } from './embed-drafts.ts'

/**
 * A question waits for a call of background work at most about as long, where the model does one thing after another.
 * Larger calls gain little from here on.
 */
const longestMs = 300
const firstSize = 16
const leastSize = 4

export interface CallSize {
  /** How many texts the next call may have. */
  readonly size: () => number
  /** Runs a call, and learns from the time that it takes. */
  readonly step: Step
}

/** Sizes the calls of background work by how slow the model is: a few texts where it takes long, many where it is quick. */
export function createCallSize(step: Step, clock: Pick<Clock, 'now'> = systemClock): CallSize {
  let size = firstSize
  return {
    size: () => size,
    step: work =>
      step(async () => {
        const startedAt = clock.now()
        const result = await work()
        const factor = longestMs / Math.max(1, clock.now() - startedAt)
        size = Math.round(Math.min(textsPerCall, Math.max(leastSize, size * Math.min(2, Math.max(0.5, factor)))))
        return result
      }),
  }
}
