import type { DatabaseFault } from './errors.ts'

/** How often, since the start. */
export interface PoolTotals {
  checkouts: number
  /** Not even queued: the queue was full. */
  refused: number
  /** Left the queue without a connection. */
  timeouts: number
  cancels: number
  /** Out longer than any lease may be. */
  overdue: number
  /** Given up because the server did not answer to a cancel. */
  destroyed: number
  /** Those, and connections that the server or the network closed. */
  invalidated: number
}

/** Who wants to know of each lease; seconds. */
export interface PoolObserver {
  /** From asking for a connection to having it; `wasQueued`: others had all of them. */
  waited(seconds: number, wasQueued: boolean): void
  /** `label`: what for. */
  held(seconds: number, label: string): void
  overdue(label: string, limitMs: number): void
  /** A lease came to nothing by the server's doing. */
  failed?(fault: DatabaseFault): void
}

export interface PoolFigures extends PoolObserver {
  readonly totals: PoolTotals
  failed(fault: DatabaseFault): void
  /** A connection was closed, and not by us. */
  lost(): void
  /** From now on. */
  observe(observer: PoolObserver): void
}

export function createPoolFigures(): PoolFigures {
  const totals: PoolTotals = {
    checkouts: 0,
    refused: 0,
    timeouts: 0,
    cancels: 0,
    overdue: 0,
    destroyed: 0,
    invalidated: 0,
  }
  let observer: PoolObserver | undefined
  return {
    totals,
    observe: each => void (observer = each),
    waited: (seconds, wasQueued) => observer?.waited(seconds, wasQueued),
    held: (seconds, label) => observer?.held(seconds, label),
    overdue: (label, limitMs) => observer?.overdue(label, limitMs),
    failed: fault => observer?.failed?.(fault),
    lost() {
      totals.invalidated++
      observer?.failed?.('lost')
    },
  }
}
