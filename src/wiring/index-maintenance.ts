import type { Logger } from 'pino'
import type { CollectionStore } from '../adapters/postgres/store/collections.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { needsAnalyze, analyzeTables } from '../adapters/postgres/analyze.ts'
import { ensureVectorIndex } from '../adapters/postgres/store/vector-index.ts'

export interface UpkeepParts {
  readonly database: Pick<Database, 'kind' | 'lease'>
  readonly store: Pick<CollectionStore, 'collection'>
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Of writes to a collection, before anything is done about it: an index is better built over all of them. */
  readonly quietMs?: number
}

export interface Upkeep {
  /** Somebody wrote to this collection. */
  written(collection: string): void
  /** Breaks off what is under way; the next write begins it anew. */
  close(): Promise<void>
}

/**
 * What `askwell ingest` does at its end, for documents that come by HTTP: a collection that has grown large gets its HNSW
 * index, and after much was written the planner is told: a search of 5,000 new chunks takes twice as long until it knows.
 * Behind the requests, one collection at a time. Nobody waits for it, and what goes wrong is logged, not failed.
 */
export function openUpkeep({ database, store, log, quietMs = 10_000 }: UpkeepParts): Upkeep {
  const stop = new AbortController()
  const due = new Map<string, NodeJS.Timeout>()
  let last: Promise<void> = Promise.resolve()

  function written(collection: string): void {
    if (stop.signal.aborted) return
    clearTimeout(due.get(collection))
    due.set(
      collection,
      setTimeout(() => {
        due.delete(collection)
        last = last.then(() => tend(collection))
      }, quietMs).unref(),
    )
  }

  async function tend(name: string): Promise<void> {
    await index(name)
    try {
      if (!stop.signal.aborted && (await needsAnalyze(database, stop.signal)))
        await analyzeTables(database, stop.signal)
    } catch (error) {
      if (!stop.signal.aborted)
        log.warn(
          { collection: name, err: error },
          'planner statistics could not be updated: searches may be slow until Postgres updates them itself',
        )
    }
  }

  async function index(name: string): Promise<void> {
    if (stop.signal.aborted) return
    try {
      const collection = await store.collection(name, stop.signal)
      if (collection === null) return
      const built = await ensureVectorIndex(database, collection, stop.signal, () =>
        log.info(
          { collection: name, vectors: collection.windowCount },
          'building the vector index of a collection that has grown large',
        ),
      )
      if (built?.builtInMs != null)
        log.info(
          { collection: name, ms: Math.round(built.builtInMs), bytes: built.bytes },
          'vector index built; tune it with askwell tune recall',
        )
    } catch (error) {
      if (!stop.signal.aborted)
        log.warn(
          { collection: name, err: error },
          'the vector index could not be built: searches may be slow until the next write; to build it now, run askwell tune recall',
        )
    }
  }

  async function close(): Promise<void> {
    stop.abort(new Error('the service is shutting down'))
    for (const timer of due.values()) clearTimeout(timer)
    await last
  }

  return { written, close }
}
