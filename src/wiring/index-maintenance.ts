import type { Logger } from 'pino'
import type { CollectionStore } from '../adapters/postgres/store/collections.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { needsAnalyze, analyzeTables } from '../adapters/postgres/analyze.ts'
import { ensureVectorIndex } from '../adapters/postgres/store/vector-index.ts'
import { openCollectionUpkeep, type Upkeep } from './upkeep.ts'

export interface IndexMaintenanceParts {
  readonly database: Pick<Database, 'kind' | 'lease'>
  readonly store: Pick<CollectionStore, 'collection'>
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Quiet time after the last write before anything is done: an index is better built over all of the writes. */
  readonly quietMs?: number
  /** After the first of several writes it is done at the latest, however little time is between them. */
  readonly longestMs?: number
}

export type IndexMaintenance = Pick<Upkeep, 'written' | 'close'>

/**
 * Does for documents sent over HTTP what `askwell ingest` does at its end: builds the HNSW index of a collection that
 * has grown large, and updates planner statistics after many writes. Without them a search of 5,000 new chunks takes
 * twice as long. Failures are only logged: the next write is the next try.
 */
export function openIndexMaintenance({
  database,
  store,
  log,
  quietMs = 10_000,
  longestMs = 600_000,
}: IndexMaintenanceParts): IndexMaintenance {
  return openCollectionUpkeep({
    quietMs,
    longestMs,
    retryMs: null,
    async maintain(name, signal) {
      await buildIndex(name, signal)
      if (!signal.aborted && (await needsAnalyze(database, signal))) await analyzeTables(database, signal)
      return 'done'
    },
    onFailure: (error, about) =>
      log.warn(
        { ...about, err: error },
        'planner statistics could not be updated: searches may be slow until Postgres updates them itself',
      ),
  })

  async function buildIndex(name: string, signal: AbortSignal): Promise<void> {
    try {
      const collection = await store.collection(name, signal)
      if (collection === null) return
      const built = await ensureVectorIndex(database, collection, signal, () =>
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
      if (!signal.aborted)
        log.warn(
          { collection: name, err: error },
          'the vector index could not be built: searches may be slow until the next write; to build it now, run askwell tune recall',
        )
    }
  }
}
