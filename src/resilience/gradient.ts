/** How much of something may run at once, found out from how long it takes. */
export interface GradientOptions {
  readonly floor: number
  readonly ceiling: number
  /** What it starts from. */
  readonly initial?: number
  /** Milliseconds, on any clock. */
  readonly now: () => number
}

/** One run that is over. */
export interface Sample {
  readonly ms: number
  /** Runs at that moment, this one among them. */
  readonly inFlight: number
  /** Only runs of one kind are compared with each other. Null: it was cut short, and took at least so long. */
  readonly kind: string | null
}

/** Windows that the usual time of a kind is averaged over; the first ten weigh alike. */
const longWindows = 600
const warmUpWindows = 10
/** By so much a window may be slower than usual before the limit falls. */
const tolerance = 1.2
const smoothing = 0.2
/** A window a factor, until a window is slower than usual for the first time. */
const probing = 1.25
const minSamples = 10
const shortestWindowMs = 100
const longestWindowMs = 1000

interface Usual {
  ms: number
  windows: number
}

/**
 * Gradient2 of Netflix's concurrency-limits (Gradient2Limit.java, WindowedLimit.java; read, not copied): once a window
 * the limit is multiplied by how much faster than now runs usually are, from .5 to 1, and gets some headroom on top;
 * so it grows while times are flat, by the root of itself, and falls while they rise. Not while less than half of it
 * is used. "Usually" is a slow average, so that it follows a lasting change but not a rush.
 *
 * Ours: the usual time is kept a kind (a search takes 10 ms, an answer seconds: a change of what is asked is no change
 * of load); runs that were cut short count only when they took longer than usual; until the first slow window the
 * limit grows by a quarter, or a service whose runs take seconds would refuse for minutes after its start.
 */
export function createGradient({ floor, ceiling, initial = 20, now }: GradientOptions) {
  const usual = new Map<string, Usual>()
  let limit = clamp(initial)
  let isProbing = true
  /** Means of the last window, in milliseconds; null until there was one. */
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

  function clamp(wanted: number): number {
    return Math.max(floor, Math.min(ceiling, wanted))
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
      usualMs += sum.count * learn(kind, sum.ms / sum.count)
    }
    last = { tookMs: tookMs / count, usualMs: usualMs / count }
    if (mostInFlight >= limit / 2) limit = clamp(next(usualMs / Math.max(tookMs, 1e-3)))
    window = emptyWindow()
  }

  function learn(kind: string, ms: number): number {
    const known = usual.get(kind) ?? { ms: 0, windows: 0 }
    usual.set(kind, known)
    known.windows++
    const weight = Math.max(2 / (longWindows + 1), known.windows <= warmUpWindows ? 1 / known.windows : 0)
    known.ms += (ms - known.ms) * weight
    const { ms: usualMs } = known
    // After a slow spell: back sooner than the average alone would be.
    if (known.ms > 2 * ms) known.ms *= 0.9
    return usualMs
  }

  function next(ratio: number): number {
    const gradient = Math.max(0.5, Math.min(1, tolerance * ratio))
    if (gradient < 1) isProbing = false
    if (isProbing) return limit * probing
    return limit * (1 - smoothing) + (limit * gradient + Math.max(4, Math.sqrt(limit))) * smoothing
  }

  return {
    add,
    limit: () => Math.floor(limit),
    /** What a run took lately, in milliseconds; undefined until that is known. */
    recentMs: () => last?.tookMs,
  }
}

export type Gradient = ReturnType<typeof createGradient>
