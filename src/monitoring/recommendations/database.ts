import type { IndexInspected } from './inspection.ts'
import type { Facts, Recommendation, Rule } from './recommendation.ts'
import { foremost, ms, percent } from './format.ts'

/** Fewer leases than this say nothing of a p95. */
const enoughLeases = 20
const longWaitMs = 50
const longHoldMs = 500
/** Free connections below this are left to people with psql. */
const fewFree = 5
/** What `askwell tune recall` aims at, and how far an estimate from a few passages may be off. */
const recallTarget = 0.95
const recallDoubt = 0.03
/** Autovacuum analyses at a tenth and 50 rows; past this it does not keep up, or is off. */
const staleShare = 0.2
const staleRows = 1000

/** While somebody queued: to open a connection takes time too, and more of them would not help. */
function longWait({ window: { poolWaitMs: wait, poolWaitingMost } }: Facts): number | null {
  return (poolWaitingMost ?? 0) > 0 && wait.count >= enoughLeases && wait.p95 !== null && wait.p95 >= longWaitMs
    ? wait.p95
    : null
}

function poolTooSmall(facts: Facts): Recommendation | null {
  const { inspected, pool, isEmbedded } = facts
  const wait = longWait(facts)
  const connections = inspected?.connections
  if (wait === null || isEmbedded || !connections || connections.free < fewFree) return null
  const more = Math.min(Math.floor(connections.free / 2), Math.max(5, pool.size))
  return {
    id: 'pool-too-small',
    severity: 'warning',
    setting: 'POOL_MAX_OVERFLOW',
    title: 'Requests wait for a database connection while the server has some to give',
    evidence: `p95 wait for a connection ${ms(wait)} over five minutes, up to ${facts.window.poolWaitingMost} in the queue; POOL_SIZE ${pool.size} and POOL_MAX_OVERFLOW ${pool.maxOverflow} allow ${pool.size + pool.maxOverflow}, Postgres has ${connections.free} of ${connections.maxConnections} free`,
    action: `Raise POOL_MAX_OVERFLOW to ${pool.maxOverflow + more}${connections.ours > pool.open + 3 ? ', or by less: other Askwell processes share the server' : ''}.`,
  }
}

function serverFull(facts: Facts): Recommendation | null {
  const { inspected, pool, isEmbedded } = facts
  const wait = longWait(facts)
  const connections = inspected?.connections
  if (wait === null || isEmbedded || !connections || connections.free >= fewFree) return null
  return {
    id: 'server-connections-full',
    severity: 'warning',
    setting: null,
    title: 'Requests wait for a database connection, and the server has none to give',
    evidence: `p95 wait for a connection ${ms(wait)}; Postgres has ${connections.free} of ${connections.maxConnections} free, ${connections.ours} are Askwell's, ${pool.open} of this process, ${connections.byState.idle} of all are idle`,
    action:
      'Raise max_connections of the server (or the limit of the role or database), run fewer replicas, or put a pooler in front.',
  }
}

function embeddedQueue(facts: Facts): Recommendation | null {
  const wait = longWait(facts)
  if (wait === null || !facts.isEmbedded) return null
  return {
    id: 'embedded-database-busy',
    severity: 'warning',
    setting: 'DATABASE_URL',
    title: 'Requests wait for the embedded database, which runs one query at a time',
    evidence: `p95 wait ${ms(wait)}, p95 of a query ${ms(facts.window.poolHoldMs.p95)}`,
    action: 'Use a Postgres server: set DATABASE_URL.',
  }
}

function heldLong({ window: { poolHoldMs: hold, heldMs } }: Facts): Recommendation | null {
  const first = foremost(heldMs)
  if (hold.count < enoughLeases || hold.p95 === null || hold.p95 < longHoldMs || !first) return null
  return {
    id: 'connections-held-long',
    severity: 'warning',
    setting: null,
    title: 'Database connections are held long',
    evidence: `p95 hold ${ms(hold.p95)}, longest ${ms(hold.max)}; "${first.name}" held them for ${percent(first.share)} of the time`,
    action:
      first.name === 'retrieve'
        ? "Searches are slow: look for locks, a missing index or stale statistics below, and at the server's CPU and disk."
        : `Look at what "${first.name}" does: a large load beside the questions is better run at night, or slower.`,
  }
}

function hnswMissing({ inspected }: Facts): Recommendation[] {
  return indexesWhere(inspected?.indexes, ({ hasIndex }) => !hasIndex).map(({ collection, vectors }) => ({
    id: `hnsw-missing:${collection}`,
    severity: 'warning',
    setting: null,
    title: `Collection "${collection}" has no HNSW index`,
    evidence: `every search compares all ${vectors} vectors`,
    action: `Build it: askwell tune recall --collection ${collection}`,
  }))
}

function hnswUnused({ inspected }: Facts): Recommendation[] {
  return indexesWhere(inspected?.indexes, ({ isUsed }) => isUsed === false).map(({ collection, vectors, scans }) => ({
    id: `hnsw-unused:${collection}`,
    severity: 'warning',
    setting: null,
    title: `Postgres does not use the HNSW index of collection "${collection}"`,
    evidence: `the plan of a search goes round it and compares ${vectors} vectors; ${scans ?? 0} searches have used it`,
    action:
      'Run ANALYZE chunk_vectors; look whether enable_indexscan is off or random_page_cost is far above 1 on the server, the database or the role.',
  }))
}

function efSearchLow({ inspected }: Facts): Recommendation[] {
  return indexesWhere(inspected?.indexes, ({ recall }) => recall !== null && recall < recallTarget - recallDoubt).map(
    ({ collection, recall, efSearch }) => ({
      id: `ef-search-low:${collection}`,
      severity: 'warning',
      setting: null,
      title: `ef_search of collection "${collection}" is too low for the recall wanted`,
      evidence: `about ${percent(recall ?? 0)} of the nearest ten are found, ${percent(recallTarget)} are wanted; ef_search is ${efSearch ?? 'not tuned'}`,
      action: `Measure it, and store one that is enough: askwell tune recall --collection ${collection}`,
    }),
  )
}

function efSearchUnknown({ inspected }: Facts): Recommendation[] {
  return indexesWhere(
    inspected?.indexes,
    ({ hasIndex, efSearch, recall }) =>
      hasIndex && efSearch === null && (recall === null || recall >= recallTarget - recallDoubt),
  ).map(({ collection, vectors }) => ({
    id: `ef-search-not-tuned:${collection}`,
    severity: 'info',
    setting: null,
    title: `ef_search of collection "${collection}" was never measured`,
    evidence: `${vectors} vectors are searched with the default`,
    action: `Find the smallest that is enough: askwell tune recall --collection ${collection}`,
  }))
}

function staleStatistics({ inspected }: Facts): Recommendation | null {
  const stale = (inspected?.tables ?? []).filter(
    ({ rows, changedSinceAnalyze: changed }) => changed >= staleRows && (rows === null || changed > staleShare * rows),
  )
  if (stale.length === 0) return null
  const names = stale.map(({ table }) => table)
  return {
    id: 'statistics-stale',
    severity: 'warning',
    setting: null,
    title: 'The statistics that Postgres plans by are stale',
    evidence: stale
      .map(
        ({ table, rows, changedSinceAnalyze, analyzedAt }) =>
          `${table}: ${changedSinceAnalyze} rows changed since ${analyzedAt ?? 'ever'}, ${rows === null ? 'never analysed' : `planned as ${rows}`}`,
      )
      .join('; '),
    action: `Run ANALYZE ${names.join(', ')}, and see that autovacuum is on.`,
  }
}

function indexesWhere(
  indexes: readonly IndexInspected[] | undefined,
  is: (index: IndexInspected) => boolean,
): readonly IndexInspected[] {
  return (indexes ?? []).filter(is)
}

export const databaseRules: readonly Rule[] = [
  poolTooSmall,
  serverFull,
  embeddedQueue,
  heldLong,
  hnswMissing,
  hnswUnused,
  efSearchLow,
  efSearchUnknown,
  staleStatistics,
]
