import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'

/** What a wait looks at besides what it waits for. */
export interface Watched {
  /** How it ended: a promise that settles then (of a process, a request), or what is asked again and says how (anything but null, undefined and false). */
  readonly ended?: PromiseLike<unknown> | (() => unknown)
  /** How far it has come: a count, a length, a last line. As long as this changes the wait goes on. */
  readonly progress?: () => unknown
}

const tickMs = 100
/** Three minutes in which this process could run: where the machine gives it no time, no tick is counted. */
const patience = 1800
/** What had happened just before the end is still seen, but a question that is never answered does not hold the wait up. */
const patienceAfterEnd = 100

/**
 * Asks again until the answer is yes, and gives it back: the one way in which tests wait for what happens in its own time.
 * It ends as failed when what is watched has ended, and not by the clock: on a slow machine it waits longer. Whoever waits
 * for a process names its end; whoever waits for long work names its progress. Only so that a dead test ends before the
 * runner's time-out, it also fails when nothing has changed for three minutes.
 */
export const until = waitWith(patience)

/** With another number of ticks in which nothing changes; for the test of this. */
export function waitWith(ticks: number) {
  return async function until<T>(what: string, ask: () => T | Promise<T>, watched: Watched = {}): Promise<NonNullable<T>> {
    const watch = watchOver(what, watched, ticks)
    try {
      for (;;) {
        const end = watch.end()
        const answer = await Promise.race([ask(), watch.stoodStill])
        if (answer) return answer
        if (end !== null) throw never(what, `it ended: ${end}`)
        await Promise.race([sleep(10), watch.stoodStill])
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

/** In words; null: it has not ended. */
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
