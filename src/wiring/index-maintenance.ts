import type { Logger } from 'pino'
import type { CollectionStore } from '../adapters/postgres/store/collections.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { needsAnalyze, analyzeTables } from '../adapters/postgres/analyze.ts'
import { ensureVectorIndex } from '../adapters/postgres/store/vector-index.ts'

export interface IndexMaintenanceParts {
  readonly database: Pick<Database, 'kind' | 'lease'>
  readonly store: Pick<CollectionStore, 'collection'>
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Quiet time after the last write before anything is done: an index is better built over all of the writes. */
  readonly quietMs?: number
  /** After the first of several writes it is done at the latest, however little time is between them. */
  readonly longestMs?: number
}

export interface IndexMaintenance {
  /** Call this after a write to the collection. */
  written(collection: string): void
  /** Aborts work under way; the next write starts it again. */
  close(): Promise<void>
}

/**
 * Does for documents sent over HTTP what `askwell ingest` does at its end: builds the HNSW index of a collection that
 * has grown large, and updates planner statistics after many writes. Without them a search of 5,000 new chunks takes
 * twice as long. Runs in the background, one collection at a time. Nobody waits for it, and failures are only logged.
 */
export function openIndexMaintenance({
  database,
  store,
  log,
  quietMs = 10_000,
  longestMs = 600_000,
}: IndexMaintenanceParts): IndexMaintenance {
  const stop = new AbortController()
  const due = new Map<string, { readonly timer: NodeJS.Timeout; readonly latest: number }>()
  let last: Promise<void> = Promise.resolve()

  function written(collection: string): void {
    if (stop.signal.aborted) return
    const now = performance.now()
    const { timer: before, latest = now + longestMs } = due.get(collection) ?? {}
    clearTimeout(before)
    const timer = setTimeout(
      () => {
        due.delete(collection)
        last = last.then(() => maintain(collection))
      },
      Math.min(quietMs, latest - now),
    ).unref()
    due.set(collection, { timer, latest })
  }

  async function maintain(name: string): Promise<void> {
    await buildIndex(name)
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

  async function buildIndex(name: string): Promise<void> {
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
    for (const { timer } of due.values()) clearTimeout(timer)
    await last
  }

  return { written, close }
}
