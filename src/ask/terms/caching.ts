/** What callers accept from caches, and what an answer says about them. */

/**
 * - `near`: computed for a question with the same meaning in other words.
 * - `stale`: past its lifetime, or it could not be checked against the documents.
 * - `coalesced`: computed for another caller that asked the same question at the same time.
 * - `bypass`: the caller wanted no cached answer.
 */
export type CacheStatus = 'hit' | 'near' | 'stale' | 'coalesced' | 'miss' | 'bypass'

/** Where a cached answer came from: this process, another worker of this service, or Redis, which replicas share. */
export type CacheTier = 'memory' | 'worker' | 'redis'
export type SharedCacheTier = Exclude<CacheTier, 'memory'>

export interface CacheNote {
  readonly status: CacheStatus
  readonly tier?: CacheTier
  /** Seconds since the answer was computed. */
  readonly age?: number
  /** The documents have changed, but a new search found exactly the passages that the answer was written from. */
  readonly revalidated?: true
  /** Cosine similarity of the two questions' vectors when the answer is from the semantic cache: −1…1. */
  readonly similarity?: number
  /** The question that the semantic cache matched. */
  readonly question?: string
}

/** What the caller accepts from a cache, as the request directives of RFC 9111. Seconds. */
export interface CacheDirectives {
  /** Compute a fresh answer and cache it. */
  readonly noCache?: boolean
  /** Compute a fresh answer and cache nothing. */
  readonly noStore?: boolean
  /** Answer from a cache or not at all. */
  readonly onlyIfCached?: boolean
  readonly maxAge?: number
  /** How long past its lifetime an answer may be; Infinity for any age. */
  readonly maxStale?: number
}
