import { randomUUID } from 'node:crypto'
import type { PendingChunk, UnitsFilling, UnitsRow } from '../../../ingest/terms.ts'
import type { Database, Sql } from '../database.ts'
import { retryConflicts } from '../retry-conflicts.ts'
import { selectPending } from './pending-chunk.ts'
import { inBase64 } from './units.ts'

interface Owner {
  readonly collectionId: number
  readonly modelId: number
}

/** How long others leave a collection to the process that fills it, unless it renews its claim. */
const claimSeconds = 30
/** Of the chunks of a collection, so many new units change what a calibration measured. */
const muchFilled = 0.25

/** Reads the chunks of a collection that have vectors of a model and no units, and stores their units. */
export function missingUnits(
  database: Pick<Database, 'lease'>,
  { collectionId, modelId }: Owner,
  signal: AbortSignal,
): UnitsFilling {
  const run = <T>(work: (sql: Sql) => Promise<T>, until = signal): Promise<T> =>
    retryConflicts(until, () => database.lease({ signal: until, label: 'units' }, work))

  /** Of chunks that have vectors of the model. */
  function lacksUnits(sql: Sql) {
    return sql`c.collection_id = ${collectionId} and exists (select from chunk_vectors v where v.chunk_id = c.id and v.model_id = ${modelId})
      and not exists (select from chunk_units u where u.chunk_id = c.id and u.model_id = ${modelId})`
  }

  async function counts(afterId: string) {
    const [row] = await run(
      async sql => sql`
      select (select chunk_count from collections where id = ${collectionId}) as chunks,
        (select count(*)::int from chunks c where ${lacksUnits(sql)} and c.id > ${afterId}::bigint) as lacking,
        exists (select from unit_fillings where collection_id = ${collectionId} and model_id = ${modelId}) as is_begun`,
    )
    return { chunks: Number(row?.['chunks']), lacking: Number(row?.['lacking']), isBegun: row?.['is_begun'] === true }
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
      join chunks c on c.id = u.chunk_id
      for key share of c
      on conflict do nothing`,
    )
  }

  async function claim(remaining: number): Promise<string | null> {
    const claimant = randomUUID()
    const rows = await run(
      async sql => sql`
      insert into unit_fillings as f (collection_id, model_id, remaining, claimed_by, claimed_until)
      select c.id, ${modelId}, ${remaining}, ${claimant}::uuid, now() + make_interval(secs => ${claimSeconds}) from collections c where c.id = ${collectionId}
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
   * the calibration stays in use, but counts as one of a collection without chunks.
   */
  async function finish(claimant: string, filled: number): Promise<void> {
    await run(sql =>
      sql.begin(async transaction => {
        const tx = transaction as unknown as Sql
        const ours = await tx`delete from unit_fillings where ${isClaimedBy(tx, claimant)} returning collection_id`
        if (ours.length === 0) return
        await tx`update collections set epoch = epoch + 1, updated_at = now() where id = ${collectionId}`
        await tx`
        update calibrations k set measured = k.measured || '{"chunkCount": 0}'
        from collections c
        where c.id = ${collectionId} and k.collection_id = c.id and k.model_id = ${modelId} and k.measured is not null
          and (k.measured->'units' = 'null'::jsonb or ${filled}::int > ${muchFilled}::float8 * c.chunk_count)`
      }),
    )
  }

  function isClaimedBy(sql: Sql, claimant: string) {
    return sql`collection_id = ${collectionId} and model_id = ${modelId} and claimed_by = ${claimant}::uuid`
  }

  return { counts, next, store, claim, renew, release, finish }
}

/** Chunks of all collections whose units are still to be embedded in the background. */
export async function countUnitsBehind(sql: Sql): Promise<number> {
  const [row] = await sql`select coalesce(sum(remaining), 0)::int as count from unit_fillings`
  return Number(row?.['count'])
}
