import type { Subscriber } from '../events.ts'
import type { Priority } from '../priority.ts'
import type { LimiterStatus, RefusedBy } from '../resilience/limiter.ts'
import type { Kit } from './kit.ts'

const priorities: readonly Priority[] = ['interactive', 'batch']
const reasons: readonly RefusedBy[] = ['queue', 'wait', 'time', 'evicted', 'overdue']

const gauges: readonly [name: string, help: string, field: keyof LimiterStatus][] = [
  ['limit', 'Maximum number of concurrent fresh runs.', 'limit'],
  ['in_flight', 'Fresh runs in progress.', 'inFlight'],
  ['queued', 'Questions queued for admission.', 'waiting'],
]

export function admissionMetrics(kit: Kit) {
  const refusals = kit.counter('admission_refused_total', 'Questions rejected by admission control.', {
    priority: priorities,
    reason: reasons,
  })
  const subscriber: Subscriber = { runRefused: (priority, reason) => refusals(priority, reason).add() }
  return {
    subscriber,
    watchLimiter(status: () => LimiterStatus) {
      for (const [name, help, field] of gauges) kit.gauge(`admission_${name}`, help, () => status()[field])
    },
  }
}
