import type { Collection, ModelChange, ModelCheckStore, StoredWindow } from '../../../ingest/terms.ts'
import type { Database, Sql } from '../database.ts'
import type { Row } from '../driver.ts'
import { selectPending } from './pending-chunk.ts'

/** Of these, which follow each other, the sample is taken. */
const windowsNearby = 200

/** Reads stored vectors to compare, and keeps what was found of their model. */
export function createModelChanges(database: Pick<Database, 'lease'>): ModelCheckStore {
  async function sample(collection: Collection, count: number, signal: AbortSignal): Promise<StoredWindow[]> {
    const modelId = collection.model?.id ?? 0
    return await database.lease({ signal, label: 'model check' }, async sql => {
      const rows = await sql`
        with ends as (
          select min(chunk_id) as first, max(chunk_id) as last from chunk_vectors where collection_id = ${collection.id} and model_id = ${modelId}),
        nearby as (
          select v.chunk_id, v.start_at, v.end_at, v.embedding from chunk_vectors v, ends
          where v.collection_id = ${collection.id} and v.model_id = ${modelId} and v.window_number = 0
            and v.chunk_id >= ends.first + floor(random() * greatest(1, ends.last - ends.first - ${windowsNearby}))
          order by v.chunk_id limit ${windowsNearby})
        select chunk_id, start_at, end_at, embedding::text as embedding from nearby order by random() limit ${count}`
      const ids = rows.map(row => String(row['chunk_id']))
      const chunks = await selectPending(sql, sql`c.id = any(${ids}::bigint[])`, '0', count)
      return chunks.flatMap(chunk => {
        const row = rows.find(each => String(each['chunk_id']) === chunk.id)
        return row ? [{ chunk, ...windowIn(row) }] : []
      })
    })
  }

  async function record(modelId: number, change: Omit<ModelChange, 'foundAt'> | null, signal: AbortSignal) {
    await database.lease({ signal, label: 'model check' }, async sql => {
      if (change === null)
        return await sql`update embedding_models set changed_at = null, changed = null where id = ${modelId}`
      return await sql`
        update embedding_models set changed_at = now(), changed = ${JSON.stringify(change)}::text::jsonb
        where id = ${modelId} and changed_at is null`
    })
  }

  async function rename(modelId: number, name: string, signal: AbortSignal): Promise<boolean> {
    const rows = await database.lease(
      { signal, label: 'model check' },
      async sql => sql`
      update embedding_models set name = ${name}
      where id = ${modelId} and not exists (select from embedding_models where name = ${name}) returning id`,
    )
    return rows.length > 0
  }

  return { sample, record, rename }
}

function windowIn(row: Row) {
  return {
    start: Number(row['start_at']),
    end: Number(row['end_at']),
    embedding: Float32Array.from(JSON.parse(String(row['embedding'])) as number[]),
  }
}

/** Collections whose model makes other vectors today than those that they have. */
export async function countChangedModels(sql: Sql): Promise<number> {
  const [row] = await sql`
    select count(*)::int as count from collections c join embedding_models m on m.id = c.model_id
    where m.changed_at is not null and c.chunk_count > 0`
  return Number(row?.['count'])
}

/** From `changed_at` and `changed` of a model; nothing while its vectors are alike. */
export function changeOf(row: Row): { readonly changed?: ModelChange } {
  if (row['model_changed_at'] === null || row['model_changed_at'] === undefined) return {}
  const change = (row['model_changed'] ?? {}) as Partial<ModelChange>
  const { similarity = 0, texts = 0, hasOtherLength = false } = change
  return { changed: { foundAt: row['model_changed_at'] as Date, similarity, texts, hasOtherLength } }
}
