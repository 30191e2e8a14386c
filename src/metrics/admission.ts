import type { Subscriber } from '../events.ts'
import type { Priority } from '../priority.ts'
import type { LimiterStatus, RefusedBy } from '../resilience/limiter.ts'
import type { Kit } from './kit.ts'

const priorities: readonly Priority[] = ['interactive', 'batch']
const reasons: readonly RefusedBy[] = ['queue', 'wait', 'time', 'evicted', 'overdue']

const gauges: readonly [name: string, help: string, field: keyof LimiterStatus][] = [
  ['limit', 'Fresh runs that may search at the same time; adapts to how long searches take.', 'limit'],
  ['in_flight', 'Fresh runs that search, without those that wait for a model.', 'inFlight'],
  ['queued', 'Questions that wait for admission, or to continue after a call to a model.', 'waiting'],
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
