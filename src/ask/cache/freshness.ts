import type { Answer, CacheDirectives } from '../terms.ts'

/** An answer as a cache keeps it: as it was made, with what making it took. */
export interface CachedAnswer {
  readonly answer: Answer
  /** Milliseconds since 1970, as all times here. */
  readonly madeAt: number
  /** Until then it is given without a second thought; longer only when nothing better can be had. */
  readonly freshUntil: number
  readonly tookMs: number
}

export function ageOf({ madeAt }: CachedAnswer, now: number): number {
  return Math.max(0, Math.floor((now - madeAt) / 1000))
}

/** Whether it may be given, its documents being unchanged: still fresh, or the caller takes older ones; and not older than wished. */
export function isWanted(found: CachedAnswer, { maxAge, maxStale = 0 }: CacheDirectives, now: number): boolean {
  if (maxAge !== undefined && now - found.madeAt > maxAge * 1000) return false
  return now - found.freshUntil <= maxStale * 1000
}

/** Whether it may be given although nobody can say that it still holds, or is past its time: `seconds` past it at most. */
export function isBetterThanNothing(found: CachedAnswer, seconds: number, now: number): boolean {
  return now - found.freshUntil <= seconds * 1000
}

/**
 * Whether to make it anew before its time is over: the more likely the nearer that is and the longer it takes, so that
 * under steady traffic it is renewed once, in time, and nobody waits. XFetch of Vattani, Chierichetti and Lowenstein,
 * "Optimal Probabilistic Cache Stampede Prevention" (2015), with β = 1.
 */
export function isRefreshDue({ freshUntil, tookMs }: CachedAnswer, now: number, random: number): boolean {
  return -tookMs * Math.log(random) >= freshUntil - now
}
