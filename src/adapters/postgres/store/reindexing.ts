import type {
  ChunkPlace,
  Original,
  PendingDocument,
  PreparationMarks,
  ReindexStore,
  StoredForReindex,
} from '../../../ingest/terms.ts'
import type { Database, Sql } from '../database.ts'
import type { Row } from '../driver.ts'
import { retryConflicts } from '../retry-conflicts.ts'
import type { DocumentStore } from './documents.ts'
import { isOutdated } from './outdated.ts'

/** The documents of a collection to prepare again: those without one of the marks, or all if they are null. */
export function createReindexStore(
  database: Pick<Database, 'lease'>,
  store: Pick<DocumentStore, 'reopenCollection' | 'rewrite'>,
  { marks, signal }: { readonly marks: PreparationMarks | null; readonly signal: AbortSignal },
): ReindexStore {
  const run = <T>(work: (sql: Sql) => Promise<T>): Promise<T> =>
    retryConflicts(signal, () => database.lease({ signal, label: 'reindex' }, work))
  const isPending = (sql: Sql, collectionId: number) =>
    marks === null
      ? sql`true`
      : isOutdated(sql, marks, sql`(select chunk_mark from collections where id = ${collectionId})`)

  async function pending(collectionId: number) {
    const [row] = await run(
      async sql => sql`
      select count(*)::int as documents, coalesce(sum(t.tokens), 0)::bigint as tokens
      from documents d cross join lateral (select sum(c.tokens) as tokens from chunks c where c.document_id = d.id) t
      where d.collection_id = ${collectionId} and ${isPending(sql, collectionId)}`,
    )
    return { documents: Number(row?.['documents']), tokens: Number(row?.['tokens']) }
  }

  /** In the order of their sources, whose index makes each batch as quick as the first. */
  async function next(collectionId: number, after: string, limit: number): Promise<PendingDocument[]> {
    const rows = await run(
      async sql => sql`
      select d.id, d.source, octet_length(d.text) + coalesce(octet_length(o.content), 0) as bytes
      from documents d left join originals o on o.document_id = d.id
      where d.collection_id = ${collectionId} and d.source > ${after} and ${isPending(sql, collectionId)} order by d.source limit ${limit}`,
    )
    return rows.map(row => ({ id: String(row['id']), source: String(row['source']), bytes: Number(row['bytes']) }))
  }

  async function read(ids: readonly string[]): Promise<StoredForReindex[]> {
    return await run(async sql => {
      const rows = await sql`
        select d.*, o.kind, o.content from documents d left join originals o on o.document_id = d.id and o.hash = d.hash
        where d.id = any(${ids as string[]}::uuid[]) order by d.source`
      const places = await placesIn(
        sql,
        rows.filter(row => row['content'] === null).map(row => String(row['id'])),
      )
      return rows.map(row => storedOf(row, places.get(String(row['id'])) ?? []))
    })
  }

  const open: ReindexStore['open'] = async (name, model) => await store.reopenCollection(name, model, signal)

  return { open, pending, next, read, rewrite: store.rewrite }
}

async function placesIn(sql: Sql, ids: readonly string[]): Promise<Map<string, ChunkPlace[]>> {
  const places = new Map<string, ChunkPlace[]>()
  if (ids.length === 0) return places
  const rows = await sql`
    select document_id, start_at, end_at, title, anchor, page from chunks
    where document_id = any(${ids as string[]}::uuid[]) order by document_id, ordinal`
  for (const row of rows) {
    const id = String(row['document_id'])
    const place = {
      start: Number(row['start_at']),
      end: Number(row['end_at']),
      title: String(row['title']),
      anchor: row['anchor'] as string | null,
      page: row['page'] as number | null,
    }
    const before = places.get(id)
    if (before) before.push(place)
    else places.set(id, [place])
  }
  return places
}

function storedOf(row: Row, places: readonly ChunkPlace[]): StoredForReindex {
  return {
    id: String(row['id']),
    hash: row['hash'] as Buffer,
    document: {
      source: String(row['source']),
      title: String(row['title']),
      url: row['url'] as string | null,
      language: String(row['language']),
      metadata: row['metadata'] as StoredForReindex['document']['metadata'],
      text: String(row['text']),
      original:
        row['content'] === null ? null : { kind: row['kind'] as Original['kind'], content: row['content'] as Buffer },
      places,
    },
  }
}
