import type { Database, Sql } from '../../adapters/postgres/database.ts'
import type { IndexFacts } from '../../adapters/postgres/store/index-facts.ts'
import type { ServerConnections } from '../../adapters/postgres/server-connections.ts'
import type { TableFacts } from '../../adapters/postgres/table-facts.ts'
import type { RunLog } from '../../ask/terms/run.ts'
import type { Collection } from '../../ingest/terms.ts'

/** The index of a large collection, with the last recall estimate. Null if there is none. */
export interface IndexInspected extends IndexFacts {
  readonly recall: number | null
}

/** What was read from the database. `at` is when, in milliseconds since 1970. */
export interface Inspected {
  readonly connections: (ServerConnections & { readonly at: number }) | null
  readonly tables: readonly TableFacts[]
  readonly indexes: readonly IndexInspected[]
  readonly at: number
}

/** The readers of the adapters, passed in by wiring/monitoring.ts. */
export interface InspectionReads<C extends Collection = Collection> {
  readonly connections: (sql: Sql) => Promise<ServerConnections>
  readonly tables: (sql: Sql) => Promise<TableFacts[]>
  readonly collections: (signal: AbortSignal) => Promise<readonly Collection[]>
  readonly isIndexed: (collection: Collection) => collection is C
  readonly index: (sql: Sql, collection: C) => Promise<IndexFacts>
  readonly recall: (sql: Sql, collection: C, signal: AbortSignal) => Promise<number | null>
}

export interface InspectionOptions<C extends Collection> {
  readonly database: Pick<Database, 'kind' | 'lease' | 'aside' | 'status'>
  readonly reads: InspectionReads<C>
  readonly log: Pick<RunLog, 'debug'>
  /** In milliseconds since 1970. */
  readonly now?: () => number
}

export interface Inspection {
  /** Called when the monitoring is viewed. Keeps the data fresh for some minutes; returns at once. */
  touch(): void
  /** Reads everything now. Rejects like a lease. */
  inspect(): Promise<void>
  /** Null when nothing was read yet, or the database is embedded. */
  latest(): Inspected | null
  close(): Promise<void>
}

const tickMs = 15_000
const viewedMs = 5 * 60_000
const fullEveryMs = 60_000
const unviewedEveryMs = 15 * 60_000
const recallEveryMs = 60 * 60_000
const timeoutMs = 5000

/**
 * Reads in the background what recommendations need from a Postgres server. Does nothing for the embedded database.
 *
 * - Soon after the start and every 15 min; while the monitoring is viewed, every minute, and connections every 15 s.
 * - Connections are read over the side connection, so that they are known even when the pool is exhausted.
 * - The rest is read only when the pool has free connections, because no request may wait for it.
 */
export function openInspection<C extends Collection>({
  database,
  reads,
  log,
  now = Date.now,
}: InspectionOptions<C>): Inspection {
  if (database.kind === 'embedded')
    return { touch() {}, inspect: async () => {}, latest: () => null, close: async () => {} }
  const closing = new AbortController()
  const recalls = createRecallEstimates<C>(now)
  let [touchedAt, fullAt] = [-Infinity, -Infinity]
  let known: Inspected | null = null
  let running: Promise<void> | null = null

  function touch(): void {
    const wasUnviewed = now() - touchedAt > viewedMs
    touchedAt = now()
    if (wasUnviewed) tick()
  }

  function tick(): void {
    const age = now() - fullAt
    const isViewed = now() - touchedAt < viewedMs
    if (running || closing.signal.aborted || !(isViewed || age >= unviewedEveryMs)) return
    running = read(isViewed ? age >= fullEveryMs : true)
      .catch((error: unknown) => log.debug({ err: error }, 'the database could not be inspected'))
      .finally(() => (running = null))
  }

  async function read(isFull: boolean): Promise<void> {
    const at = now()
    const connections = { ...(await database.aside(leaseTerms(), reads.connections)), at }
    known = { tables: [], indexes: [], ...known, connections, at: known?.at ?? at }
    if (!isFull || !isPoolFree()) return
    const large = (await reads.collections(leaseTerms().signal)).filter(reads.isIndexed)
    const [tables, facts] = await database.lease(leaseTerms(), async sql => {
      const indexes: IndexFacts[] = []
      for (const collection of large) indexes.push(await reads.index(sql, collection))
      return [await reads.tables(sql), indexes] as const
    })
    fullAt = at
    const withRecall = () => facts.map(each => ({ ...each, recall: recalls.of(each.collection) }))
    known = { connections, tables, indexes: withRecall(), at }
    for (const collection of large) {
      if (facts.some(each => each.collection === collection.name && each.isUsed)) await estimate(collection)
      else recalls.drop(collection.name)
    }
    known = { ...known, indexes: withRecall() }
  }

  async function estimate(collection: C): Promise<void> {
    if (!recalls.isDue(collection) || !isPoolFree()) return
    await recalls.update(collection, () => {
      const terms = leaseTerms()
      return database.lease(terms, sql => reads.recall(sql, collection, terms.signal))
    })
  }

  function isPoolFree(): boolean {
    const { waiting, checkedOut, size } = database.status()
    return waiting === 0 && checkedOut < size
  }

  function leaseTerms() {
    return {
      signal: AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]),
      label: 'inspect',
      deadline: performance.now() + timeoutMs,
    }
  }

  const timer = setInterval(tick, tickMs).unref()
  return {
    touch,
    async inspect() {
      await running
      await read(true)
    },
    latest: () => known,
    async close() {
      clearInterval(timer)
      closing.abort()
      await running
    },
  }
}

/**
 * The last recall estimate per collection. It is repeated when ef_search or the size changes, else once per hour,
 * because an estimate compares all vectors.
 */
function createRecallEstimates<C extends Collection>(now: () => number) {
  const estimates = new Map<string, { readonly key: string; readonly at: number; readonly recall: number | null }>()

  function isDue(collection: C): boolean {
    const last = estimates.get(collection.name)
    return last?.key !== keyOf(collection) || now() - last.at >= recallEveryMs
  }

  /** Counts as done from its start, so that a failing estimate is not repeated at once. */
  async function update(collection: C, measure: () => Promise<number | null>): Promise<void> {
    const key = keyOf(collection)
    estimates.set(collection.name, { key, at: now(), recall: null })
    estimates.set(collection.name, { key, at: now(), recall: await measure() })
  }

  return {
    isDue,
    update,
    of: (name: string) => estimates.get(name)?.recall ?? null,
    drop: (name: string) => void estimates.delete(name),
  }
}

function keyOf({ efSearch, windowCount }: Collection): string {
  return `${efSearch} ${Math.round(Math.log2(windowCount) * 4)}`
}
