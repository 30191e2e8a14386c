import type { Answer } from '../terms/answer.ts'
import type { CacheDirectives } from '../terms/caching.ts'

/** A cached answer as it was computed, with what computing it took. */
export interface CachedAnswer {
  readonly answer: Answer
  /** Milliseconds since 1970, like all times here. */
  readonly madeAt: number
  /** Until then it is served unconditionally; after that only when nothing better is available. */
  readonly freshUntil: number
  readonly tookMs: number
}

export function ageOf({ madeAt }: CachedAnswer, now: number): number {
  return Math.max(0, Math.floor((now - madeAt) / 1000))
}

/** Whether it may be served while its documents are unchanged: it must satisfy the caller's `maxAge` and `maxStale`. */
export function isWanted(found: CachedAnswer, { maxAge, maxStale = 0 }: CacheDirectives, now: number): boolean {
  if (maxAge !== undefined && now - found.madeAt > maxAge * 1000) return false
  return now - found.freshUntil <= maxStale * 1000
}

/** Whether it may be served although it could not be checked or has expired: at most `seconds` past its lifetime. */
export function isBetterThanNothing(found: CachedAnswer, seconds: number, now: number): boolean {
  return now - found.freshUntil <= seconds * 1000
}

/**
 * Whether to refresh it before it expires: more likely the closer that is and the longer computing it takes. Under
 * steady
 * traffic it is refreshed once, in time, and nobody waits. XFetch of Vattani, Chierichetti and Lowenstein, "Optimal
 * Probabilistic Cache Stampede Prevention" (2015), with β = 1.
 */
export function isRefreshDue({ freshUntil, tookMs }: CachedAnswer, now: number, random: number): boolean {
  return -tookMs * Math.log(random) >= freshUntil - now
}
