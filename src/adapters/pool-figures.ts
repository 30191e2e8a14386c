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
}

/** Who wants to know of each lease; seconds. */
export interface PoolObserver {
  /** From asking for a connection to having it. */
  waited(seconds: number): void
  /** `label`: what for. */
  held(seconds: number, label: string): void
  overdue(label: string, limitMs: number): void
}

export interface PoolFigures extends PoolObserver {
  readonly totals: PoolTotals
  /** From now on. */
  observe(observer: PoolObserver): void
}

export function createPoolFigures(): PoolFigures {
  const totals: PoolTotals = { checkouts: 0, refused: 0, timeouts: 0, cancels: 0, overdue: 0, destroyed: 0 }
  let observer: PoolObserver | undefined
  return {
    totals,
    observe: each => void (observer = each),
    waited: seconds => observer?.waited(seconds),
    held: (seconds, label) => observer?.held(seconds, label),
    overdue: (label, limitMs) => observer?.overdue(label, limitMs),
  }
}
