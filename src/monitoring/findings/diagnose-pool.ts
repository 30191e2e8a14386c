import type { PoolStatus } from '../../adapters/postgres/pool.ts'
import { longWaitMs, type Facts } from './facts.ts'
import { counted, inSeconds, type Finding } from './findings.ts'

/** A wait of this many milliseconds while all connections are in use means that the pool is used up. A single connection (the embedded database) is in use whenever anything is done. */
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
  const gone = turnedAway === 0 ? '' : ` ${counted(turnedAway, 'request')} got none in 10 s.`
  return {
    culprit: 'pool',
    severity: 'critical',
    code: 'pool-exhausted',
    detail: `${inUse(pool)}, and ${counted(pool.waiting, 'request')} waiting, the longest ${inSeconds(pool.longestWaitMs)}.${gone}`,
  }
}

/** Times of waiting hold those for a connection that is being opened too; only who stood in the queue counts here. */
function waits({ pool, times, waitMs: { p95 } }: Facts): Finding | null {
  const lately = times('pool:waited')
  const long = longWaitMs(pool)
  if (pool.longestWaitMs < long && lately < waitsAtLeast) return null
  const share = p95 ? `; one in twenty waits ${inSeconds(p95)} or more` : ''
  const detail = `${inUse(pool)}; ${counted(pool.waiting, 'request')} waiting now, ${lately} waited longer than ${long} ms in 10 s${share}.`
  return { culprit: 'pool', severity: 'warning', code: 'pool-waits', detail }
}

function overdue({ times, pool }: Facts): Finding | null {
  const count = times('pool:overdue')
  if (count === 0) return null
  return {
    culprit: 'pool',
    severity: 'warning',
    code: 'pool-held-too-long',
    detail: `${counted(count, 'connection')} were held longer than any request may; ${inUse(pool)}.`,
  }
}

function inUse({ checkedOut, size, maxOverflow, holders }: PoolStatus): string {
  const who = Object.entries(holders)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([label, count]) => `${label} ${count}`)
    .join(', ')
  return `${checkedOut} of ${size + maxOverflow} database connections are in use${who === '' ? '' : ` (${who})`}`
}
