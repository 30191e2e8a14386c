import type { Database, Sql } from '../database.ts'
import { vectorSearch } from './vector-search.ts'
import type { WithVectors } from './collections.ts'
import type { VectorSearch } from '../../../ask/retrieval/passage-search.ts'
import type { Depth, Nearest } from '../../../eval/recall.ts'

/** The regular vector search at a chosen depth. */
export function recallProbe(
  database: Pick<Database, 'lease'>,
  { id, model, windowCount, chunkCount }: WithVectors,
  signal: AbortSignal,
) {
  const windowsPerChunk = Math.max(1, Math.ceil(windowCount / Math.max(1, chunkCount)))
  const search = { collectionId: id, modelId: model.id, windowsPerChunk, limit: 50 }

  async function nearest(values: Float32Array, depth: Depth): Promise<Nearest> {
    return await database.lease({ signal, label: 'tune' }, async sql => {
      if (depth !== 'exact') return await timedSearch(sql, { ...search, values, efSearch: depth })
      return await sql.begin(async transaction => {
        const tx = transaction as unknown as Sql
        // Force a custom plan: a cached one would be used by searches through the index as well.
        await tx`set local plan_cache_mode = force_custom_plan`
        await tx`set local enable_indexscan = off`
        return await timedSearch(tx, { ...search, values, efSearch: null })
      })
    })
  }

  /** Texts of random chunks, from which to make questions. */
  async function sample(count: number): Promise<{ readonly text: string; readonly language: string }[]> {
    const rows = await database.lease(
      { signal, label: 'tune' },
      sql => sql`
      select c.text, c.language from chunks c
      where c.collection_id = ${id} and exists (select from chunk_vectors v where v.chunk_id = c.id and v.model_id = ${model.id})
      order by random() limit ${count}`,
    )
    return rows.map(row => ({ text: String(row['text']), language: String(row['language']) }))
  }

  /** Stores the depth that searches use from now on. */
  async function store(efSearch: number): Promise<void> {
    await database.lease(
      { signal, label: 'tune' },
      sql => sql`update collections set ef_search = ${efSearch} where id = ${id}`,
    )
  }

  return { nearest, sample, store, shallowest: search.limit * windowsPerChunk }
}

async function timedSearch(sql: Sql, search: VectorSearch): Promise<Nearest> {
  const startedAt = performance.now()
  const rows = await vectorSearch(sql, search, null)
  const ms = performance.now() - startedAt
  const sorted = [...rows].sort(
    (a, b) => Number(b['similarity']) - Number(a['similarity']) || Number(a['id']) - Number(b['id']),
  )
  return { chunkIds: sorted.map(row => Number(row['id'])), ms }
}
