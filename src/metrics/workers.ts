import type { ClusterStatus } from '../cluster/calls.ts'
import type { Kit } from './kit.ts'

const reasons = ['killed', 'failed', 'stopped'] as const

/** The processes of this service. Returns what counts reports that did not arrive. */
export function workerMetrics(kit: Kit, status: () => ClusterStatus): (missing: number) => void {
  kit.gauges('worker_processes', 'Processes of this service that answer requests (WORKERS).', ['state'], set => {
    const { workers, ready } = status()
    set(workers, 'wanted')
    set(ready, 'ready')
  })
  kit.totals(
    'worker_restarts_total',
    'Workers that ended and were replaced. killed: by SIGKILL, for instance when memory ran out; failed: by an error; stopped: after a signal to the worker alone.',
    { name: 'reason', values: reasons },
    reason => status().restarts[reason],
  )
  const missing = kit.counter(
    'worker_reports_missing_total',
    'Reports of other workers that did not arrive in time; a scrape without them is incomplete.',
  )()
  return count => missing.add(count)
}
