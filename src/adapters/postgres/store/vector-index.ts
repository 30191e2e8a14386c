import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, Sql } from '../database.ts'
import { withoutStatementTimeout } from '../session.ts'

/**
 * Below this many vectors of 512 numbers, comparing all takes less than a millisecond and is exact: 0.9 ms at 5,000
 * vectors compared with 0.6 ms through the index; 2.3 and 0.6 ms at 10,000. There the index found all of the ten
 * nearest, and 98 to 100 % of the fifty nearest.
 */
export const indexedFrom = 5000

/** The threshold is in numbers, since these determine the time: it is 1,667 vectors of 1,536. */
export function isWorthIndexing(vectors: number, dimensions: number): boolean {
  return vectors * dimensions >= indexedFrom * 512
}

export interface VectorIndex {
  readonly bytes: number
  /** Null if it already existed. */
  readonly builtInMs: number | null
}

/** The properties of a collection that its index depends on. */
export interface Indexed {
  readonly id: number
  readonly windowCount: number
  readonly model: { readonly id: number; readonly dimensions: number }
}

/** One partial index per collection and model: a search meets no other collection's vectors. */
export function vectorIndexName({ id, model }: Indexed): string {
  return `chunk_vectors_hnsw_${id}_${model.id}`
}

/** Null if there is none; an index whose build was interrupted does not count. */
export async function findVectorIndex(sql: Sql, collection: Indexed): Promise<VectorIndex | null> {
  const [row] = await sql`
    select pg_relation_size(i.indexrelid) as bytes from pg_index i
    where i.indexrelid = to_regclass(${vectorIndexName(collection)}) and i.indisvalid`
  return row ? { bytes: Number(row['bytes']), builtInMs: null } : null
}

/**
 * Ensures that a large collection on a real server has its HNSW index. Null if none is needed: few vectors, or the
 * embedded database, which would take minutes to build what a full comparison does in milliseconds. Writers are not
 * blocked. The graph is built in memory as far as `maintenance_work_mem` allows, which is raised to at most 1 GB.
 */
export async function ensureVectorIndex(
  database: Pick<Database, 'kind' | 'lease'>,
  collection: Omit<Indexed, 'model'> & { readonly model: Indexed['model'] | null },
  signal: AbortSignal,
  onBuild: () => void,
): Promise<VectorIndex | null> {
  const { model } = collection
  if (database.kind === 'embedded' || model === null || !isWorthIndexing(collection.windowCount, model.dimensions))
    return null
  const target = { ...collection, model }
  return await database.lease({ signal, label: 'index', holdLimitMs: Infinity }, async sql => {
    const found = await findVectorIndex(sql, target)
    return (
      found ??
      (await withIndexLock(sql, target, signal, async () => {
        const builtByOther = await findVectorIndex(sql, target)
        if (builtByOther) return builtByOther
        onBuild()
        return await build(sql, target)
      }))
    )
  })
}

const retryMs = 1000

/**
 * Runs in one process at a time: a second one would take the unfinished index for an interrupted one and drop it. The
 * lock is polled, because `create index concurrently` also waits for statements that wait for a lock.
 */
async function withIndexLock<T>(
  sql: Sql,
  collection: Indexed,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const key = vectorIndexName(collection)
  for (;;) {
    const [row] = await sql`select pg_try_advisory_lock(hashtextextended(${key}, 0)) as mine`
    if (row?.['mine']) break
    await sleep(retryMs, undefined, { signal })
  }
  try {
    return await work()
  } finally {
    await sql`select pg_advisory_unlock(hashtextextended(${key}, 0))`
  }
}

async function build(sql: Sql, collection: Indexed): Promise<VectorIndex> {
  const { id, model, windowCount } = collection
  const name = vectorIndexName(collection)
  const startedAt = performance.now()
  await sql`drop index concurrently if exists ${sql(name)}` // left by an interrupted build
  await sql`select set_config('maintenance_work_mem', ${`${memoryMb(windowCount, model.dimensions)}MB`}, false)`
  try {
    await withoutStatementTimeout(sql, () =>
      sql.unsafe(`
      create index concurrently ${name} on chunk_vectors using hnsw ((embedding::halfvec(${model.dimensions})) halfvec_cosine_ops)
      with (m = 16, ef_construction = 64) where collection_id = ${id} and model_id = ${model.id}`),
    )
  } finally {
    await sql`reset maintenance_work_mem`
  }
  const built = await findVectorIndex(sql, collection)
  return { bytes: built?.bytes ?? 0, builtInMs: performance.now() - startedAt }
}

/** Memory that pgvector needs per vector while it builds: two bytes per number, and about 400 for links at m = 16. */
function memoryMb(vectors: number, dimensions: number): number {
  return Math.min(1024, Math.max(64, Math.ceil((vectors * (2 * dimensions + 400) * 1.2) / 2 ** 20)))
}

/** Drops the collection's indexes over vectors of other models, which are no longer searched. */
export async function dropOtherVectorIndexes(sql: Sql, collectionId: number, modelId: number | null): Promise<void> {
  const rows =
    await sql`select relname from pg_class where relkind = 'i' and relname like ${`chunk\\_vectors\\_hnsw\\_${collectionId}\\_%`}`
  for (const { relname } of rows)
    if (relname !== `chunk_vectors_hnsw_${collectionId}_${modelId}`)
      await sql`drop index if exists ${sql(String(relname))}`
}
