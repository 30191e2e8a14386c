import type { CollectionCaching } from '../../../ask/terms/collection.ts'
import { AskError } from '../../../errors.ts'
import { abstentionOf } from './abstention.ts'
import { ensureCollection } from './ensure.ts'
import type { Database, Fragment, Sql } from '../database.ts'
import { retryConflicts } from '../retry-conflicts.ts'
import type { Row } from '../driver.ts'
import { tracedSql } from '../sql-span.ts'
import { dropOtherVectorIndexes } from './vector-index.ts'
import { shownModel, wayBackTo } from '../../models/names.ts'
import { changeOf } from './model-changes.ts'
import type { ChunkOverrides, Collection, ModelChange, NamedModel, StoredChunking } from '../../../ingest/terms.ts'

/** A collection that has vectors. */
export type WithVectors = Collection & { readonly model: NonNullable<Collection['model']> }

export type CollectionStore = ReturnType<typeof createCollectionStore>

/** For leases without a request (the command line): never aborts. */
const always = new AbortController().signal

/** Reads and changes collections and the embedding model that made their vectors. */
export function createCollectionStore(database: Pick<Database, 'lease'>) {
  const lease = <T>(work: (sql: Sql) => Promise<T>, signal = always) =>
    database.lease({ signal, label: 'collections' }, work)
  const leaseWrite = <T>(work: (sql: Sql) => Promise<T>, signal = always) =>
    retryConflicts(signal, () => lease(work, signal))

  async function collections(signal = always): Promise<Collection[]> {
    return await lease(async sql => (await selectCollections(sql, null)).map(collectionOf), signal)
  }

  async function collection(name: string, signal = always): Promise<Collection | null> {
    const rows = await lease(sql => selectCollections(sql, name), signal)
    return rows[0] ? collectionOf(rows[0]) : null
  }

  /** Length of the vectors that this model has made here. */
  async function dimensionsOf(model: string): Promise<number | undefined> {
    const [row] = await lease(sql => sql`select dimensions from embedding_models where name = ${model}`)
    return row ? Number(row['dimensions']) : undefined
  }

  /**
   * Returns the collection and creates it if it does not exist. Rejects with `model_mismatch` if another model made its
   * vectors.
   */
  async function openCollection(name: string, model: NamedModel, signal = always): Promise<Collection> {
    await leaseWrite(sql => ensureCollection(sql, name, model), signal)
    return await existing(name, model, signal)
  }

  async function existing(name: string, model: NamedModel, signal: AbortSignal): Promise<Collection> {
    const found = await collection(name, signal)
    if (!found) throw deletedMeanwhile({ name })
    if (found.model?.changed) throw modelChanged(found, found.model.changed)
    if (found.model && found.model.name !== model.name) throw modelMismatch(found, model.name)
    return found
  }

  /** As {@link openCollection}, but a collection that was deleted is not created again: rejects with `unknown_collection`. */
  async function reopenCollection(name: string, model: NamedModel, signal = always): Promise<Collection> {
    const ensureExisting = async (sql: Sql) => {
      const [locked] = await sql`select from collections where name = ${name} for key share`
      if (!locked) throw deletedMeanwhile({ name })
      await ensureCollection(sql, name, model)
    }
    await leaseWrite(sql => sql.begin(tx => ensureExisting(tx as unknown as Sql)), signal)
    return await existing(name, model, signal)
  }

  /** Removes the collection with all its documents. */
  async function removeCollection(name: string, signal = always): Promise<void> {
    await lease(async sql => {
      const [gone] = await sql`delete from collections where name = ${name} returning id`
      if (gone) await dropOtherVectorIndexes(sql, Number(gone['id']), null)
    }, signal)
  }

  /**
   * Invalidates all cached answers of the collection on every replica by incrementing its epoch, as a write of
   * documents does. Null for all collections. Returns the ids of the affected collections; none if there is no such
   * collection.
   */
  async function forgetAnswers(name: string | null, signal = always): Promise<number[]> {
    return await leaseWrite(sql => invalidate(sql, name, sql`cache_settings`), signal)
  }

  /**
   * Changes the cache settings of the collection; null resets one to the service's setting. Cached answers are
   * invalidated because they expire according to the settings at the time they were stored. Returns false if there is
   * no such collection.
   */
  async function writeCaching(name: string, change: CachingChange, signal = always): Promise<boolean> {
    const { seconds, fastSeconds: fast_seconds, near } = change
    const text = JSON.stringify({ seconds, fast_seconds, near })
    const settings = (sql: Sql) => sql`jsonb_strip_nulls(cache_settings || ${text}::text::jsonb)`
    return (await leaseWrite(sql => invalidate(sql, name, settings(sql)), signal)).length > 0
  }

  /**
   * Changes how documents of the collection are divided. Those that were divided otherwise are outdated from then on.
   * `change` gets the stored settings and may throw. Returns false if there is no such collection.
   */
  async function writeChunking(name: string, change: ChangeOfChunking, signal = always): Promise<boolean> {
    return await leaseWrite(
      sql => sql.begin(async tx => await changeChunking(tx as unknown as Sql, name, change)),
      signal,
    )
  }

  return {
    collections,
    collection,
    dimensionsOf,
    openCollection,
    reopenCollection,
    removeCollection,
    forgetAnswers,
    writeCaching,
    writeChunking,
  }
}

/** Absent settings stay unchanged. */
export type CachingChange = { readonly [Name in 'seconds' | 'fastSeconds']?: number | null } & {
  readonly near?: boolean | null
}

/**
 * `cleared` is the time, in microseconds since 1970. A completion is found by its prompt and by this value. It is not a
 * counter, because another collection with the same prompt may have reached the same count.
 */
async function invalidate(sql: Sql, name: string | null, settings: Fragment): Promise<number[]> {
  const rows = await sql`
    with chosen as (select id from collections where ${name}::text is null or name = ${name} order by id for no key update),
    forgotten as (
      update collections c set epoch = epoch + 1,
        cache_settings = ${settings} || jsonb_build_object('cleared', (extract(epoch from now()) * 1000000)::bigint)
      from chosen where c.id = chosen.id returning c.id),
    gone as (delete from cached_questions q using forgotten where q.collection_id = forgotten.id)
    select id from forgotten`
  return rows.map(row => Number(row['id']))
}

export type ChangeOfChunking = (stored: ChunkOverrides) => StoredChunking

async function changeChunking(sql: Sql, name: string, change: ChangeOfChunking): Promise<boolean> {
  const [row] = await sql`select id, chunk_settings from collections where name = ${name} for no key update`
  if (!row) return false
  const { overrides, mark } = change(row['chunk_settings'] as ChunkOverrides)
  await sql`
    update collections set chunk_settings = ${JSON.stringify(overrides)}::text::jsonb, chunk_mark = ${mark}
    where id = ${Number(row['id'])}`
  return true
}

async function selectCollections(sql: Sql, name: string | null): Promise<Row[]> {
  return await tracedSql(
    sql,
    'SELECT collections',
    sql`
    select c.*, m.name as model_name, m.dimensions, m.changed_at as model_changed_at, m.changed as model_changed,
      (select mark from epoch_marks e where e.collection_id = c.id) as epoch_mark,
      array(select language from collection_languages l where l.collection_id = c.id and chunk_count > 0 order by chunk_count desc, language) as languages,
      (select coalesce(jsonb_object_agg(f.language, jsonb_build_object('weight', f.vector_weight, 'span', f.span)), '{}') from fusion_weights f where f.model = m.name) as vector_weights,
      (select k.measured from calibrations k where k.collection_id = c.id and k.model_id = coalesce(c.model_id, 0)) as calibration,
      exists (select from unit_fillings u where u.collection_id = c.id and u.model_id = c.model_id) as is_filling
    from collections c left join embedding_models m on m.id = c.model_id
    where ${name}::text is null or c.name = ${name} order by c.name`,
  )
}

function collectionOf(row: Row): Collection {
  const model =
    row['model_id'] === null
      ? null
      : {
          id: Number(row['model_id']),
          name: String(row['model_name']),
          dimensions: Number(row['dimensions']),
          ...changeOf(row),
        }
  const abstention = abstentionOf(row['abstention'])
  return {
    id: Number(row['id']),
    name: String(row['name']),
    model,
    epoch: Number(row['epoch']),
    epochMark: String(row['epoch_mark']),
    documentCount: Number(row['document_count']),
    chunkCount: Number(row['chunk_count']),
    windowCount: Number(row['window_count']),
    efSearch: row['ef_search'] === null ? null : Number(row['ef_search']),
    languages: row['languages'] as string[],
    vectorWeights: row['vector_weights'] as Collection['vectorWeights'],
    calibration: row['calibration'] as Collection['calibration'],
    caching: cachingOf(row['cache_settings'] as Record<string, unknown>),
    chunking: row['chunk_settings'] as ChunkOverrides,
    ...(row['is_filling'] === true && { isFilling: true }),
    ...(abstention && { abstention }),
    updatedAt: row['updated_at'] as Date,
  }
}

function cachingOf({ seconds, fast_seconds: fastSeconds, near, cleared }: Record<string, unknown>): CollectionCaching {
  return {
    ...(typeof cleared === 'number' ? { cleared } : {}),
    ...(typeof seconds === 'number' ? { seconds } : {}),
    ...(typeof fastSeconds === 'number' ? { fastSeconds } : {}),
    ...(typeof near === 'boolean' ? { near } : {}),
  }
}

export function modelMismatch(collection: Pick<Collection, 'name' | 'model'>, configured: string): AskError {
  const modelName = collection.model?.name ?? 'no model'
  const detail =
    `The vectors of collection "${collection.name}" were made by "${shownModel(modelName)}", but EMBEDDING_MODEL is "${shownModel(configured)}": ` +
    `${wayBackTo(modelName, configured)}, or rebuild them with: askwell reembed --collection ${collection.name}`
  return new AskError('model_mismatch', { detail })
}

/** The model makes other vectors than those of the collection: the two are never mixed. */
export function modelChanged({ name, model }: Pick<Collection, 'name' | 'model'>, change: ModelChange): AskError {
  const how = change.hasOtherLength
    ? 'vectors of another length'
    : `vectors that mean something else (similarity ${change.similarity.toFixed(2)} instead of 1.00 for ${change.texts} stored texts)`
  const detail = `The embedding model "${shownModel(model?.name ?? '')}" makes ${how} than when collection "${name}" was loaded, as was found at ${change.foundAt.toISOString()}. Until its vectors are rebuilt it is searched by words alone, and nothing is loaded into it: askwell reembed --collection ${name}`
  return new AskError('model_mismatch', { detail })
}

export function deletedMeanwhile({ name }: Pick<Collection, 'name'>): AskError {
  return new AskError('unknown_collection', { detail: `Collection "${name}" was just deleted.` })
}

export function switchedMeanwhile({ name, model }: Collection): AskError {
  const detail = `The vectors of collection "${name}" were switched away from "${shownModel(model?.name ?? '')}" in the meantime; start again with their current EMBEDDING_MODEL.`
  return new AskError('model_mismatch', { detail })
}
