import { analyzeTables } from '../adapters/postgres/analyze.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { ensureVectorIndex } from '../adapters/postgres/store/vector-index.ts'
import type { Collection } from '../ingest/terms.ts'
import type { Host } from './host.ts'
import { say } from './output.ts'

/**
 * Updates the statistics and the index that keep a large collection fast. The documents are already stored, so an error
 * here is only reported.
 */
export async function optimizeTables(
  host: Host,
  database: Database,
  collection: Collection | null,
  signal: AbortSignal,
): Promise<void> {
  if (collection === null || signal.aborted) return
  try {
    await analyzeTables(database, signal)
    const index = await ensureVectorIndex(database, collection, signal, () =>
      say(host, `building the index over ${collection.windowCount} vectors …`),
    )
    if (index?.builtInMs)
      say(
        host,
        `index built in ${Math.round(index.builtInMs / 1000)} s, ${Math.round(index.bytes / 2 ** 20)} MB; tune it with: askwell tune recall --collection ${collection.name}`,
      )
  } catch (error) {
    say(
      host,
      `askwell: documents stored, but searches may be slow: ${error instanceof Error ? error.message : String(error)}; retry with: askwell tune recall --collection ${collection.name}`,
    )
  }
}

/** Updates the statistics alone. An error is only reported: the role may lack the right, and searches work without. */
export async function updateStatistics(host: Host, database: Database, signal: AbortSignal): Promise<void> {
  try {
    await analyzeTables(database, signal)
  } catch (error) {
    signal.throwIfAborted()
    say(host, `askwell: searches may be slow: ${error instanceof Error ? error.message : String(error)}`)
  }
}
