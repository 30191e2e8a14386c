import { AskError } from '../../../errors.ts'
import type { PendingChunk, WindowVector } from '../../../ingest/terms.ts'
import type { Database, Sql } from '../database.ts'
import { ensureModel, supersedeModel } from './ensure.ts'
import { retryConflicts } from '../retry-conflicts.ts'
import { deletedMeanwhile } from './collections.ts'
import { missingVectors } from './missing-vectors.ts'
import { lacksVectors, storeVectors } from './chunk-vectors.ts'
import { selectPending } from './pending-chunk.ts'
import { dropOtherVectorIndexes, ensureVectorIndex } from './vector-index.ts'

export type Reembedding = Awaited<ReturnType<typeof openReembedding>>

/**
 * Makes the vectors of another model while the current ones stay in use, then switches the collection over and drops
 * the old ones in one transaction. It can be interrupted and resumed. Chunks in languages that the model cannot read
 * are skipped.
 */
export async function openReembedding(
  database: Pick<Database, 'kind' | 'lease'>,
  name: string,
  model: { readonly name: string; readonly dimensions: number; readonly languages: readonly string[] | 'any' },
  signal: AbortSignal,
) {
  const terms = { signal, label: 'reembed' }
  /** Every step is one statement or transaction, or can be repeated. */
  const run = <T>(work: (sql: Sql) => Promise<T>): Promise<T> =>
    retryConflicts(signal, () => database.lease(terms, work))
  const { collectionId, modelId } = await run(sql => resolveIds(sql, name, model))

  async function remaining(): Promise<number> {
    const [row] = await run(async sql => sql`select count(*)::int as count from chunks c where ${pending(sql)}`)
    return Number(row?.['count'])
  }

  async function next(afterId: string, limit: number): Promise<PendingChunk[]> {
    return await run(sql => selectPending(sql, pending(sql), afterId, limit))
  }

  async function store(vectors: readonly WindowVector[]): Promise<void> {
    await run(sql => storeVectors(sql, { collectionId, modelId }, vectors, 'any model'))
  }

  /**
   * Returns false if documents were added after the chunk `afterId`: continue from there. What is pending before it has
   * been tried and has nothing to embed. (Ids grow in commit order because writers of a collection take turns.)
   */
  async function finish(afterId: string): Promise<boolean> {
    return await run(sql =>
      sql.begin(async tx => {
        const [locked] = await tx`
        select c.name, (select m.name from embedding_models m where m.id = ${modelId}) as model from collections c where id = ${collectionId} for update`
        // After a restore an id may belong to another collection.
        if (locked?.['name'] !== name || locked['model'] !== model.name) throw deletedMeanwhile({ name })
        const remainingRows =
          await tx`select from chunks c where ${pending(tx as unknown as Sql)} and c.id > ${afterId}::bigint limit 1`
        if (remainingRows.length > 0) return false
        await tx`
        update collections set model_id = ${modelId}, epoch = epoch + 1, updated_at = now(), ef_search = null,
          window_count = (select count(*) from chunk_vectors v where v.collection_id = ${collectionId} and v.model_id = ${modelId})
        where id = ${collectionId}`
        await tx`delete from chunk_vectors where collection_id = ${collectionId} and model_id <> ${modelId}`
        await tx`delete from chunk_units where collection_id = ${collectionId} and model_id <> ${modelId}`
        await tx`delete from unit_fillings where collection_id = ${collectionId} and model_id <> ${modelId}`
        return true
      }),
    )
  }

  function pending(sql: Sql) {
    return lacksVectors(sql, { collectionId, modelId }, model.languages)
  }

  /** Whether the collection is searched by vectors of this model, so that nothing needs to be switched. */
  async function isCurrent(): Promise<boolean> {
    const [row] = await run(async sql => sql`select model_id from collections where id = ${collectionId}`)
    return row?.['model_id'] !== null && Number(row?.['model_id']) === modelId
  }

  /** Builds the index before the switch, so that a large collection is never searched without one. */
  async function index(onBuild: () => void): Promise<void> {
    const [row] = await run(
      async sql =>
        sql`select count(*) from chunk_vectors where collection_id = ${collectionId} and model_id = ${modelId}`,
    )
    const windowCount = Number(row?.['count'])
    const collection = { id: collectionId, windowCount, model: { id: modelId, ...model } }
    await retryConflicts(signal, () => ensureVectorIndex(database, collection, signal, onBuild))
  }

  async function dropOld(): Promise<void> {
    await run(sql => dropOtherVectorIndexes(sql, collectionId, modelId))
  }

  const units = missingVectors(database, { collectionId, modelId }, model.languages, signal)
  return { remaining, next, store, index, isCurrent, finish, dropOld, units }
}

async function resolveIds(sql: Sql, name: string, model: { readonly name: string; readonly dimensions: number }) {
  const [collection] = await sql`select id from collections where name = ${name}`
  if (!collection) throw new AskError('unknown_collection', { detail: `there is no collection "${name}"` })
  await supersedeModel(sql, model, true)
  return { collectionId: Number(collection['id']), modelId: await ensureModel(sql, model) }
}
