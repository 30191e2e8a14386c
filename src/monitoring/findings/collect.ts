import { getHeapStatistics } from 'node:v8'
import type { Dependency } from '../../adapters/models/guards.ts'
import type { ModelFault } from '../../adapters/models/faults.ts'
import type { Database } from '../../adapters/postgres/database.ts'
import type { PoolTotals } from '../../adapters/postgres/pool-figures.ts'
import type { DatabaseFault } from '../../adapters/postgres/errors.ts'
import type { LimiterStatus } from '../../resilience/limiter.ts'
import type { Connections } from './connections.ts'
import { lately, type Facts } from './facts.ts'
import { createEventLoopLag } from '../figures/event-loop-lag.ts'
import type { OneMinute } from '../figures/one-minute.ts'
import type { RecentCounts } from '../figures/recent-counts.ts'
import { createServerView } from './server-view.ts'
import { createStoredData } from './stored-data.ts'

export interface Sources {
  readonly database: Pick<Database, 'status' | 'connections' | 'isReadOnly'>
  readonly countLargeMetadata: (signal: AbortSignal) => Promise<number>
  readonly times: { readonly waitMs: OneMinute; readonly holdMs: OneMinute }
  readonly pulse: () => { readonly isDown: boolean; readonly downBy: DatabaseFault | null }
  readonly states: () => Facts['breakers']
  readonly lastFault: (dependency: Dependency) => ModelFault | null
  readonly redis: { status(): string; outage(): Facts['redisOutage'] } | undefined
  readonly limiter: () => LimiterStatus
  readonly recent: RecentCounts
  readonly connections: Connections
  readonly isDraining: () => boolean
  /** How often `beat` is called. */
  readonly beatMs: number
}

/** A search that holds its connection for longer may be stuck at something that the server knows of. */
const suspectHoldMs = 1000
const tallied = ['refused', 'timeouts', 'overdue'] as const satisfies (keyof PoolTotals)[]

/** Puts together what the parts of the service know by themselves. */
export function createCollector({
  database,
  countLargeMetadata,
  times,
  pulse,
  states,
  lastFault,
  redis,
  limiter,
  recent,
  connections,
  isDraining,
  beatMs,
}: Sources) {
  const lateness = createEventLoopLag(beatMs)
  const server = createServerView({ read: database.connections })
  const stored = createStoredData({ countLargeMetadata })
  const heapLimit = getHeapStatistics().heap_size_limit
  let totals = database.status().totals

  function beat(): void {
    lateness.beat()
    connections.sample()
    const { totals: now, longestHoldMs } = database.status()
    for (const each of tallied) if (now[each] > totals[each]) recent.count(`pool:${each}`, now[each] - totals[each])
    totals = now
    if (pulse().isDown) return
    stored.beat()
    server.beat(
      longestHoldMs > suspectHoldMs || recent.times('deadline:retrieve', lately) > 0 || states().database !== 'closed',
    )
  }

  function collect(): Facts {
    const isLeftAlone = states().database !== 'closed'
    return {
      pool: database.status(),
      waitMs: times.waitMs.quantiles(),
      holdMs: times.holdMs.quantiles(),
      database: { ...pulse(), isReadOnly: database.isReadOnly(), ...server.facts(isLeftAlone), ...stored.facts() },
      breakers: states(),
      redis: redis?.status() ?? 'off',
      redisOutage: redis?.outage() ?? null,
      limiter: limiter(),
      process: { ...lateness.worst(), heapShare: getHeapStatistics().used_heap_size / heapLimit },
      connections: connections.facts(),
      isDraining: isDraining(),
      times: kind => recent.times(kind, lately),
      lastFault,
    }
  }

  function looked(): void {
    server.looked()
    stored.looked()
  }

  return { beat, collect, looked }
}
