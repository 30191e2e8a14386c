import type { PoolStatus } from '../../adapters/postgres/pool.ts'
import { longWaitMs, type Facts } from './facts.ts'
import { counted, inSeconds, type Finding } from './findings.ts'

/**
 * A wait this long while all connections are in use means that the pool is exhausted. The limit is higher for a single
 * connection (the embedded database), which is in use whenever anything runs.
 */
function exhaustedMs({ size, maxOverflow }: PoolStatus): number {
  return size + maxOverflow === 1 ? 5000 : 100
}

const waitsAtLeast = 3

export function diagnosePool(facts: Facts): Finding[] {
  return [exhausted(facts) ?? waits(facts), overdue(facts)].filter(each => each !== null)
}

function exhausted({ pool, times }: Facts): Finding | null {
  const turnedAway = times('pool:refused') + times('pool:timeouts')
  const isFull =
    pool.checkedOut >= pool.size + pool.maxOverflow && pool.waiting > 0 && pool.longestWaitMs >= exhaustedMs(pool)
  if (!isFull && turnedAway === 0) return null
  const gone = turnedAway === 0 ? '' : ` ${counted(turnedAway, 'request')} got no connection in the last 10 s.`
  return {
    culprit: 'pool',
    severity: 'critical',
    code: 'pool-exhausted',
    detail: `${inUse(pool)}; ${waitingNow(pool)}, the longest for ${inSeconds(pool.longestWaitMs)}.${gone}`,
  }
}

/** Counts only requests that were queued: wait times also include waits for a connection being opened. */
function waits({ pool, times, waitMs: { p95 } }: Facts): Finding | null {
  const longWaits = times('pool:waited')
  const long = longWaitMs(pool)
  if (pool.longestWaitMs < long && longWaits < waitsAtLeast) return null
  const p95Note = p95 ? `; the p95 wait is ${inSeconds(p95)}` : ''
  const detail = `${inUse(pool)}; ${waitingNow(pool)}, ${longWaits} waited longer than ${long} ms in the last 10 s${p95Note}.`
  return { culprit: 'pool', severity: 'warning', code: 'pool-waits', detail }
}

function overdue({ times, pool }: Facts): Finding | null {
  const count = times('pool:overdue')
  if (count === 0) return null
  return {
    culprit: 'pool',
    severity: 'warning',
    code: 'pool-held-too-long',
    detail: `${counted(count, 'connection was', 'connections were')} held longer than any request may take; ${inUse(pool)}.`,
  }
}

function waitingNow({ waiting }: PoolStatus): string {
  return counted(waiting, 'request is waiting', 'requests are waiting')
}

function inUse({ checkedOut, size, maxOverflow, holders }: PoolStatus): string {
  const who = Object.entries(holders)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([label, count]) => `${label} ${count}`)
    .join(', ')
  return `${checkedOut} of ${size + maxOverflow} database connections are in use${who === '' ? '' : ` (${who})`}`
}
