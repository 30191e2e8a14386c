import type { PoolStatus } from '../adapters/postgres/database.ts'
import { latencyBuckets, type Kit } from './kit.ts'

/** Seconds: one that is free costs microseconds, a search milliseconds. */
const buckets = [0.0001, 0.0005, ...latencyBuckets]

const gauges: readonly [name: string, help: string, pick: (status: PoolStatus) => number][] = [
  ['size', 'Database connections kept.', status => status.size],
  ['max', 'Database connections that there may be at most.', status => status.size + status.maxOverflow],
  ['open', 'Database connections open.', status => status.open],
  ['checked_out', 'Database connections in use.', status => status.checkedOut],
  ['waiting', 'Requests that wait for a database connection.', status => status.waiting],
  ['longest_wait_seconds', 'How long the first of those waits by now.', status => status.longestWaitMs / 1000],
  [
    'longest_hold_seconds',
    'How long the connection that is in use for longest is.',
    status => status.longestHoldMs / 1000,
  ],
]

const totals: readonly [name: keyof PoolStatus['totals'], help: string][] = [
  ['checkouts', 'Database connections handed out.'],
  ['refused', 'Requests refused because too many waited for a database connection.'],
  ['timeouts', 'Requests that left the queue without a database connection.'],
  ['cancels', 'Queries cancelled, because nobody waited any more or they took too long.'],
  ['overdue', 'Database connections held longer than any request may.'],
  ['destroyed', 'Database connections given up, because the server did not answer to a cancel.'],
  ['invalidated', 'Those, and connections that the server or the network closed.'],
]

export function poolMetrics(kit: Kit, status: () => PoolStatus) {
  for (const [name, help, pick] of gauges) kit.gauge(`pool_${name}`, help, () => pick(status()))
  for (const [name, help] of totals) kit.total(`pool_${name}_total`, help, () => status().totals[name])
  const wait = kit.histogram('pool_wait_seconds', 'Time from asking for a database connection to having it.', {
    buckets,
  })()
  const hold = kit.histogram('pool_hold_seconds', 'Time a database connection was in use.', { buckets })()
  const held: (seconds: number, label: string) => void = seconds => hold.observe(seconds)
  return { waited: (seconds: number) => wait.observe(seconds), held }
}
