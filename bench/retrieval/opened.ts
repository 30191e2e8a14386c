import { createCollectionStore } from '../../src/adapters/postgres/store/collections.ts'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import type { Collection } from '../../src/ingest/terms.ts'

export interface Opened {
  readonly collection: Collection
  /** What the product's connections have set that decides how statements are planned. */
  readonly settings: Readonly<Record<string, string>>
}

const planning = ['plan_cache_mode', 'jit']

export async function openedByProduct(url: string, name: string): Promise<Opened> {
  const database = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: 1,
    poolMaxOverflow: 0,
    poolMaxWaiting: 1,
    statementTimeoutMs: 60_000,
  })
  const collection = await createCollectionStore(database).collection(name)
  const terms = { signal: new AbortController().signal, label: 'bench' }
  const rows = await database.lease(
    terms,
    sql => sql`select name, setting from pg_settings where name = any(${planning}::text[])`,
  )
  await database.close()
  if (!collection) throw new Error(`${url} has no collection "${name}": make it with bench/retrieval/load.ts`)
  return { collection, settings: Object.fromEntries(rows.map(row => [String(row['name']), String(row['setting'])])) }
}
