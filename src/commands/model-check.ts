import type { Database } from '../adapters/postgres/database.ts'
import { createModelChanges } from '../adapters/postgres/store/model-changes.ts'
import type { Models } from '../adapters/models/models.ts'
import { adoptRenamed, checkModel } from '../ingest/model-check.ts'
import type { Collection } from '../ingest/terms.ts'
import type { Host } from './host.ts'
import { say } from './output.ts'

export interface Checking {
  readonly host: Host
  readonly database: Database
  readonly models: Models
  readonly signal: AbortSignal
}

/**
 * Compares a few stored vectors with what a model behind an API makes today, before a command relies on them. What is
 * found is stored: a load of the collection is then rejected, and `askwell reembed` rebuilds its vectors. A model that
 * fails is left to the command.
 */
export async function checkModelBefore(
  collection: Collection | null,
  { host, database, models, signal }: Checking,
): Promise<void> {
  if (!collection || !models.isEmbedderRemote) return
  try {
    const change = await checkModel(collection, models.embedder, createModelChanges(database), signal)
    if (change)
      say(
        host,
        `askwell: the embedding model makes other vectors than those of collection "${collection.name}" (similarity ${change.similarity.toFixed(2)} instead of 1.00)`,
      )
  } catch {
    signal.throwIfAborted()
  }
}

/**
 * Adopts the vectors of a model that was only renamed, so that nothing is embedded again. A model that fails is left to
 * the command.
 */
export async function adoptBefore(
  collection: Collection | null,
  { host, database, models, signal }: Checking,
): Promise<void> {
  if (!collection || !models.isEmbedderRemote) return
  try {
    if (await adoptRenamed(collection, models.embedder, createModelChanges(database), signal))
      say(
        host,
        `the vectors that "${collection.model?.name}" made are those of "${models.embedder.model}": its name is changed, and nothing is embedded again`,
      )
  } catch {
    signal.throwIfAborted()
  }
}
