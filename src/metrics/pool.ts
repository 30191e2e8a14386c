import type { PoolStatus } from '../adapters/postgres/database.ts'
import type { Subscriber } from '../events.ts'
import { latencyBuckets, type Kit } from './kit.ts'

/** In seconds: getting a free connection takes microseconds, a search milliseconds. */
const buckets = [0.0001, 0.0005, ...latencyBuckets]

const gauges: readonly [name: string, help: string, pick: (status: PoolStatus) => number][] = [
  ['size', 'Database connections that the pool keeps open.', status => status.size],
  ['max', 'Maximum number of database connections.', status => status.size + status.maxOverflow],
  ['open', 'Open database connections.', status => status.open],
  ['checked_out', 'Database connections in use.', status => status.checkedOut],
  ['waiting', 'Requests waiting for a database connection.', status => status.waiting],
  ['longest_wait_seconds', 'Longest current wait for a database connection.', status => status.longestWaitMs / 1000],
  ['longest_hold_seconds', 'Longest current use of a database connection.', status => status.longestHoldMs / 1000],
]

const totals: readonly [name: keyof PoolStatus['totals'], help: string][] = [
  ['checkouts', 'Database connections checked out.'],
  ['refused', 'Requests rejected because too many were waiting for a database connection.'],
  ['timeouts', 'Requests that gave up waiting for a database connection: timed out or disconnected.'],
  ['cancels', 'Queries cancelled because no caller was waiting any more or they took too long.'],
  ['overdue', 'Database connections used longer than any request may take.'],
  ['destroyed', 'Database connections destroyed because the server did not respond to a cancel request.'],
  ['invalidated', 'Database connections destroyed, or closed by the server or the network.'],
]

export function poolMetrics(kit: Kit, status: () => PoolStatus): Subscriber {
  for (const [name, help, pick] of gauges) kit.gauge(`pool_${name}`, help, () => pick(status()))
  for (const [name, help] of totals) kit.total(`pool_${name}_total`, help, () => status().totals[name])
  const wait = kit.histogram('pool_wait_seconds', 'Time from requesting a database connection to getting it.', {
    buckets,
  })()
  const hold = kit.histogram('pool_hold_seconds', 'Time a database connection was in use.', { buckets })()
  return {
    connectionLeased: seconds => wait.observe(seconds),
    connectionReturned: seconds => hold.observe(seconds),
  }
}
