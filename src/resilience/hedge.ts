import { AskError } from '../errors.ts'

export interface HedgeOptions {
  /** Time without a reply before the second call is made, in milliseconds. */
  readonly afterMs: number
  readonly onHedge?: () => void
}

/** Share of all calls that may be made twice: 5 % more load. */
const share = 0.05
/** Hedges that may be saved up for a slow period. */
const mostSaved = 10

/**
 * Makes a second call if the first is slow, takes the first reply and aborts the other call. Use it only for cheap
 * calls without side effects ("The Tail at Scale", Dean and Barroso, 2013). Rejects when both calls fail, or the only
 * one.
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
      over.abort(new AskError('cancelled', { detail: 'the other call finished first' }))
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
