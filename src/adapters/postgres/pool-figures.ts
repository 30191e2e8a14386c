import type { DatabaseFault } from './faults.ts'

/** Counters since the start. */
export interface PoolTotals {
  checkouts: number
  /** Rejected because the queue was full. */
  refused: number
  /** Left the queue without a connection. */
  timeouts: number
  cancels: number
  /** Leases that exceeded the hold limit. */
  overdue: number
  /** Connections destroyed because the server did not react to a cancel. */
  destroyed: number
  /** Destroyed connections, and those that the server or the network closed. */
  invalidated: number
}

/** Observes every lease; times in seconds. */
export interface PoolObserver {
  /** Time from requesting a connection to getting it. `wasQueued` means that all were in use. */
  waited(seconds: number, wasQueued: boolean): void
  /** `label` names the purpose. */
  held(seconds: number, label: string): void
  overdue(label: string, limitMs: number): void
  /** A lease failed because of the server. */
  failed?(fault: DatabaseFault): void
}

export interface PoolFigures extends PoolObserver {
  readonly totals: PoolTotals
  failed(fault: DatabaseFault): void
  /** A connection was closed by the other side. */
  lost(): void
  /** Registers the observer. */
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
