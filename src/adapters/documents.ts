import type { Json } from '../ingest/terms.ts'
import { AskError } from '../errors.ts'
import type { Database, Sql } from './database.ts'
import { insertChunks, insertDocuments, insertVectors, type ChunkRow, type PreparedDocument } from './document-rows.ts'
import { localModel } from './models.ts'
import { addTerms, countLanguages, removeTerms } from './vocabulary.ts'

export interface Collection {
  readonly id: number
  readonly name: string
  /** Null while nothing was written with vectors. */
  readonly model: { readonly id: number; readonly name: string; readonly dimensions: number } | null
  readonly epoch: number
  readonly documentCount: number
  readonly chunkCount: number
  readonly languages: readonly string[]
  readonly updatedAt: Date
}

export interface StoredDocument {
  readonly id: string
  readonly collection: string
  readonly source: string
  readonly version: number
  readonly title: string
  readonly url: string | null
  readonly language: string
  readonly metadata: { readonly [key: string]: Json }
  readonly text: string
  readonly chunkCount: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What a write did. Documents in neither list were stored just so already. */
export interface Written {
  /** Ids. */
  readonly added: readonly string[]
  /** Ids. */
  readonly replaced: readonly string[]
  readonly chunks: number
}

export type DocumentStore = ReturnType<typeof createDocumentStore>

/** A terms object for leases that no request waits for (the command line); never aborts. */
const always = new AbortController().signal

/**
 * The write side. Every write is one transaction that first takes the collection's row: writers of one
 * collection go one after the other, its epoch and statistics change together with its documents, and readers
 * see all of a document or nothing of it.
 */
export function createDocumentStore(database: Pick<Database, 'lease'>) {
  const lease = <T>(label: string, work: (sql: Sql) => Promise<T>, signal = always) => database.lease({ signal, label }, work)

  async function collections(signal = always): Promise<Collection[]> {
    return await lease('collections', async sql => (await selectCollections(sql, null)).map(collectionOf), signal)
  }

  async function collection(name: string, signal = always): Promise<Collection | null> {
    const rows = await lease('collections', sql => selectCollections(sql, name), signal)
    return rows[0] ? collectionOf(rows[0]) : null
  }

  /** Length of the vectors that this model made here before. */
  async function dimensionsOf(model: string): Promise<number | undefined> {
    const [row] = await lease('collections', sql => sql`select dimensions from embedding_models where name = ${model}`)
    return row ? Number(row['dimensions']) : undefined
  }

  /** The collection, made if absent. Refuses (`model_mismatch`) one whose vectors another model made. */
  async function openCollection(name: string, model: { name: string; dimensions: number }, signal = always): Promise<Collection> {
    await lease('collections', sql => claimCollection(sql, name, model), signal)
    const found = await collection(name, signal)
    if (!found) throw new AskError('unknown_collection', { detail: `collection "${name}" was deleted just now` })
    if (found.model && found.model.name !== model.name) throw modelMismatch(found, model.name)
    return found
  }

  /** Version and hash of the sources that are already stored. */
  async function known(collectionId: number, sources: readonly string[], signal = always) {
    const rows = await lease('known', sql => sql`
      select id, source, hash from documents where collection_id = ${collectionId} and source = any(${sources as string[]}::text[])`, signal)
    return new Map(rows.map(row => [String(row['source']), { id: String(row['id']), hash: row['hash'] as Buffer }]))
  }

  async function write(target: Collection, documents: readonly PreparedDocument[], runId: string | null, signal = always): Promise<Written> {
    if (documents.length === 0) return nothingWritten
    return await lease('write', sql => sql.begin(tx => replaceDocuments(tx as unknown as Sql, target, documents, runId)), signal)
  }

  /** Marks unchanged documents as seen by this run, so that `prune` keeps them. */
  async function markSeen(ids: readonly string[], runId: string, signal = always): Promise<void> {
    await lease('write', sql => markChecked(sql, ids, runId), signal)
  }

  /**
   * Deletes documents under `roots` that this run did not see, except those under `spared` (files and folders
   * that could not be read this time) and those that came over HTTP, which no run can see. Returns how many.
   */
  async function prune(target: Collection, roots: readonly string[], spared: readonly string[], runId: string, signal = always): Promise<number> {
    let removed = 0
    for (;;) {
      const count = await lease('write', sql => sql.begin(async transaction => {
        const tx = transaction as unknown as Sql
        await lockCollection(tx, target.id)
        return await deleteDocuments(tx, target.id, await selectUnseen(tx, target.id, roots, spared, runId))
      }), signal)
      removed += count
      if (count < pruneBatch) return removed
    }
  }

  async function remove(id: string, signal = always): Promise<boolean> {
    return await lease('write', async sql => {
      const [row] = await sql`select collection_id from documents where id = ${id}`
      if (!row) return false
      const collectionId = Number(row['collection_id'])
      return await sql.begin(async transaction => {
        const tx = transaction as unknown as Sql
        await lockCollection(tx, collectionId)
        return (await deleteDocuments(tx, collectionId, [id])) > 0
      })
    }, signal)
  }

  async function get(id: string, signal = always): Promise<StoredDocument | null> {
    const [row] = await lease('documents', sql => sql`
      select d.*, c.name as collection, (select count(*)::int from chunks k where k.document_id = d.id) as chunk_count
      from documents d join collections c on c.id = d.collection_id where d.id = ${id}`, signal)
    return row ? documentOf(row) : null
  }

  return { collections, collection, dimensionsOf, openCollection, known, write, markSeen, prune, remove, get }
}

type Row = Record<string, unknown>

async function selectCollections(sql: Sql, name: string | null): Promise<Row[]> {
  return await sql`
    select c.*, m.name as model_name, m.dimensions,
      array(select language from collection_languages l where l.collection_id = c.id and chunk_count > 0 order by chunk_count desc) as languages
    from collections c left join embedding_models m on m.id = c.model_id
    where ${name}::text is null or c.name = ${name} order by c.name`
}

async function claimCollection(sql: Sql, name: string, model: { name: string; dimensions: number }): Promise<void> {
  const modelId = await claimModel(sql, model)
  await sql`
    insert into collections (name, model_id) values (${name}, ${modelId})
    on conflict (name) do update set model_id = excluded.model_id where collections.model_id is null`
}

/**
 * The id of an embedding model, noted if new. What it makes keeps its length, as long as vectors of that length
 * are here: a first try with another EMBEDDING_DIMENSIONS must not bind anybody.
 */
export async function claimModel(sql: Sql, model: { readonly name: string; readonly dimensions: number }): Promise<number> {
  await sql`
    insert into embedding_models as m (name, dimensions) values (${model.name}, ${model.dimensions})
    on conflict (name) do update set dimensions = excluded.dimensions
      where m.dimensions <> excluded.dimensions and not exists (select from chunk_vectors v where v.model_id = m.id)`
  const [stored] = await sql`select id, dimensions from embedding_models where name = ${model.name}`
  if (Number(stored?.['dimensions']) !== model.dimensions) throw dimensionMismatch(model, Number(stored?.['dimensions']))
  return Number(stored?.['id'])
}

const nothingWritten: Written = { added: [], replaced: [], chunks: 0 }

async function replaceDocuments(tx: Sql, target: Collection, given: readonly PreparedDocument[], runId: string | null): Promise<Written> {
  const modelId = await lockCollection(tx, target.id)
  if (target.model && modelId !== target.model.id) throw switchedMeanwhile(target)
  const stored = await hashesOf(tx, given.map(document => document.id))
  const documents = given.filter(document => !stored.get(document.id)?.equals(document.hash))
  if (runId !== null && documents.length < given.length) await markChecked(tx, given.map(document => document.id), runId)
  if (documents.length === 0) return nothingWritten
  const chunks = await insertAll(tx, target, documents, runId)
  const [added, replaced] = [documents.filter(each => !stored.has(each.id)), documents.filter(each => stored.has(each.id))]
  const length = chunks.reduce((sum, { chunk }) => sum + chunk.length, 0)
  await bumpCollection(tx, target.id, { documents: added.length, chunks: chunks.length, terms: length })
  return { added: added.map(each => each.id), replaced: replaced.map(each => each.id), chunks: chunks.length }
}

/** Until the end of the transaction no other writer is in this collection. Returns the model of its vectors. */
async function lockCollection(tx: Sql, id: number): Promise<number | null> {
  const [row] = await tx`select model_id from collections where id = ${id} for update`
  return row?.['model_id'] == null ? null : Number(row['model_id'])
}

/** Looked at again under the lock: two writers may have found the same documents new. */
async function hashesOf(tx: Sql, ids: string[]): Promise<Map<string, Buffer>> {
  const rows = await tx`select id, hash from documents where id = any(${ids}::uuid[])`
  return new Map(rows.map(row => [String(row['id']), row['hash'] as Buffer]))
}

async function markChecked(sql: Sql, ids: readonly string[], runId: string): Promise<void> {
  await sql`update documents set checked_by = ${runId} where id = any(${ids as string[]}::uuid[])`
}

async function insertAll(tx: Sql, target: Collection, documents: readonly PreparedDocument[], runId: string | null): Promise<ChunkRow[]> {
  await dropChunks(tx, target.id, documents.map(document => document.id))
  await insertDocuments(tx, target.id, documents, runId)
  const chunks = documents.flatMap(document => document.chunks.map(chunk => ({ document, chunk })))
  await insertChunks(tx, target.id, chunks)
  if (target.model) await insertVectors(tx, target.id, target.model.id, chunks)
  await addTerms(tx, target.id, chunks.map(({ chunk }) => chunk.terms))
  await countLanguages(tx, target.id, chunks.map(({ chunk }) => chunk.language))
  return chunks
}

/** Documents deleted in one transaction: few enough that other writers need not wait long. */
const pruneBatch = 500

async function selectUnseen(tx: Sql, collectionId: number, roots: readonly string[], spared: readonly string[], runId: string): Promise<string[]> {
  const isUnder = (sources: readonly string[]) => tx`exists (
    select from unnest(${sources as string[]}::text[]) r
    where d.source = r or starts_with(d.source, r || '/') or starts_with(d.source, r || '#'))`
  const rows = await tx`
    select id from documents d where collection_id = ${collectionId} and checked_by <> ${runId}
      and ${isUnder(roots)} and not ${isUnder(spared)} limit ${pruneBatch}`
  return rows.map(row => String(row['id']))
}

async function deleteDocuments(tx: Sql, collectionId: number, ids: string[]): Promise<number> {
  if (ids.length === 0) return 0
  await dropChunks(tx, collectionId, ids)
  const { count } = await tx`delete from documents where id = any(${ids}::uuid[])`
  if (count > 0) await bumpCollection(tx, collectionId, { documents: -count, chunks: 0, terms: 0 })
  return count
}

/** Removes the chunks of these documents together with what they added to the collection's statistics. */
async function dropChunks(tx: Sql, collectionId: number, documentIds: string[]): Promise<void> {
  const [old] = await tx`
    select count(*)::int as chunks, coalesce(sum(length), 0)::bigint as terms from chunks where document_id = any(${documentIds}::uuid[])`
  if (!old || Number(old['chunks']) === 0) return
  await removeTerms(tx, collectionId, documentIds)
  await tx`delete from chunks where document_id = any(${documentIds}::uuid[])`
  await bumpCollection(tx, collectionId, { documents: 0, chunks: -Number(old['chunks']), terms: -Number(old['terms']) })
}

async function bumpCollection(tx: Sql, id: number, change: { documents: number; chunks: number; terms: number }): Promise<void> {
  await tx`
    update collections set epoch = epoch + 1, updated_at = now(), document_count = document_count + ${change.documents},
      chunk_count = chunk_count + ${change.chunks}, term_count = term_count + ${change.terms}
    where id = ${id}`
}

function collectionOf(row: Row): Collection {
  const model = row['model_id'] === null ? null
    : { id: Number(row['model_id']), name: String(row['model_name']), dimensions: Number(row['dimensions']) }
  return {
    id: Number(row['id']),
    name: String(row['name']),
    model,
    epoch: Number(row['epoch']),
    documentCount: Number(row['document_count']),
    chunkCount: Number(row['chunk_count']),
    languages: row['languages'] as string[],
    updatedAt: row['updated_at'] as Date,
  }
}

function documentOf(row: Row): StoredDocument {
  return {
    id: String(row['id']),
    collection: String(row['collection']),
    source: String(row['source']),
    version: Number(row['version']),
    title: String(row['title']),
    url: row['url'] as string | null,
    language: String(row['language']),
    metadata: row['metadata'] as StoredDocument['metadata'],
    text: String(row['text']),
    chunkCount: Number(row['chunk_count']),
    createdAt: row['created_at'] as Date,
    updatedAt: row['updated_at'] as Date,
  }
}

export function modelMismatch(collection: Pick<Collection, 'name' | 'model'>, configured: string): AskError {
  const made = settingOf(collection.model?.name ?? 'no model')
  const detail = `the vectors of collection "${collection.name}" were made by "${made}", but EMBEDDING_MODEL is "${settingOf(configured)}": `
    + `set EMBEDDING_MODEL=${made}, or make them anew with: askwell reembed --collection ${collection.name}`
  return new AskError('model_mismatch', { detail })
}

/** How a model is written in EMBEDDING_MODEL: the one in the package has a name beside its vectors that nobody sets. */
function settingOf(model: string): string {
  return model === localModel ? 'local' : model
}

function switchedMeanwhile({ name, model }: Collection): AskError {
  const detail = `the vectors of collection "${name}" were switched away from "${settingOf(model?.name ?? '')}" meanwhile: start again with the EMBEDDING_MODEL they have now`
  return new AskError('model_mismatch', { detail })
}

function dimensionMismatch(model: { name: string; dimensions: number }, stored: number): AskError {
  const detail = `"${model.name}" made vectors of ${stored} numbers before and makes ${model.dimensions} now: `
    + `set EMBEDDING_DIMENSIONS=${stored}, or give the model another name`
  return new AskError('model_mismatch', { detail })
}
