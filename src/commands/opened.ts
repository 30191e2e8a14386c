import { openDatabase, type Database, type DatabaseSettings } from '../adapters/postgres/database.ts'
import { waitUntilVisible } from '../ask/cache/collection-snapshot.ts'
import { openModels, type Models } from '../adapters/models/models.ts'
import { openPreparing, type Preparing } from '../wiring/prepare-pool.ts'
import type { Config } from '../config/terms.ts'

/**
 * Opens the database while `work` runs. There is no statement timeout: no request waits here, and switching a large
 * collection to another model takes minutes. When this resolves, every replica answers from what `work` wrote.
 */
export async function withDatabase<T>(
  settings: DatabaseSettings,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = await openDatabase({ ...settings, statementTimeoutMs: 0 })
  try {
    return await work(database)
  } finally {
    // Interrupted or failed work may have written something too.
    if (database.kind === 'postgres') await waitUntilVisible()
    await database.close()
  }
}

/** Opens the models while `work` runs. */
export async function withModels<T>(settings: Config['models'], work: (models: Models) => Promise<T>): Promise<T> {
  const models = await openModels(settings)
  try {
    return await work(models)
  } finally {
    await models.close()
  }
}

/** Opens the pool of processes that prepare documents while `work` runs. */
export async function withPreparing<T>(
  settings: Config['prepare'],
  work: (preparing: Preparing) => Promise<T>,
): Promise<T> {
  const preparing = openPreparing(settings)
  try {
    return await work(preparing)
  } finally {
    await preparing.close()
  }
}
