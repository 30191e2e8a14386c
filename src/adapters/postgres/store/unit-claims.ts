import { randomUUID } from 'node:crypto'
import type { VectorsFilling } from '../../../ingest/terms.ts'
import type { Sql } from '../database.ts'

/** Whose units: of a collection, made by a model. */
export interface Owner {
  readonly collectionId: number
  readonly modelId: number
}

/** Runs a statement or a transaction, until `signal` aborts or the usual one does. */
export type Run = <T>(work: (sql: Sql) => Promise<T>, signal?: AbortSignal) => Promise<T>

/** How long others leave a collection to the process that fills it, unless it renews its claim. */
const claimSeconds = 30
/** Of the chunks of a collection, so many new units change what a calibration measured. */
const muchFilled = 0.25

/** The claim of the process that embeds the units of a collection. */
export function unitClaims(
  run: Run,
  { collectionId, modelId }: Owner,
): Pick<VectorsFilling, 'claim' | 'renew' | 'release' | 'finish'> {
  /** Null also if the collection has switched to another model. */
  async function claim(remaining: number): Promise<string | null> {
    const claimant = randomUUID()
    const rows = await run(
      async sql => sql`
      insert into unit_fillings as f (collection_id, model_id, remaining, claimed_by, claimed_until)
      select c.id, ${modelId}, ${remaining}, ${claimant}::uuid, now() + make_interval(secs => ${claimSeconds}) from collections c where c.id = ${collectionId} and c.model_id = ${modelId}
      on conflict (collection_id, model_id) do update
        set claimed_by = excluded.claimed_by, claimed_until = excluded.claimed_until, remaining = excluded.remaining
        where f.claimed_until is null or f.claimed_until < now()
      returning f.collection_id`,
    )
    return rows.length > 0 ? claimant : null
  }

  async function renew(claimant: string, remaining: number): Promise<boolean> {
    const rows = await run(
      async sql => sql`
      update unit_fillings set remaining = ${remaining}, claimed_until = now() + make_interval(secs => ${claimSeconds})
      where ${isClaimedBy(sql, claimant)} returning collection_id`,
    )
    return rows.length > 0
  }

  /** For another process, or this one later. Also after an abort. */
  async function release(claimant: string): Promise<void> {
    await run(
      async sql => sql`
      update unit_fillings set claimed_by = null, claimed_until = null where ${isClaimedBy(sql, claimant)}`,
      new AbortController().signal,
    )
  }

  /**
   * Answers that were made without the units are no longer used, and what was measured without them is measured again:
   * the calibration stays in use, but counts as one of a collection without chunks. False, and nothing is done, if the
   * claim was lost.
   */
  async function finish(claimant: string, filled: number): Promise<boolean> {
    return await run(sql =>
      sql.begin(async transaction => {
        const tx = transaction as unknown as Sql
        // First, as by those who write documents.
        await tx`select from collections where id = ${collectionId} for update`
        const ours = await tx`delete from unit_fillings where ${isClaimedBy(tx, claimant)} returning collection_id`
        if (ours.length === 0) return false
        await tx`update collections set epoch = epoch + 1, updated_at = now() where id = ${collectionId}`
        await tx`
        update calibrations k set measured = k.measured || '{"chunkCount": 0}'
        from collections c
        where c.id = ${collectionId} and k.collection_id = c.id and k.model_id = ${modelId} and k.measured is not null
          and (k.measured->'units' = 'null'::jsonb or ${filled}::int > ${muchFilled}::float8 * c.chunk_count)`
        return true
      }),
    )
  }

  function isClaimedBy(sql: Sql, claimant: string) {
    return sql`collection_id = ${collectionId} and model_id = ${modelId} and claimed_by = ${claimant}::uuid`
  }

  return { claim, renew, release, finish }
}
