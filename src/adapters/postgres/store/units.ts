import type { Step } from '../../../resilience/pace.ts'
import type { Fragment, Sql } from '../database.ts'
import { inlineNumber } from '../inline-number.ts'
import { batchesOf, type ChunkRow } from './document-rows.ts'

/** Rows per statement: a row is a kilobyte or two. */
const unitsAtOnce = 50

export async function insertUnits(
  tx: Sql,
  { collectionId, modelId }: { readonly collectionId: number; readonly modelId: number },
  rows: readonly ChunkRow[],
  step: Step,
): Promise<void> {
  const withUnits = rows.filter(({ chunk }) => chunk.units !== undefined)
  for (const batch of batchesOf(withUnits, unitsAtOnce))
    await step(
      () => tx`
      insert into chunk_units (chunk_id, model_id, collection_id, units)
      select c.id, ${modelId}, ${collectionId}, decode(u.units, 'base64')
      from unnest(${batch.map(row => row.document.id)}::uuid[], ${batch.map(row => row.chunk.ordinal)}::int[],
        ${batch.map(row => inBase64(row.chunk.units!))}::text[]) as u(document_id, ordinal, units)
      join chunks c on c.document_id = u.document_id and c.ordinal = u.ordinal`,
    )
}

/** Bytes as a parameter of a statement, where they take a third more than they are and not twice as much. */
export function inBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** The packed units of the chunk with this id; null if it has none. As text, which is smaller than the form of bytea. */
export function unitsOfChunk(sql: Sql, id: Fragment, modelId: number): Fragment {
  return sql`(select encode(u.units, 'base64') from chunk_units u where u.chunk_id = ${id} and u.model_id = ${inlineNumber(sql, modelId)})`
}
