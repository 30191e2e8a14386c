import { setTimeout as sleep } from 'node:timers/promises'
import type { Database, Sql } from '../database.ts'

/**
 * With fewer vectors of 512 numbers comparing them all takes less than a millisecond, and is exact: .9 ms at 5,000, by the
 * index .6; at 10,000 2.3 and .6. The index found all of the ten nearest there, of the fifty nearest 98 to 100 of 100.
 */
export const indexedFrom = 5000

/** As many numbers in vectors of another length take as long to compare: 1,667 vectors of 1,536. */
export function isWorthIndexing(vectors: number, dimensions: number): boolean {
  return vectors * dimensions >= indexedFrom * 512
}

export interface VectorIndex {
  readonly bytes: number
  /** Null when it was there already. */
  readonly builtInMs: number | null
}

/** What of a collection its index depends on. */
export interface Indexed {
  readonly id: number
  readonly windowCount: number
  readonly model: { readonly id: number; readonly dimensions: number }
}

/** One partial index a collection and model: a search meets no other collection's vectors, and ranks by its own. */
export function vectorIndexName({ id, model }: Indexed): string {
  return `chunk_vectors_hnsw_${id}_${model.id}`
}

/** Null when there is none; one that broke off in the middle counts as none. */
export async function findVectorIndex(sql: Sql, collection: Indexed): Promise<VectorIndex | null> {
  const [row] = await sql`
    select pg_relation_size(i.indexrelid) as bytes from pg_index i
    where i.indexrelid = to_regclass(${vectorIndexName(collection)}) and i.indisvalid`
  return row ? { bytes: Number(row['bytes']), builtInMs: null } : null
}

/**
 * Makes sure that a large collection on a real server has its HNSW index; null where none is wanted: few vectors, or
 * the embedded database, which would take minutes to build what comparing all does in milliseconds. Writers go on
 * meanwhile. The graph is built in memory as far as `maintenance_work_mem` is raised for it: 1 GB at the most.
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
      (await inTurn(sql, target, signal, async () => {
        const others = await findVectorIndex(sql, target)
        if (others) return others
        onBuild()
        return await build(sql, target)
      }))
    )
  })
}

const turnMs = 1000

/**
 * One process at a time: a second one would take the first one's unfinished index for one that broke off, and drop it. Who
 * waits asks again and again: a lock that is waited for in the server is waited for by `create index concurrently` too.
 */
async function inTurn<T>(sql: Sql, collection: Indexed, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const key = vectorIndexName(collection)
  for (;;) {
    const [row] = await sql`select pg_try_advisory_lock(hashtextextended(${key}, 0)) as mine`
    if (row?.['mine']) break
    await sleep(turnMs, undefined, { signal })
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
  await sql`drop index concurrently if exists ${sql(name)}` // what an interrupted build left
  await sql`select set_config('maintenance_work_mem', ${`${memoryMb(windowCount, model.dimensions)}MB`}, false), set_config('statement_timeout', '0', false)`
  try {
    await sql.unsafe(`
      create index concurrently ${name} on chunk_vectors using hnsw ((embedding::halfvec(${model.dimensions})) halfvec_cosine_ops)
      with (m = 16, ef_construction = 64) where collection_id = ${id} and model_id = ${model.id}`)
  } finally {
    await sql`reset maintenance_work_mem`
    await sql`reset statement_timeout`
  }
  const built = await findVectorIndex(sql, collection)
  return { bytes: built?.bytes ?? 0, builtInMs: performance.now() - startedAt }
}

/** What pgvector keeps of each vector while it builds: two bytes a number, and about 400 of links at m = 16. */
function memoryMb(vectors: number, dimensions: number): number {
  return Math.min(1024, Math.max(64, Math.ceil((vectors * (2 * dimensions + 400) * 1.2) / 2 ** 20)))
}

/** Drops the collection's indexes over vectors of other models: nobody searches them any more. */
export async function dropOtherVectorIndexes(sql: Sql, collectionId: number, modelId: number | null): Promise<void> {
  const rows =
    await sql`select relname from pg_class where relkind = 'i' and relname like ${`chunk\\_vectors\\_hnsw\\_${collectionId}\\_%`}`
  for (const { relname } of rows)
    if (relname !== `chunk_vectors_hnsw_${collectionId}_${modelId}`)
      await sql`drop index if exists ${sql(String(relname))}`
}
