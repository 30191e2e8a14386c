import type { WindowCount } from '../resilience/window-counter.ts'

export interface ClaimRequest {
  readonly key: string
  /** Unique name of the claim, from `nameOfAsker`. */
  readonly token: string
  /** Milliseconds since 1970: answers that expire by then are not good enough. */
  readonly freshAfter: number
}

/** Answers travel as JSON text, which the primary passes on unread. */
export type ClaimReply =
  | { readonly kind: 'found'; readonly answer: string }
  | { readonly kind: 'yours'; readonly before: string | undefined }
  | { readonly kind: 'theirs'; readonly token: string }
  | { readonly kind: 'alone' }

/** How long an answer may be found, both in milliseconds: until a time since 1970, and from now. */
export interface KeptTimes {
  readonly freshUntil: number
  readonly ms: number
}

/** What a worker can report about itself. `cleared`: it has cleared its caches, as asked by this. */
export type ReportName = 'metrics' | 'pool-status' | 'performance' | 'cleared'

/** How long a worker may take to report. */
export const reportMs = 1000

export interface Gathered {
  /** One per other worker that replied in time. */
  readonly replies: readonly unknown[]
  /** Other workers that did not. */
  readonly missing: number
}

/** What the primary knows about its workers. */
export interface ClusterStatus {
  readonly workers: number
  readonly ready: number
  readonly restarts: { readonly killed: number; readonly failed: number; readonly stopped: number }
  /** How long ago a worker was last killed; null if none was. */
  readonly killedAgoMs: number | null
}

/** Of a process that has no other workers next to it. */
export const aloneStatus: ClusterStatus = {
  workers: 1,
  ready: 1,
  restarts: { killed: 0, failed: 0, stopped: 0 },
  killedAgoMs: null,
}

/** What workers call in the primary. */
export type PrimaryCalls = {
  ready(): void
  claim(request: ClaimRequest): Promise<ClaimReply>
  /** The answer that another worker has. */
  find(key: string): Promise<string | undefined>
  renew(key: string, token: string): void
  keep(key: string, token: string, times: KeptTimes): void
  release(key: string, token: string, isFailed: boolean): void
  count(client: string, windowMs: number, requests: number): WindowCount
  gather(what: ReportName): Promise<Gathered>
}

/** What the primary calls in its workers. */
export type WorkerCalls = {
  stop(): void
  status(status: ClusterStatus): void
  answer(key: string): string | undefined
  report(what: ReportName): unknown
}
