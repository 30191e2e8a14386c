import type {
  Collection,
  PreparationMarks,
  PreparedDocument,
  PruneScope,
  StoredDocument,
  Written,
} from '../../../ingest/terms.ts'
import type { Embedder } from '../../../ask/retrieval/embedder.ts'
import { createCollectionStore, deletedMeanwhile, switchedMeanwhile } from './collections.ts'
import { fullPace, type Step } from '../../../resilience/pace.ts'
import { createTurns } from '../../../resilience/turns.ts'
import type { Database, Sql } from '../database.ts'
import type { Row } from '../driver.ts'
import { retryConflicts } from '../retry-conflicts.ts'
import {
  insertChunks,
  insertDocuments,
  insertVectors,
  isSeenSince,
  keepsCheck,
  laterMark,
  type ChunkRow,
} from './document-rows.ts'
import { selectPreparedness } from './outdated.ts'
import { writeOriginals } from './originals.ts'
import { noteMissing } from './missing-vectors.ts'
import { insertUnits } from './units.ts'
import { addTerms, countLanguages, removeTerms } from './vocabulary.ts'

export type DocumentStore = ReturnType<typeof createDocumentStore>

/** For leases without a request (the command line); never aborts. */
const always = new AbortController().signal
/** The largest upload is thousands of rows in one transaction, queued behind other writers of the collection. */
const holdLimitMs = 10 * 60_000

export interface DocumentStoreOptions {
  /** Runs each batch of rows. */
  readonly step?: Step
  /** Connections that writers may hold at a time. */
  readonly writersAtOnce?: number
}

/**
 * The write side. Every write is one transaction that first locks the collection's row: writers of a collection run one
 * after another, its epoch and statistics change together with its documents, and readers see either all of a document
 * or nothing. Writers of one collection wait for each other here, not at its lock: there each of them would hold a
 * connection, until none was left for questions.
 */
export function createDocumentStore(
  database: Pick<Database, 'lease'>,
  { step = fullPace, writersAtOnce = Infinity }: DocumentStoreOptions = {},
) {
  const turns = createTurns(writersAtOnce)
  const lease = <T>(label: string, work: (sql: Sql) => Promise<T>, signal = always) =>
    database.lease({ signal, label, holdLimitMs }, work)

  const writing = <T>(collectionId: number, work: (sql: Sql) => Promise<T>, signal: AbortSignal) =>
    turns.run(collectionId, signal, () => retryConflicts(signal, () => lease('write', work, signal)))

  /** Id and hash of the sources that are already stored. */
  async function known(collectionId: number, sources: readonly string[], signal = always) {
    const rows = await lease(
      'known',
      sql => sql`
      select id, source, hash from documents where collection_id = ${collectionId} and source = any(${sources as string[]}::text[])`,
      signal,
    )
    return new Map(rows.map(row => [String(row['source']), { id: String(row['id']), hash: row['hash'] as Buffer }]))
  }

  async function write(
    target: Collection,
    documents: readonly PreparedDocument[],
    runId: string | null,
    signal = always,
  ): Promise<Written> {
    return await replace(target, documents, { runId, step }, signal)
  }

  async function replace(
    target: Collection,
    documents: readonly PreparedDocument[],
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<Written> {
    if (documents.length === 0) return nothingWritten
    const work = (sql: Sql) => sql.begin(tx => replaceDocuments(tx as unknown as Sql, target, documents, options))
    return await writing(target.id, work, signal)
  }

  /**
   * Writes documents that were prepared again, if they are still stored with the hash that they were prepared from:
   * whoever wrote one meanwhile, or deleted it, has the last word. Returns the ids of those that were written.
   */
  async function rewrite(
    target: Collection,
    documents: readonly PreparedDocument[],
    expected: ReadonlyMap<string, Buffer>,
    signal = always,
  ): Promise<readonly string[]> {
    return (await replace(target, documents, { runId: null, step, expected }, signal)).replaced
  }

  /** Marks unchanged documents as seen by this run, so that `prune` keeps them. */
  async function markSeen(ids: readonly string[], runId: string, signal = always): Promise<void> {
    await retryConflicts(signal, () => lease('write', sql => markChecked(sql, ids, runId), signal))
  }

  /**
   * Deletes documents under the roots that neither this run nor a later one saw. Keeps the spared ones and those
   * uploaded over HTTP, which no run can see. Returns how many were deleted.
   */
  async function prune(target: Collection, scope: PruneScope, signal = always): Promise<number> {
    let removed = 0
    for (;;) {
      const count = await writing(
        target.id,
        sql => sql.begin(tx => deleteUnseen(tx as unknown as Sql, target, scope)),
        signal,
      )
      removed += count
      if (count < pruneBatch) return removed
    }
  }

  async function remove(id: string, signal = always): Promise<boolean> {
    const [row] = await lease('documents', sql => sql`select collection_id from documents where id = ${id}`, signal)
    if (!row) return false
    const collectionId = Number(row['collection_id'])
    return await writing(
      collectionId,
      sql =>
        sql.begin(async transaction => {
          const tx = transaction as unknown as Sql
          await lockCollection(tx, collectionId)
          return (await deleteDocuments(tx, collectionId, [id])) > 0
        }),
      signal,
    )
  }

  const get = async (id: string, signal = always): Promise<StoredDocument | null> =>
    await lease('documents', sql => selectDocument(sql, id), signal)

  const preparedness = async (marks: PreparationMarks, languages: Embedder['languages'], signal = always) =>
    await lease('documents', sql => selectPreparedness(sql, marks, languages), signal)

  return { ...createCollectionStore(database), known, write, rewrite, markSeen, prune, remove, get, preparedness }
}

async function selectDocument(sql: Sql, id: string): Promise<StoredDocument | null> {
  const [row] = await sql`
    select d.*, c.name as collection, (select count(*)::int from chunks k where k.document_id = d.id) as chunk_count
    from documents d join collections c on c.id = d.collection_id where d.id = ${id}`
  return row ? documentOf(row) : null
}

const nothingWritten: Written = { added: [], replaced: [], chunks: 0 }

interface WriteOptions {
  /** Of the load that writes; null over HTTP. */
  readonly runId: string | null
  readonly step: Step
  /** Hashes that the documents must have now, if they are prepared again. */
  readonly expected?: ReadonlyMap<string, Buffer>
}

async function replaceDocuments(
  tx: Sql,
  target: Collection,
  prepared: readonly PreparedDocument[],
  options: WriteOptions,
): Promise<Written> {
  const { runId, expected } = options
  const locked = await lockCollection(tx, target.id)
  if (locked?.name !== target.name) throw deletedMeanwhile(target)
  if (target.model && locked.model !== target.model.name) throw switchedMeanwhile(target)
  const stored = await hashesOf(
    tx,
    prepared.map(document => document.id),
  )
  const documents = prepared.filter(({ id, hash }) => {
    const current = stored.get(id)
    return expected === undefined ? !current?.equals(hash) : current?.equals(expected.get(id) ?? noHash)
  })
  if (runId !== null && documents.length < prepared.length)
    await markChecked(
      tx,
      prepared.map(document => document.id),
      runId,
    )
  if (documents.length === 0) return nothingWritten
  const chunks = await insertAll(tx, target, documents, options)
  const [added, replaced] = [
    documents.filter(each => !stored.has(each.id)),
    documents.filter(each => stored.has(each.id)),
  ]
  const length = chunks.reduce((sum, { chunk }) => sum + chunk.length, 0)
  const windows = chunks.reduce((sum, { chunk }) => sum + chunk.vectors.length, 0)
  await bumpCollection(tx, target.id, {
    documents: added.length,
    chunks: chunks.length,
    terms: length,
    windows: target.model ? windows : 0,
  })
  return { added: added.map(each => each.id), replaced: replaced.map(each => each.id), chunks: chunks.length }
}

const noHash = Buffer.alloc(0)

/**
 * Locks the collection against other writers until the end of the transaction. Returns its name and the name of its
 * vectors' model, because after a restore an id may belong to another collection; undefined if it is gone.
 */
async function lockCollection(
  tx: Sql,
  id: number,
): Promise<{ readonly name: string; readonly model: string | null } | undefined> {
  const [row] = await tx`
    select c.name, (select m.name from embedding_models m where m.id = c.model_id) as model from collections c where id = ${id} for update`
  return row && { name: String(row['name']), model: row['model'] as string | null }
}

/** Read again under the lock: two writers may have found the same documents new. */
async function hashesOf(tx: Sql, ids: string[]): Promise<Map<string, Buffer>> {
  const rows = await tx`select id, hash from documents where id = any(${ids}::uuid[])`
  return new Map(rows.map(row => [String(row['id']), row['hash'] as Buffer]))
}

async function markChecked(sql: Sql, ids: readonly string[], runId: string): Promise<void> {
  await sql`update documents d set checked_by = ${laterMark(sql, runId)} where id = any(${ids as string[]}::uuid[])`
}

async function insertAll(
  tx: Sql,
  target: Collection,
  documents: readonly PreparedDocument[],
  { runId, step, expected }: WriteOptions,
): Promise<ChunkRow[]> {
  await dropChunks(
    tx,
    target.id,
    documents.map(document => document.id),
  )
  const checkedBy = expected === undefined ? runId : keepsCheck
  await insertDocuments(tx, target.id, documents, checkedBy)
  await writeOriginals(tx, documents, step)
  const chunks = documents.flatMap(document => document.chunks.map(chunk => ({ document, chunk })))
  await insertChunks(tx, target.id, chunks, step)
  if (target.model) {
    const ids = { collectionId: target.id, modelId: target.model.id }
    await insertVectors(tx, ids, chunks, step)
    await insertUnits(tx, ids, chunks, step)
    const lacking = documents.reduce((sum, { lackingVectors = 0 }) => sum + lackingVectors, 0)
    if (lacking > 0) await noteMissing(tx, ids, lacking)
  }
  await addTerms(
    tx,
    target.id,
    chunks.map(({ chunk }) => chunk.terms),
  )
  await countLanguages(
    tx,
    target.id,
    chunks.map(({ chunk }) => chunk.language),
  )
  return chunks
}

/** Documents deleted per transaction: few enough that other writers need not wait long. */
const pruneBatch = 500

async function deleteUnseen(tx: Sql, target: Collection, scope: PruneScope): Promise<number> {
  if ((await lockCollection(tx, target.id))?.name !== target.name) throw deletedMeanwhile(target)
  return await deleteDocuments(tx, target.id, await selectUnseen(tx, target.id, scope))
}

async function selectUnseen(tx: Sql, collectionId: number, { roots, spared, runId }: PruneScope): Promise<string[]> {
  const isUnder = (sources: readonly string[]) => tx`exists (
    select from unnest(${sources as string[]}::text[]) r
    where d.source = r or starts_with(d.source, r || '/') or starts_with(d.source, r || '#'))`
  const rows = await tx`
    select id from documents d where collection_id = ${collectionId} and checked_by is not null and not ${isSeenSince(tx, runId)}
      and ${isUnder(roots)} and not ${isUnder(spared)} limit ${pruneBatch} for update`
  return rows.map(row => String(row['id']))
}

async function deleteDocuments(tx: Sql, collectionId: number, ids: string[]): Promise<number> {
  if (ids.length === 0) return 0
  await dropChunks(tx, collectionId, ids)
  const { count } = await tx`delete from documents where id = any(${ids}::uuid[])`
  if (count > 0) await bumpCollection(tx, collectionId, { documents: -count, chunks: 0, terms: 0, windows: 0 })
  return count
}

/** Removes the chunks of these documents and what they added to the collection's statistics. */
async function dropChunks(tx: Sql, collectionId: number, documentIds: string[]): Promise<void> {
  const [old] = await tx`
    select count(*)::int as chunks, coalesce(sum(length), 0)::bigint as terms, coalesce(sum(w.count), 0)::bigint as windows
    from chunks c cross join lateral (
      select count(*) from chunk_vectors v join collections o on o.id = ${collectionId} and o.model_id = v.model_id where v.chunk_id = c.id) w
    where document_id = any(${documentIds}::uuid[])`
  if (!old || Number(old['chunks']) === 0) return
  await removeTerms(tx, collectionId, documentIds)
  await tx`delete from chunks where document_id = any(${documentIds}::uuid[])`
  await bumpCollection(tx, collectionId, {
    documents: 0,
    chunks: -Number(old['chunks']),
    terms: -Number(old['terms']),
    windows: -Number(old['windows']),
  })
}

/** Changes of the collection's counts by a write. */
interface Change {
  readonly documents: number
  readonly chunks: number
  readonly terms: number
  readonly windows: number
}

async function bumpCollection(tx: Sql, id: number, change: Change): Promise<void> {
  await tx`
    update collections set epoch = epoch + 1, updated_at = now(), document_count = document_count + ${change.documents},
      chunk_count = chunk_count + ${change.chunks}, term_count = term_count + ${change.terms}, window_count = window_count + ${change.windows}
    where id = ${id}`
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
