import type { SpanContext } from '@opentelemetry/api'
import type { CachedAnswer } from './freshness.ts'

/** The right to make an answer for all replicas; it is renewed while it is held, and ends by one of the two. */
export interface FillLease {
  /** For `ms` milliseconds, unless another holds the lease by now. */
  keep(value: CachedAnswer, ms: number): Promise<void>
  /** `isFailed`: there is nothing to keep; who waited goes on alone instead of waiting for the next holder. */
  release(isFailed: boolean): Promise<void>
}

/** What the shared tier says to one who needs an answer. `before`: one past its time. */
export type LeaseReply =
  | { readonly kind: 'found'; readonly found: CachedAnswer }
  /** Nobody makes it: do, then keep or release. */
  | { readonly kind: 'yours'; readonly lease: FillLease; readonly before?: CachedAnswer }
  /** Another replica makes it. `run`: of its trace, where there is one. */
  | { readonly kind: 'theirs'; readonly run?: SpanContext }
  /** Nobody shares it now: make it for yourself. `isAway`: because the tier cannot be reached. */
  | { readonly kind: 'alone'; readonly before?: CachedAnswer; readonly isAway?: true }

/** The answers that replicas share. Never rejects. */
export interface SharedAnswers {
  get(key: string): Promise<CachedAnswer | undefined>
  /** `freshAfter`: what is fresh no longer than that (milliseconds since 1970) is not good enough. */
  claim(key: string, freshAfter: number): Promise<LeaseReply>
}

/** The answers of this process. */
export interface LocalAnswers {
  get(key: string): CachedAnswer | undefined
  /** For `ms` milliseconds. */
  set(key: string, value: CachedAnswer, ms: number): void
}
