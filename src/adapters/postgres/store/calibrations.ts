import { hash, randomUUID } from 'node:crypto'
import type { ChangesSince } from '../../../ask/calibration/outdated.ts'
import type { Calibration } from '../../../ask/calibration/terms.ts'
import type { SampledChunk } from '../../../ask/calibration/synthetic.ts'
import type { Collection } from '../../../ingest/terms.ts'
import type { Database, Sql } from '../database.ts'

/** How long others leave a collection to the process that measures it. It measures for less. */
const claimSeconds = 660
/** Documents that the chunks of a sample are taken from. */
const documentsPerSample = 500

/** Which row: a collection and the model of its vectors. */
type Measured = Pick<Collection, 'id' | 'model'>

export type CalibrationStore = ReturnType<typeof createCalibrationStore>

/** Reads what a calibration is measured from, and keeps what was measured. */
export function createCalibrationStore(database: Pick<Database, 'lease'>) {
  const lease = <T>(signal: AbortSignal, work: (sql: Sql) => Promise<T>) =>
    database.lease({ signal, label: 'calibrate' }, work)

  /**
   * Chunks in this language, spread over the documents. They are chosen by the names of their documents, so that equal
   * documents give equal samples, whichever model made their vectors.
   */
  async function sample(
    { id }: Measured,
    language: string,
    count: number,
    signal: AbortSignal,
  ): Promise<SampledChunk[]> {
    const rows = await lease(
      signal,
      sql => sql`
      select c.id, c.document_id, c.title, c.language, c.text, c.start_at
      from (
        select d.id, d.source from documents d where d.collection_id = ${id} and d.language = ${language}
        order by md5(d.source), d.source limit ${documentsPerSample}) d
      join chunks c on c.document_id = d.id and c.language = ${language}
      order by md5(d.source || ' ' || c.ordinal), c.id limit ${count}`,
    )
    return rows.map(row => ({
      chunkId: Number(row['id']),
      documentId: String(row['document_id']),
      title: String(row['title']),
      language: String(row['language']),
      text: String(row['text']),
      start: Number(row['start_at']),
    }))
  }

  /** Nothing where it was never measured. */
  async function changesSince({ id, model }: Measured, signal: AbortSignal): Promise<ChangesSince> {
    const [row] = await lease(
      signal,
      sql => sql`
      select (select count(*)::int from documents d where d.collection_id = k.collection_id and d.updated_at > k.measured_at) as documents,
        (select count(*)::int from chunk_units u where u.collection_id = k.collection_id and u.model_id = k.model_id) as unit_chunks
      from calibrations k where k.collection_id = ${id} and k.model_id = ${model?.id ?? 0}`,
    )
    return { newDocumentCount: Number(row?.['documents'] ?? 0), unitChunkCount: Number(row?.['unit_chunks'] ?? 0) }
  }

  /** Claims the collection for measuring; null while another process measures it. */
  async function claim({ id, model }: Measured, signal: AbortSignal): Promise<string | null> {
    const claimant = randomUUID()
    const rows = await lease(
      signal,
      sql => sql`
      insert into calibrations as k (collection_id, model_id, claimed_by, claimed_until)
      select c.id, ${model?.id ?? 0}, ${claimant}::uuid, now() + make_interval(secs => ${claimSeconds}) from collections c where c.id = ${id}
      on conflict (collection_id, model_id) do update set claimed_by = excluded.claimed_by, claimed_until = excluded.claimed_until
      where k.claimed_until is null or k.claimed_until < now()
      returning k.collection_id`,
    )
    return rows.length > 0 ? claimant : null
  }

  /** Stores what the claimant measured and ends its claim. False when the collection, or the claim, is gone. */
  async function save(
    { id, model }: Measured,
    claimant: string,
    measured: Omit<Calibration, 'version'>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const rows = await lease(
      signal,
      sql => sql`
      update calibrations set measured = ${JSON.stringify(withVersion(measured))}::text::jsonb, measured_at = now(), claimed_by = null, claimed_until = null
      where collection_id = ${id} and model_id = ${model?.id ?? 0} and claimed_by = ${claimant}::uuid
      returning collection_id`,
    )
    return rows.length > 0
  }

  /** Ends a claim without a result. */
  async function release({ id, model }: Measured, claimant: string, signal: AbortSignal): Promise<void> {
    await lease(
      signal,
      sql => sql`
      update calibrations set claimed_by = null, claimed_until = null
      where collection_id = ${id} and model_id = ${model?.id ?? 0} and claimed_by = ${claimant}::uuid`,
    )
  }

  return { sample, changesSince, claim, save, release }
}

/** Equal measurements have equal versions: the answers that go with them are the same. */
function withVersion(measured: Omit<Calibration, 'version'>): Calibration {
  const { modelId: _, ...content } = measured
  return { version: hash('sha256', JSON.stringify(content), 'base64url').slice(0, 12), ...measured }
}
