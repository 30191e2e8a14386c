import { systemClock, type Clock } from '../../resilience/deadline.ts'

export interface FirstWordOptions {
  /** The least that is waited, in milliseconds. */
  readonly leastMs: number
  /** The limit, where the operator has set one. */
  readonly fixedMs?: number | undefined
  readonly clock?: Pick<Clock, 'now'>
}

/** What is known of the waits for the first word, for operators. */
export interface FirstWordStatus {
  /** The current limit, and whether the operator has set it. */
  readonly limitMs: number
  readonly isFixed: boolean
  readonly leastMs: number
  /** What nine in ten of the latest waits that ended with a word stayed below; null when there was none. */
  readonly usualMs: number | null
  /** Calls of the last ten minutes, and how many of them were given up before the first word. */
  readonly calls: number
  readonly cut: number
}

/** As many calls as tell how long a model usually needs, without remembering yesterday. */
const latest = 20
const quantile = 0.9
/** The limit is this many times the usual wait. */
const factor = 2
/** While the model has not answered at all, it may hang; then it is not waited for much longer than `leastMs`. */
const mostUnheard = 3
const statusMs = 10 * 60_000
const mostWaits = 200

/**
 * How long the first word of a model is waited for. A language model on a processor is silent for 10 s and more while it
 * reads the prompt, and a model that hangs is silent for ever. So the limit follows what the model usually needs: twice
 * what nine in ten of its latest calls took, and twice the least limit while nothing is known. A call that was given up counts as long as it was waited for, so that the
 * limit of a model that never got through grows until it does.
 */
export function createFirstWord({ leastMs, fixedMs, clock = systemClock }: FirstWordOptions) {
  let waits: readonly Wait[] = []

  function limitMs(): number {
    if (fixedMs !== undefined) return fixedMs
    const known = waits.slice(-latest)
    const most = known.every(({ isCut }) => isCut) ? mostUnheard * leastMs : Infinity
    return Math.min(most, Math.max(leastMs, factor * (usualOf(known) ?? leastMs)))
  }

  function waited(ms: number, isCut: boolean): void {
    waits = [...waits.slice(-mostWaits), { ms, isCut, at: clock.now() }]
  }

  function status(): FirstWordStatus {
    const recent = waits.filter(({ at }) => clock.now() - at < statusMs)
    const heard = recent.filter(({ isCut }) => !isCut)
    return {
      limitMs: limitMs(),
      isFixed: fixedMs !== undefined,
      leastMs,
      usualMs: usualOf(heard.slice(-latest)),
      calls: recent.length,
      cut: recent.length - heard.length,
    }
  }

  return { limitMs, waited, status }
}

interface Wait {
  readonly ms: number
  readonly isCut: boolean
  readonly at: number
}

function usualOf(waits: readonly Wait[]): number | null {
  const sorted = waits.map(({ ms }) => ms).toSorted((a, b) => a - b)
  return sorted[Math.ceil(quantile * sorted.length) - 1] ?? null
}

export type FirstWord = ReturnType<typeof createFirstWord>
