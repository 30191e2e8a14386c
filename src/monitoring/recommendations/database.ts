import type { IndexInspected } from './inspection.ts'
import type { RuleFacts, Recommendation, Rule } from './recommendation.ts'
import { largestPart, ms, percent } from './format.ts'

/** Too few leases make a p95 meaningless. */
const minLeases = 20
const longWaitMs = 50
const longHoldMs = 500
/** The last free connections are left to people with psql. */
const reservedFree = 5
/** The target of `askwell tune recall`, and the error to allow for in an estimate from a few passages. */
const recallTarget = 0.95
const recallError = 0.03
/** Autovacuum analyzes after changes to 10 % of the rows plus 50; above these limits it is behind, or off. */
const staleShare = 0.2
const staleRows = 1000

/** The p95 wait, only if requests were queued: a wait for a connection to open is not cured by a larger pool. */
function longWait({ window: { poolWaitMs: wait, poolWaitingMost } }: RuleFacts): number | null {
  return (poolWaitingMost ?? 0) > 0 && wait.count >= minLeases && wait.p95 !== null && wait.p95 >= longWaitMs
    ? wait.p95
    : null
}

function poolTooSmall(facts: RuleFacts): Recommendation | null {
  const { inspected, pool, isEmbedded } = facts
  const wait = longWait(facts)
  const connections = inspected?.connections
  if (wait === null || isEmbedded || !connections || connections.free < reservedFree) return null
  const more = Math.min(Math.floor(connections.free / 2), Math.max(5, pool.size))
  return {
    id: 'pool-too-small',
    severity: 'warning',
    setting: 'POOL_MAX_OVERFLOW',
    title: 'Requests wait for a database connection while the server has free ones',
    evidence: `p95 wait for a connection ${ms(wait)} in five minutes, up to ${facts.window.poolWaitingMost} in the queue; POOL_SIZE ${pool.size} and POOL_MAX_OVERFLOW ${pool.maxOverflow} allow ${pool.size + pool.maxOverflow}, Postgres has ${connections.free} of ${connections.maxConnections} free`,
    action: `Raise POOL_MAX_OVERFLOW to ${pool.maxOverflow + more}${connections.ours > pool.open + 3 ? ', or by less: other Askwell processes use the same server' : ''}.`,
  }
}

function serverFull(facts: RuleFacts): Recommendation | null {
  const { inspected, pool, isEmbedded } = facts
  const wait = longWait(facts)
  const connections = inspected?.connections
  if (wait === null || isEmbedded || !connections || connections.free >= reservedFree) return null
  return {
    id: 'server-connections-full',
    severity: 'warning',
    setting: null,
    title: 'Requests wait for a database connection, and the server has no free ones',
    evidence: `p95 wait for a connection ${ms(wait)}; Postgres has ${connections.free} of ${connections.maxConnections} free, ${connections.ours} are Askwell's, ${pool.open} of this process, ${connections.byState.idle} of all are idle`,
    action:
      'Raise max_connections (or the connection limit of the role or database), run fewer replicas, or use a pooler.',
  }
}

function embeddedQueue(facts: RuleFacts): Recommendation | null {
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

function heldLong({ window: { poolHoldMs: hold, heldMs } }: RuleFacts): Recommendation | null {
  const first = largestPart(heldMs)
  if (hold.count < minLeases || hold.p95 === null || hold.p95 < longHoldMs || !first) return null
  return {
    id: 'connections-held-long',
    severity: 'warning',
    setting: null,
    title: 'Database connections are held for a long time',
    evidence: `p95 hold ${ms(hold.p95)}, longest ${ms(hold.max)}; "${first.name}" held them for ${percent(first.share)} of the time`,
    action:
      first.name === 'retrieve'
        ? "Searches are slow: look for locks, a missing index or stale statistics, and check the server's CPU and disk."
        : `Check what "${first.name}" does: run a large import at night, or more slowly.`,
  }
}

function hnswMissing({ inspected }: RuleFacts): Recommendation[] {
  return indexesWhere(inspected?.indexes, ({ hasIndex }) => !hasIndex).map(({ collection, vectors }) => ({
    id: `hnsw-missing:${collection}`,
    severity: 'warning',
    setting: null,
    title: `Collection "${collection}" has no HNSW index`,
    evidence: `every search compares all ${vectors} vectors`,
    action: `Build it: askwell tune recall --collection ${collection}`,
  }))
}

function hnswUnused({ inspected }: RuleFacts): Recommendation[] {
  return indexesWhere(inspected?.indexes, ({ isUsed }) => isUsed === false).map(({ collection, vectors, scans }) => ({
    id: `hnsw-unused:${collection}`,
    severity: 'warning',
    setting: null,
    title: `Postgres does not use the HNSW index of collection "${collection}"`,
    evidence: `the query plan does not use it and compares ${vectors} vectors; ${scans ?? 0} searches have used it`,
    action:
      'Run ANALYZE chunk_vectors. Check that enable_indexscan is on and random_page_cost is near 1 for the server, ' +
      'the database and the role.',
  }))
}

function efSearchLow({ inspected }: RuleFacts): Recommendation[] {
  return indexesWhere(inspected?.indexes, ({ recall }) => recall !== null && recall < recallTarget - recallError).map(
    ({ collection, recall, efSearch }) => ({
      id: `ef-search-low:${collection}`,
      severity: 'warning',
      setting: null,
      title: `ef_search of collection "${collection}" is too low for the target recall`,
      evidence: `recall@10 is about ${percent(recall ?? 0)}, the target is ${percent(recallTarget)}; ef_search is ${efSearch ?? 'not tuned'}`,
      action: `Measure recall and store a sufficient ef_search: askwell tune recall --collection ${collection}`,
    }),
  )
}

function efSearchUnknown({ inspected }: RuleFacts): Recommendation[] {
  return indexesWhere(
    inspected?.indexes,
    ({ hasIndex, efSearch, recall }) =>
      hasIndex && efSearch === null && (recall === null || recall >= recallTarget - recallError),
  ).map(({ collection, vectors }) => ({
    id: `ef-search-not-tuned:${collection}`,
    severity: 'info',
    setting: null,
    title: `ef_search of collection "${collection}" was never measured`,
    evidence: `${vectors} vectors are searched with the default`,
    action: `Find the smallest sufficient ef_search: askwell tune recall --collection ${collection}`,
  }))
}

function staleStatistics({ inspected }: RuleFacts): Recommendation | null {
  const stale = (inspected?.tables ?? []).filter(
    ({ rows, changedSinceAnalyze: changed }) => changed >= staleRows && (rows === null || changed > staleShare * rows),
  )
  if (stale.length === 0) return null
  const names = stale.map(({ table }) => table)
  return {
    id: 'statistics-stale',
    severity: 'warning',
    setting: null,
    title: 'The planner statistics of Postgres are stale',
    evidence: stale
      .map(
        ({ table, rows, changedSinceAnalyze, analyzedAt }) =>
          `${table}: ${changedSinceAnalyze} rows changed ${analyzedAt === null ? 'in total' : `since ${analyzedAt}`}, ${rows === null ? 'never analyzed' : `planned as ${rows} rows`}`,
      )
      .join('; '),
    action: `Run ANALYZE ${names.join(', ')}, and make sure that autovacuum is on.`,
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
