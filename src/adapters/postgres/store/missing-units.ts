import type { Sql } from '../database.ts'
import { pendingChunkOf, type PendingChunk } from './pending-chunk.ts'
import { inBase64 } from './units.ts'

/** Units of a chunk, packed. */
export interface UnitsRow {
  readonly chunkId: string
  readonly units: Uint8Array
}

interface Owner {
  readonly collectionId: number
  readonly modelId: number
}

/** Reads the chunks of a collection that have vectors of a model and no units, and stores their units. */
export function missingUnits(run: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>, { collectionId, modelId }: Owner) {
  /** Of chunks that have vectors of the model. */
  function lacksUnits(sql: Sql) {
    return sql`c.collection_id = ${collectionId} and exists (select from chunk_vectors v where v.chunk_id = c.id and v.model_id = ${modelId})
      and not exists (select from chunk_units u where u.chunk_id = c.id and u.model_id = ${modelId})`
  }

  /** How many chunks the collection has, and how many of them without units. */
  async function counts() {
    const [row] = await run(
      async sql => sql`
      select (select chunk_count from collections where id = ${collectionId}) as chunks,
        (select count(*)::int from chunks c where ${lacksUnits(sql)}) as lacking`,
    )
    return { chunks: Number(row?.['chunks']), lacking: Number(row?.['lacking']) }
  }

  async function next(afterId: string, limit: number): Promise<PendingChunk[]> {
    const rows = await run(
      async sql => sql`
      select c.*, d.text as document_text from chunks c join documents d on d.id = c.document_id
      where ${lacksUnits(sql)} and c.id > ${afterId}::bigint order by c.id limit ${limit}`,
    )
    return rows.map(pendingChunkOf)
  }

  async function store(rows: readonly UnitsRow[]): Promise<void> {
    await run(
      async sql => sql`
      insert into chunk_units (chunk_id, model_id, collection_id, units)
      select u.chunk_id, ${modelId}, ${collectionId}, decode(u.units, 'base64')
      from unnest(${rows.map(row => row.chunkId)}::bigint[], ${rows.map(row => inBase64(row.units))}::text[]) as u(chunk_id, units)
      join chunks c on c.id = u.chunk_id
      for key share of c
      on conflict do nothing`,
    )
  }

  /** Answers that were made without the units are no longer used. */
  async function finish(): Promise<void> {
    await run(async sql => sql`update collections set epoch = epoch + 1, updated_at = now() where id = ${collectionId}`)
  }

  return { counts, next, store, finish }
}
