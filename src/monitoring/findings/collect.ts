import { getHeapStatistics } from 'node:v8'
import type { Database } from '../../adapters/postgres/database.ts'
import type { PoolTotals } from '../../adapters/postgres/pool-totals.ts'
import type { DatabaseFault, Dependency, ModelFault } from '../../faults.ts'
import type { ClusterStatus } from '../../cluster/calls.ts'
import type { CallLimitStatus } from '../../resilience/call-limit.ts'
import type { LimiterStatus } from '../../resilience/limiter.ts'
import type { Connections } from './connections.ts'
import type { Facts } from './facts.ts'
import { createEventLoopLag } from '../figures/event-loop-lag.ts'
import type { Figures } from '../figures/figures.ts'
import type { OutputStatus } from '../../output.ts'
import type { DeliveryStatus } from '../../tracing/delivery.ts'
import { createServerView } from './server-view.ts'
import { createStoredData } from './stored-data.ts'

export interface CollectorParts {
  readonly database: Pick<Database, 'status' | 'connections' | 'isReadOnly'>
  readonly countLargeMetadata: (signal: AbortSignal) => Promise<number>
  readonly countOutdated: (signal: AbortSignal) => Promise<number>
  readonly countUnitsBehind: (signal: AbortSignal) => Promise<number>
  readonly countChangedModels: (signal: AbortSignal) => Promise<number>
  readonly pulse: () => { readonly isDown: boolean; readonly downBy: DatabaseFault | null }
  readonly states: () => Facts['breakers']
  readonly lastFault: (dependency: Dependency) => ModelFault | null
  readonly redis: { status(): string; outage(): Facts['redisOutage'] } | undefined
  readonly limiter: () => LimiterStatus
  readonly modelCalls: (() => CallLimitStatus) | null
  readonly firstWord: (() => Facts['firstWord']) | null
  readonly budgets: { status(): Facts['budgets'] }
  readonly figures: Pick<Figures, 'count' | 'recent' | 'poolTimes'>
  readonly connections: Connections
  readonly workers: { status(): ClusterStatus }
  readonly traces: () => DeliveryStatus
  readonly log: () => OutputStatus
  readonly isDraining: () => boolean
  /** How often `beat` is called. */
  readonly beatMs: number
}

/** A search that holds its connection longer may be stuck on something the server can report, such as a lock. */
const suspectHoldMs = 1000
const countedTotals = ['refused', 'timeouts', 'overdue'] as const satisfies (keyof PoolTotals)[]

/** Combines what the parts of the service know into the facts for a diagnosis. */
export function createCollector({
  database,
  countLargeMetadata,
  countOutdated,
  countUnitsBehind,
  countChangedModels,
  pulse,
  states,
  lastFault,
  redis,
  limiter,
  modelCalls,
  firstWord,
  budgets,
  figures,
  connections,
  workers,
  traces,
  log,
  isDraining,
  beatMs,
}: CollectorParts) {
  const loopLag = createEventLoopLag(beatMs)
  const server = createServerView({ read: database.connections })
  const stored = createStoredData({ countLargeMetadata, countOutdated, countUnitsBehind, countChangedModels })
  const heapLimit = getHeapStatistics().heap_size_limit
  let totals = database.status().totals

  function beat(): void {
    loopLag.beat()
    connections.sample()
    const { totals: now, longestHoldMs } = database.status()
    for (const each of countedTotals)
      if (now[each] > totals[each]) figures.count(`pool:${each}`, now[each] - totals[each])
    totals = now
    if (pulse().isDown) return
    stored.beat()
    server.beat(
      longestHoldMs > suspectHoldMs || figures.recent('deadline:retrieve') > 0 || states().database !== 'closed',
    )
  }

  function collect(): Facts {
    const isBreakerOpen = states().database !== 'closed'
    return {
      pool: database.status(),
      ...figures.poolTimes(),
      database: { ...pulse(), isReadOnly: database.isReadOnly(), ...server.facts(isBreakerOpen), ...stored.facts() },
      breakers: states(),
      redis: redis?.status() ?? 'off',
      redisOutage: redis?.outage() ?? null,
      limiter: limiter(),
      modelCalls: modelCalls && modelCalls(),
      firstWord: firstWord && firstWord(),
      budgets: budgets.status(),
      process: { ...loopLag.worst(), heapShare: getHeapStatistics().used_heap_size / heapLimit },
      connections: connections.facts(),
      workers: workersOf(workers.status()),
      log: log(),
      traces: traces(),
      isDraining: isDraining(),
      times: figures.recent,
      lastFault,
    }
  }

  function looked(): void {
    server.markViewed()
    stored.markViewed()
  }

  return { beat, collect, looked, doubtStored: stored.doubt }
}

function workersOf({ restarts, killedAgoMs }: ClusterStatus): Facts['workers'] {
  return { killed: restarts.killed, killedAgoMs }
}
