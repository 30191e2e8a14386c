import { Registry } from 'prom-client'
import type { PoolStatus } from '../adapters/postgres/database.ts'
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
import { questionMetrics, stageMetrics } from './questions.ts'

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
    modelMetrics(kit),
    poolMetrics(kit, poolStatus),
    caches.subscriber,
    guards.subscriber,
    budgets.subscriber,
    admission.subscriber,
    edgeMetrics(kit),
    monitor.subscriber,
  ]
  return {
    registry,
    expose: (accept: string) => expose(registry, accept),
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
