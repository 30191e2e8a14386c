import { Registry } from 'prom-client'
import type { PoolStatus } from '../adapters/postgres/database.ts'
import { aloneStatus, type ClusterStatus, type Gathered } from '../cluster/calls.ts'
import type { Subscriber } from '../events.ts'
import { admissionMetrics } from './admission.ts'
import { budgetMetrics } from './budgets.ts'
import { cacheMetrics } from './caches.ts'
import { edgeMetrics } from './edge.ts'
import { expose } from './exposition.ts'
import { guardMetrics } from './guards.ts'
import { createKit } from './kit.ts'
import { monitorMetrics } from './monitor.ts'
import { modelMetrics } from './models.ts'
import { poolMetrics } from './pool.ts'
import { processMetrics } from './process.ts'
import { mergedRegistry, statesOf, type MetricState } from './merged.ts'
import { groundingMetrics } from './grounding.ts'
import { questionMetrics, stageMetrics } from './questions.ts'
import { workerMetrics } from './workers.ts'

interface JoinedWorkers {
  readonly status: () => ClusterStatus
  /** The states of the other workers. */
  readonly gather?: () => Promise<Gathered>
}

export type Metrics = ReturnType<typeof createMetrics>

/**
 * All metrics, grouped by subject in metrics/. Names, labels and help texts are a public interface: change them on
 * purpose only, and in test/fixtures/metrics.txt as well. Labels are closed lists, never a question or a tenant.
 */
export function createMetrics(poolStatus: () => PoolStatus) {
  const registry = new Registry()
  const kit = createKit(registry)
  const [caches, guards, budgets, admission, monitor] = [
    cacheMetrics(kit),
    guardMetrics(kit),
    budgetMetrics(kit),
    admissionMetrics(kit),
    monitorMetrics(kit),
  ]
  const subscribers: readonly Subscriber[] = [
    questionMetrics(kit),
    stageMetrics(kit),
    groundingMetrics(kit),
    modelMetrics(kit),
    poolMetrics(kit, poolStatus),
    caches.subscriber,
    guards.subscriber,
    budgets.subscriber,
    admission.subscriber,
    edgeMetrics(kit),
    monitor.subscriber,
  ]
  let workers: JoinedWorkers = { status: () => aloneStatus }
  const countMissing = workerMetrics(kit, () => workers.status())

  /** Covers all processes of the service. */
  async function exposeAll(accept: string) {
    if (!workers.gather) return await expose(registry, accept)
    const { replies, missing } = await workers.gather()
    countMissing(missing)
    return await expose(mergedRegistry([await statesOf(registry), ...(replies as MetricState[][])]), accept)
  }

  return {
    registry,
    expose: exposeAll,
    /** The state of this process, for {@link expose} of another one. */
    states: () => statesOf(registry),
    joinWorkers: (joined: JoinedWorkers) => void (workers = joined),
    subscribers,
    watchCaches: caches.watchCaches,
    watchBudgets: budgets.watchBudgets,
    watchBreakers: guards.watchBreakers,
    watchLimiter: admission.watchLimiter,
    watchModelCalls: guards.watchModelCalls,
    watchMonitor: monitor.watchMonitor,
    ...processMetrics(kit, registry),
  }
}
