/** Limits how many runs may be in flight, learned from how long they take. */
export interface GradientOptions {
  readonly floor: number
  readonly ceiling: number
  /** The limit at the start. */
  readonly initial?: number
  /** Milliseconds, on any clock. */
  readonly now: () => number
}

/** A finished run. */
export interface Sample {
  readonly ms: number
  /** Runs in flight at the end of this one, itself included. */
  readonly inFlight: number
  /** Only runs of the same kind are compared. Null when the run was cut short, so that `ms` is a lower bound. */
  readonly kind: string | null
}

/** The usual time of a kind is averaged over this many windows; the first ten have equal weight. */
const longWindows = 600
const warmUpWindows = 10
/** A window may be this many times slower than usual before the limit falls. */
const tolerance = 1.2
const smoothing = 0.2
/** The limit grows by this factor per window until the first window that is slower than usual. */
const probing = 1.25
const minSamples = 10
const shortestWindowMs = 100
const longestWindowMs = 1000

interface Usual {
  ms: number
  windows: number
}

/**
 * Gradient2 of Netflix's concurrency-limits (Gradient2Limit.java and WindowedLimit.java; read, not copied). Once per
 * window the limit is multiplied by the usual time over the current time, clamped to 0.5–1, and gets some headroom. So
 * it grows by its square root while times are flat and falls while they rise. It does not change while less than half
 * of it is used. The usual time is a slow average, so it follows a lasting change but not a burst.
 *
 * Three things are our own:
 * - The usual time is learned per kind: a search takes 10 ms, an answer seconds, and a change of what is asked is not a
 *   change of load.
 * - Runs that were cut short count only if they took longer than usual.
 * - Until the first slow window the limit grows by a quarter per window. Otherwise a service whose runs take seconds
 *   would reject requests for minutes after its start.
 */
export function createGradient({ floor, ceiling, initial = 20, now }: GradientOptions) {
  const usual = new Map<string, Usual>()
  let limit = clamp(initial)
  let isProbing = true
  /** Mean times of the last window, in milliseconds; null before the first window has ended. */
  let last: { readonly tookMs: number; readonly usualMs: number } | null = null
  let window = emptyWindow()

  function emptyWindow() {
    const ms = Math.min(longestWindowMs, Math.max(shortestWindowMs, 2 * (last?.tookMs ?? 0)))
    return {
      endsAt: now() + ms,
      kinds: new Map<string, { count: number; ms: number }>(),
      count: 0,
      cutCount: 0,
      cutMs: 0,
      mostInFlight: 0,
    }
  }

  function clamp(target: number): number {
    return Math.max(floor, Math.min(ceiling, target))
  }

  function add({ ms, inFlight, kind }: Sample): void {
    if (kind === null && !(last !== null && ms > last.usualMs)) return
    window.mostInFlight = Math.max(window.mostInFlight, inFlight)
    window.count++
    if (kind === null) {
      window.cutCount++
      window.cutMs += ms
    } else {
      const sum = window.kinds.get(kind)
      if (sum === undefined) window.kinds.set(kind, { count: 1, ms })
      else {
        sum.count++
        sum.ms += ms
      }
    }
    if (window.count >= minSamples && now() >= window.endsAt) close()
  }

  function close(): void {
    const { kinds, count, cutCount, cutMs, mostInFlight } = window
    let tookMs = cutMs
    let usualMs = cutCount * (last?.usualMs ?? 0)
    for (const [kind, sum] of kinds) {
      tookMs += sum.ms
      usualMs += sum.count * learnUsual(kind, sum.ms / sum.count)
    }
    last = { tookMs: tookMs / count, usualMs: usualMs / count }
    if (mostInFlight >= limit / 2) limit = clamp(nextLimit(usualMs / Math.max(tookMs, 1e-3)))
    window = emptyWindow()
  }

  function learnUsual(kind: string, ms: number): number {
    const known = usual.get(kind) ?? { ms: 0, windows: 0 }
    usual.set(kind, known)
    known.windows++
    const weight = Math.max(2 / (longWindows + 1), known.windows <= warmUpWindows ? 1 / known.windows : 0)
    known.ms += (ms - known.ms) * weight
    const { ms: usualMs } = known
    // After a slow period, return faster than the average alone would.
    if (known.ms > 2 * ms) known.ms *= 0.9
    return usualMs
  }

  function nextLimit(ratio: number): number {
    const gradient = Math.max(0.5, Math.min(1, tolerance * ratio))
    if (gradient < 1) isProbing = false
    if (isProbing) return limit * probing
    return limit * (1 - smoothing) + (limit * gradient + Math.max(4, Math.sqrt(limit))) * smoothing
  }

  return {
    add,
    limit: () => Math.floor(limit),
    /** Mean duration of the last window's runs, in milliseconds; undefined before there was one. */
    recentMs: () => last?.tookMs,
  }
}
