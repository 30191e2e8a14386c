import type { SpanContext } from '@opentelemetry/api'
import type { CachedAnswer } from './freshness.ts'

/** The right to compute an answer for all replicas. It renews itself and ends with one of the two calls. */
export interface FillLease {
  /** Stores the answer for `ms` milliseconds, unless another replica has the lease by now. */
  keep(value: CachedAnswer, ms: number): Promise<void>
  /**
   * `isFailed`: there is nothing to store; waiting replicas compute it themselves instead of waiting for the next
   * holder.
   */
  release(isFailed: boolean): Promise<void>
}

/** What the shared tier replies to a request for an answer. `before` is an expired answer. */
export type LeaseReply =
  | { readonly kind: 'found'; readonly found: CachedAnswer }
  /** Nobody is computing it: compute it, then keep or release. */
  | { readonly kind: 'yours'; readonly lease: FillLease; readonly before?: CachedAnswer }
  /** Another replica is computing it. `run` is that run's trace, if it has one. */
  | { readonly kind: 'theirs'; readonly run?: SpanContext }
  /** It cannot be shared now: compute it for this replica only. `isAway` when the tier cannot be reached. */
  | { readonly kind: 'alone'; readonly before?: CachedAnswer; readonly isAway?: true }

/** The answers that replicas share. Never rejects. */
export interface SharedAnswers {
  get(key: string): Promise<CachedAnswer | undefined>
  /** `freshAfter` in milliseconds since 1970: answers that expire by then are not good enough. */
  claim(key: string, freshAfter: number): Promise<LeaseReply>
}
