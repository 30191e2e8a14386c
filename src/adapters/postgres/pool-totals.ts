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

export function emptyTotals(): PoolTotals {
  return {
    checkouts: 0,
    refused: 0,
    timeouts: 0,
    cancels: 0,
    overdue: 0,
    destroyed: 0,
    invalidated: 0,
  }
}
