import type { PoolStatus } from '../adapters/pool.ts'
import type { Facts } from './facts.ts'
import { counted, inSeconds, type Finding } from './findings.ts'

/** A shorter wait is a rush of a moment. */
const waitMs = 100
const usualWaitMs = 50
const leastSample = 20

export function diagnosePool(facts: Facts): Finding[] {
  return [exhausted(facts) ?? waits(facts), overdue(facts)].filter(each => each !== null)
}

function exhausted({ pool, times }: Facts): Finding | null {
  const turnedAway = times('pool:refused') + times('pool:timeouts')
  const isFull = pool.checkedOut >= pool.size + pool.maxOverflow && pool.waiting > 0 && pool.longestWaitMs >= waitMs
  if (!isFull && turnedAway === 0) return null
  const gone = turnedAway === 0 ? '' : ` ${counted(turnedAway, 'request')} got none in 10 s.`
  return { culprit: 'pool', severity: 'critical', code: 'pool-exhausted', detail: `${inUse(pool)}, and ${counted(pool.waiting, 'request')} wait, the longest ${inSeconds(pool.longestWaitMs)}.${gone}` }
}

function waits({ pool, waitMs: { count, p95 } }: Facts): Finding | null {
  const isNow = pool.longestWaitMs >= usualWaitMs
  if (!isNow && (count < leastSample || (p95 ?? 0) < usualWaitMs)) return null
  const detail = `${inUse(pool)}; ${counted(pool.waiting, 'request')} wait now, the longest ${inSeconds(pool.longestWaitMs)}, and one in twenty waited ${inSeconds(p95 ?? 0)} or more in the last minute.`
  return { culprit: 'pool', severity: 'warning', code: 'pool-waits', detail }
}

function overdue({ times, pool }: Facts): Finding | null {
  const count = times('pool:overdue')
  if (count === 0) return null
  return { culprit: 'pool', severity: 'warning', code: 'pool-held-too-long', detail: `${counted(count, 'connection')} were held longer than any request may; ${inUse(pool)}.` }
}

function inUse({ checkedOut, size, maxOverflow, holders }: PoolStatus): string {
  const who = Object.entries(holders).sort(([, a], [, b]) => b - a).slice(0, 3).map(([label, count]) => `${label} ${count}`).join(', ')
  return `${checkedOut} of ${size + maxOverflow} database connections are in use${who === '' ? '' : ` (${who})`}`
}
