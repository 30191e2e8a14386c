import type { Database, Sql } from '../../adapters/postgres/database.ts'
import type { IndexFacts } from '../../adapters/postgres/store/index-facts.ts'
import type { ServerConnections } from '../../adapters/postgres/server-connections.ts'
import type { TableFacts } from '../../adapters/postgres/table-facts.ts'
import type { RunLog } from '../../ask/terms.ts'
import type { Collection } from '../../ingest/terms.ts'

/** Of a large collection; recall as estimated last, null where it was not. */
export interface IndexInspected extends IndexFacts {
  readonly recall: number | null
}

/** What was read of the database, and when: milliseconds since 1970. */
export interface Inspected {
  readonly connections: (ServerConnections & { readonly at: number }) | null
  readonly tables: readonly TableFacts[]
  readonly indexes: readonly IndexInspected[]
  readonly at: number
}

/** The adapters' readers; server.ts hands them over. */
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
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

export interface Inspection {
  /** Somebody looks: what is read is kept fresh for some minutes. Waits for nothing. */
  touch(): void
  /** Reads all now, for who waits for it; rejects as a lease does. */
  inspect(): Promise<void>
  /** Null: nothing was read yet, or there is no server. */
  latest(): Inspected | null
  close(): Promise<void>
}

const tickMs = 15_000
const watchedMs = 5 * 60_000
const wholeEveryMs = 60_000
const unwatchedEveryMs = 15 * 60_000
const recallEveryMs = 60 * 60_000
const limitMs = 5000

/**
 * Reads what recommendations need of a Postgres server, behind the requests: soon after the start and every quarter of an
 * hour, and while somebody looks once a minute, the connections every 15 s. These aside, so that they are had while the
 * pool is empty; the rest only when it is not, for no request may wait for it. The embedded database has nothing of this.
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
  const recalls = new Map<string, { readonly key: string; readonly at: number; readonly recall: number | null }>()
  let [touchedAt, wholeAt] = [-Infinity, -Infinity]
  let known: Inspected | null = null
  let running: Promise<void> | null = null

  function touch(): void {
    const wasAlone = now() - touchedAt > watchedMs
    touchedAt = now()
    if (wasAlone) tick()
  }

  function tick(): void {
    const age = now() - wholeAt
    const isWatched = now() - touchedAt < watchedMs
    if (running || closing.signal.aborted || !(isWatched || age >= unwatchedEveryMs)) return
    running = read(isWatched ? age >= wholeEveryMs : true)
      .catch((error: unknown) => log.debug({ err: error }, 'the database could not be inspected'))
      .finally(() => (running = null))
  }

  async function read(isWhole: boolean): Promise<void> {
    const at = now()
    const connections = { ...(await database.aside(terms(), reads.connections)), at }
    known = { tables: [], indexes: [], ...known, connections, at: known?.at ?? at }
    if (!isWhole || !hasRoom()) return
    const large = (await reads.collections(terms().signal)).filter(reads.isIndexed)
    const [tables, facts] = await database.lease(terms(), async sql => {
      const indexes: IndexFacts[] = []
      for (const collection of large) indexes.push(await reads.index(sql, collection))
      return [await reads.tables(sql), indexes] as const
    })
    wholeAt = at
    const withRecall = () => facts.map(each => ({ ...each, recall: recalls.get(each.collection)?.recall ?? null }))
    known = { connections, tables, indexes: withRecall(), at }
    for (const collection of large) await estimate(collection, facts)
    known = { ...known, indexes: withRecall() }
  }

  /** Anew when the depth or the size has changed, else once an hour: it compares all vectors. */
  async function estimate(collection: C, facts: readonly IndexFacts[]): Promise<void> {
    const { name, efSearch, windowCount } = collection
    const key = `${efSearch} ${Math.round(Math.log2(windowCount) * 4)}`
    const before = recalls.get(name)
    const isUsed = facts.some(each => each.collection === name && each.isUsed)
    if (!isUsed) return void recalls.delete(name)
    if ((before?.key === key && now() - before.at < recallEveryMs) || !hasRoom()) return
    recalls.set(name, { key, at: now(), recall: null })
    const bounds = terms()
    recalls.set(name, {
      key,
      at: now(),
      recall: await database.lease(bounds, sql => reads.recall(sql, collection, bounds.signal)),
    })
  }

  function hasRoom(): boolean {
    const { waiting, checkedOut, size } = database.status()
    return waiting === 0 && checkedOut < size
  }

  function terms() {
    return {
      signal: AbortSignal.any([closing.signal, AbortSignal.timeout(limitMs)]),
      label: 'inspect',
      deadline: performance.now() + limitMs,
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
