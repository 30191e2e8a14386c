import { AskError } from '../errors.ts'

export interface HedgeOptions {
  /** Milliseconds without a reply until the same is asked once more. */
  readonly afterMs: number
  readonly onHedge?: () => void
}

/** Of all calls, so many may be made twice: 5 % more load. */
const share = 0.05
/** Saved up for a bad moment. */
const mostSaved = 10

/**
 * A second call where the first takes long; the first reply counts, and the other call is aborted. For cheap calls
 * without effects only ("The Tail at Scale", Dean and Barroso, 2013). Rejects when both fail, or the only one.
 */
export function createHedge({ afterMs, onHedge = () => {} }: HedgeOptions) {
  let saved = mostSaved

  return async function hedge<T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    saved = Math.min(mostSaved, saved + share)
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    const first = call(either)
    const { promise: late, resolve } = Promise.withResolvers<true>()
    const timer = setTimeout(resolve, afterMs, true)
    try {
      const isLate = await Promise.race([
        first.then(
          () => false,
          () => false,
        ),
        late,
      ])
      if (!isLate || saved < 1 || signal.aborted) return await first
      saved -= 1
      onHedge()
      return await firstToSucceed([first, call(either)])
    } finally {
      clearTimeout(timer)
      over.abort(new AskError('cancelled', { detail: 'the other call was quicker' }))
    }
  }
}

async function firstToSucceed<T>(calls: readonly Promise<T>[]): Promise<T> {
  try {
    return await Promise.any(calls)
  } catch (error) {
    throw (error as AggregateError).errors[0]
  }
}
