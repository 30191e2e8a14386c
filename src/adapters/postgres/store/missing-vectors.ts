import type { Embedder } from '../../../ask/retrieval/embedder.ts'
import type { FillingCounts, PendingChunk, VectorsFilling, UnitsRow, WindowVector } from '../../../ingest/terms.ts'
import type { Database, Sql } from '../database.ts'
import { retryConflicts } from '../retry-conflicts.ts'
import { lacksVectors, storeVectors } from './chunk-vectors.ts'
import { selectPending } from './pending-chunk.ts'
import { inBase64 } from './units.ts'
import { unitClaims, type Owner, type Run } from './unit-claims.ts'

/** Reads the chunks of a collection that have no vectors of a model, or no units, and stores them. */
export function missingVectors(
  database: Pick<Database, 'lease'>,
  { collectionId, modelId }: Owner,
  languages: Embedder['languages'],
  signal: AbortSignal,
): VectorsFilling {
  const run: Run = (work, until = signal) =>
    retryConflicts(until, () => database.lease({ signal: until, label: 'units' }, work))

  /** Of chunks that have vectors of the model. */
  function lacksUnits(sql: Sql) {
    return sql`c.collection_id = ${collectionId} and exists (select from chunk_vectors v where v.chunk_id = c.id and v.model_id = ${modelId})
      and not exists (select from chunk_units u where u.chunk_id = c.id and u.model_id = ${modelId})`
  }

  const isBare = (sql: Sql) => lacksVectors(sql, { collectionId, modelId }, languages)

  async function counts(afterId: string, vectorsAfterId = '0'): Promise<FillingCounts> {
    return await run(async sql => {
      const [row] = await sql`
        select (select chunk_count from collections where id = ${collectionId}) as chunks,
          (select count(*)::int from chunk_vectors v
            where v.collection_id = ${collectionId} and v.model_id = ${modelId} and v.window_number = 0 and v.chunk_id > ${afterId}::bigint
              and not exists (select from chunk_units u where u.chunk_id = v.chunk_id and u.model_id = v.model_id)) as lacking,
          exists (select from unit_fillings where collection_id = ${collectionId} and model_id = ${modelId}) as is_begun`
      const isBegun = row?.['is_begun'] === true
      const withoutVectors = isBegun ? await countBare(sql, vectorsAfterId) : 0
      return { chunks: Number(row?.['chunks']), withoutVectors, lacking: Number(row?.['lacking']), isBegun }
    })
  }

  async function countBare(sql: Sql, afterId: string): Promise<number> {
    const [row] = await sql`
      select count(*)::int as count from chunks c where ${isBare(sql)} and c.id > ${afterId}::bigint`
    return Number(row?.['count'])
  }

  async function nextBare(afterId: string, limit: number): Promise<PendingChunk[]> {
    return await run(sql => selectPending(sql, isBare(sql), afterId, limit))
  }

  async function vectorsFilled(): Promise<void> {
    await run(sql => sql`update collections set epoch = epoch + 1, updated_at = now() where id = ${collectionId}`)
  }

  async function next(afterId: string, limit: number): Promise<PendingChunk[]> {
    return await run(sql => selectPending(sql, lacksUnits(sql), afterId, limit))
  }

  async function store(rows: readonly UnitsRow[]): Promise<void> {
    await run(
      async sql => sql`
      insert into chunk_units (chunk_id, model_id, collection_id, units)
      select u.chunk_id, ${modelId}, ${collectionId}, decode(u.units, 'base64')
      from unnest(${rows.map(row => row.chunkId)}::bigint[], ${rows.map(row => inBase64(row.units))}::text[]) as u(chunk_id, units)
      join chunks c on c.id = u.chunk_id join collections o on o.id = c.collection_id and o.model_id = ${modelId}
      for key share of c
      on conflict do nothing`,
    )
  }

  return {
    counts,
    nextBare,
    storeVectors: (vectors: readonly WindowVector[]) =>
      run(sql => storeVectors(sql, { collectionId, modelId }, vectors, 'the model in use')),
    vectorsFilled,
    next,
    store,
    ...unitClaims(run, { collectionId, modelId }),
  }
}

/**
 * Notes, with the write, that the collection has chunks without vectors, to be filled in. Whoever fills it now loses the
 * claim, and so cannot take it for finished: it may have looked before these were there.
 */
export async function noteMissing(sql: Sql, { collectionId, modelId }: Owner, chunks: number): Promise<void> {
  await sql`
    insert into unit_fillings as f (collection_id, model_id, remaining) values (${collectionId}, ${modelId}, ${chunks})
    on conflict (collection_id, model_id) do update
      set remaining = f.remaining + excluded.remaining, claimed_by = null, claimed_until = null`
}

/** Names of the collections that have something to be filled in. */
export async function collectionsToFill(sql: Sql): Promise<readonly { readonly name: string }[]> {
  const rows = await sql`
    select c.name from unit_fillings f join collections c on c.id = f.collection_id and c.model_id = f.model_id`
  return rows.map(row => ({ name: String(row['name']) }))
}

/** Chunks of all collections whose vectors or units are still to be embedded in the background. */
export async function countUnitsBehind(sql: Sql): Promise<number> {
  const [row] = await sql`
    select coalesce(sum(f.remaining), 0)::int as count
    from unit_fillings f join collections c on c.id = f.collection_id and c.model_id = f.model_id`
  return Number(row?.['count'])
}
