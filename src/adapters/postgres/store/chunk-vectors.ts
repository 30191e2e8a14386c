import type { WindowVector } from '../../../ingest/terms.ts'
import type { Embedder } from '../../../ask/retrieval/embedder.ts'
import type { Sql } from '../database.ts'
import { vectorText } from '../vector-text.ts'
import type { Owner } from './unit-claims.ts'

/** Condition on `c`: a chunk of the collection that the model can read and that has no vectors of it. */
export function lacksVectors(sql: Sql, { collectionId, modelId }: Owner, languages: Embedder['languages']) {
  const readable = languages === 'any' ? null : [...languages]
  return sql`c.collection_id = ${collectionId} and (${readable}::text[] is null or c.language = any(${readable}::text[]))
    and not exists (select from chunk_vectors v where v.chunk_id = c.id and v.model_id = ${modelId})`
}

/**
 * Stores vectors of chunks that have none. Those of chunks that were deleted meanwhile, or that another process has filled,
 * are dropped; so are all, if only those of the model in use are wanted and the collection has switched to another one.
 * The collection is locked first, as by those who write documents, so that they do not wait for each other.
 */
export async function storeVectors(
  sql: Sql,
  { collectionId, modelId }: Owner,
  vectors: readonly WindowVector[],
  of: 'any model' | 'the model in use',
): Promise<void> {
  await sql.begin(async transaction => {
    const tx = transaction as unknown as Sql
    const [collection] = await tx`select model_id from collections where id = ${collectionId} for update`
    if (of === 'the model in use' && Number(collection?.['model_id']) !== modelId) return
    const { count } = await tx`
      insert into chunk_vectors (chunk_id, model_id, collection_id, window_number, start_at, end_at, embedding)
      select u.chunk_id, ${modelId}, ${collectionId}, u.number, u.start_at, u.end_at, u.embedding::halfvec
      from unnest(${vectors.map(v => v.chunkId)}::bigint[], ${numbered(vectors)}::int[], ${vectors.map(v => v.start)}::int[], ${vectors.map(v => v.end)}::int[],
        ${vectors.map(v => vectorText(v.embedding))}::text[]) as u(chunk_id, number, start_at, end_at, embedding)
      join chunks c on c.id = u.chunk_id and c.collection_id = ${collectionId}
      for key share of c
      on conflict do nothing`
    await tx`update collections set window_count = window_count + ${count} where id = ${collectionId} and model_id = ${modelId}`
  })
}

/** Numbers the windows 0, 1, 2, … within each chunk. */
function numbered(vectors: readonly WindowVector[]): number[] {
  const seen = new Map<string, number>()
  return vectors.map(({ chunkId }) => {
    const number = seen.get(chunkId) ?? 0
    seen.set(chunkId, number + 1)
    return number
  })
}
