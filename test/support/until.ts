import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'

/** What a wait watches in addition to its condition. */
export interface Watched {
  /**
   * Shows that the watched process, server or request has ended: a promise that settles then, or a function that
   * returns how it ended (null, undefined or false while it runs). The wait then fails with that value.
   */
  readonly ended?: PromiseLike<unknown> | (() => unknown)
  /** Progress so far, such as a count, a length or a last line. The wait continues as long as this changes. */
  readonly progress?: () => unknown
  /** Milliseconds between two checks, 10 if not set: more for a check that costs much, such as a question. */
  readonly everyMs?: number
}

const tickMs = 100
/** Three minutes of this process's own running time in 100 ms ticks. A tick that the machine delays counts once. */
const patience = 1800
/** After the end the condition is checked once more; a check that never settles must not delay the failure. */
const patienceAfterEnd = 100

/**
 * Repeats a check every 10 ms until its result is truthy, and returns it. Tests wait in this way; they set no time
 * limits.
 *
 * - `what` completes the sentence "it never came to be that …" of the error.
 * - `ask` is a function or an async function; an error it throws ends the wait with that error.
 * - `watched.ended` fails the wait when the watched process has ended. Pass it when waiting for a process.
 * - `watched.progress` keeps the wait going while it changes. Pass it when waiting for long work.
 *
 * A slow machine makes the wait longer, not wrong. It fails after three minutes without progress, so that a dead test
 * ends before the runner's time-out.
 */
export const until = waitWith(patience)

/** Like `until`, but with another number of 100 ms ticks without progress. Only for its own test and for leaks. */
export function waitWith(ticks: number) {
  return async function until<T>(
    what: string,
    ask: () => T | Promise<T>,
    watched: Watched = {},
  ): Promise<NonNullable<T>> {
    const watch = watchOver(what, watched, ticks)
    try {
      for (;;) {
        const end = watch.end()
        const answer = await Promise.race([ask(), watch.stoodStill])
        if (answer) return answer
        if (end !== null) throw never(what, `it ended: ${end}`)
        await Promise.race([sleep(watched.everyMs ?? 10), watch.stoodStill])
      }
    } finally {
      watch.stop()
    }
  }
}

function watchOver(what: string, { ended, progress = () => null }: Watched, ticks: number) {
  const end = endOf(ended)
  const { promise: stoodStill, reject } = Promise.withResolvers<never>()
  stoodStill.catch(() => {})
  let [still, last] = [0, progress()]
  function tick(): void {
    const now = progress()
    still = Object.is(now, last) ? still + 1 : 0
    last = now
    const over = end()
    if (over !== null && still > patienceAfterEnd) throw never(what, `it ended: ${over}`)
    if (still > ticks) throw never(what, `nothing changed for long; progress: ${inspect(now)}`)
  }
  const timer = setInterval(() => void Promise.try(tick).catch(reject), tickMs)
  return { end, stoodStill, stop: () => clearInterval(timer) }
}

/** Returns a description of how it ended, or null while it runs. */
function endOf(ended: Watched['ended']): () => string | null {
  if (typeof ended !== 'object') {
    return () => {
      const how = ended?.()
      return how === undefined || how === null || how === false ? null : inspect(how)
    }
  }
  let words: string | null = null
  const note = (how: unknown) => void (words = inspect(how))
  ended.then(note, note)
  return () => words
}

function never(what: string, why: string): Error {
  return new Error(`it never came to be that ${what}: ${why}`)
}
