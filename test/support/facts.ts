import { nothingDelivered } from '../../src/tracing/delivery.ts'
import type { Facts } from '../../src/monitoring/findings/facts.ts'

/** `counts` are the numbers of events in the last ten seconds. */
type Changes = { readonly [Name in keyof Facts]?: Facts[Name] extends object ? Partial<Facts[Name]> : Facts[Name] } & {
  readonly counts?: Readonly<Record<string, number>>
}

/** Facts of a healthy service, apart from the given changes. */
export function factsOf({ counts = {}, ...changes }: Changes = {}): Facts {
  const none = { count: 0, p50: null, p95: null, p99: null, max: null }
  const totals = { checkouts: 0, refused: 0, timeouts: 0, cancels: 0, overdue: 0, destroyed: 0, invalidated: 0 }
  const well = {
    pool: {
      size: 20,
      maxOverflow: 30,
      maxWaiting: 200,
      open: 20,
      checkedIn: 20,
      checkedOut: 0,
      overflow: 0,
      waiting: 0,
      longestWaitMs: 0,
      longestHoldMs: 0,
      holders: {},
      totals,
    },
    waitMs: none,
    holdMs: none,
    database: {
      isDown: false,
      downBy: null,
      isReadOnly: false,
      server: null,
      lock: null,
      largeMetadata: null,
      outdated: null,
      unitsBehind: null,
      changedModels: null,
    },
    breakers: { database: 'closed', chat: 'closed', embeddings: 'closed', rerank: 'closed' },
    redis: 'ready',
    redisOutage: null,
    modelCalls: null,
    firstWord: null,
    budgets: [],
    limiter: { limit: 50, inFlight: 3, waiting: 0 },
    process: { lateMs: 0, wasBusy: false, heapShare: 0.1 },
    connections: { open: 20, max: 10_000, silent: 0, trickling: 0 },
    workers: { killed: 0, killedAgoMs: null },
    log: { lost: 0, lostAgoMs: null },
    traces: nothingDelivered,
    isDraining: false,
    times: (kind: string) => counts[kind] ?? 0,
    lastFault: () => null,
  } satisfies Facts
  const merged = Object.entries(changes).map(([name, value]) => {
    const before = well[name as keyof typeof well] as unknown
    const isMerged = typeof before === 'object' && before !== null && !Array.isArray(before)
    return [name, isMerged ? { ...before, ...(value as object) } : value]
  })
  return { ...well, ...Object.fromEntries(merged) }
}
