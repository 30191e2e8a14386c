import { AskError } from '../../../errors.ts'
import { codeOf } from '../errors.ts'
import type { Fragment, Sql } from '../database.ts'

/** What finds the chunks that BM25 then scores: the index of the extension, or an ordinary GIN index. */
export type Bm25 = 'pg_textsearch' | 'portable'

/** `auto` uses the extension if the database has it (`create extension pg_textsearch`). */
export type WantedBm25 = Bm25 | 'auto'

/**
 * Decides which of the two this database uses and creates what it needs; the first time on a large database that takes
 * minutes. Rejects with `database_unavailable` and what to do if the extension is requested but not available.
 *
 * The extension counts words over its whole index, including dead rows. So it only finds candidates. Scores always come
 * from the collection's own statistics (bm25-search.ts), and a term includes its collection's id, so that words of
 * other collections do not interfere.
 */
export async function openBm25(sql: Sql, wanted: WantedBm25, isReadOnly = false): Promise<Bm25> {
  if (isReadOnly) return await preparedBm25(sql, wanted)
  const [installed] = await sql`select extversion from pg_extension where extname = 'pg_textsearch'`
  if (wanted === 'portable' || (wanted === 'auto' && !installed)) {
    await sql`drop index if exists chunks_bm25`
    return 'portable'
  }
  if (!installed) await install(sql)
  if (!(await isPrepared(sql))) await prepare(sql)
  return 'pg_textsearch'
}

/** For a read-only database: what already exists. */
async function preparedBm25(sql: Sql, wanted: WantedBm25): Promise<Bm25> {
  if (wanted === 'portable') return 'portable'
  if (await isPrepared(sql)) return 'pg_textsearch'
  if (wanted === 'auto') return 'portable'
  const detail =
    'BM25 is "pg_textsearch", but the database lacks its index and is read-only: start Askwell on the primary once, or set BM25=portable'
  throw new AskError('database_read_only', { detail })
}

async function isPrepared(sql: Sql): Promise<boolean> {
  const [row] =
    await sql`select to_regclass('chunks_bm25') is not null and to_regproc('bm25_chunks') is not null as ready`
  return row?.['ready'] === true
}

async function install(sql: Sql): Promise<void> {
  try {
    await sql`create extension pg_textsearch`
  } catch (cause) {
    const detail =
      `BM25 is "pg_textsearch", but the database cannot load it (${codeOf(cause) ?? 'unknown reason'}): ` +
      'install it (Postgres 17 or newer), add it to shared_preload_libraries and restart, or set BM25=portable'
    throw new AskError('database_unavailable', { detail, cause })
  }
}

/** Encodes a word so that the extension's parser keeps it whole: letters and digits that represent its bytes. */
const encoded = (collection: string, term: string) =>
  `'c' || ${collection} || 'x' || encode(convert_to(${term}, 'UTF8'), 'hex')`

async function prepare(sql: Sql): Promise<void> {
  await sql.begin(async tx => {
    await tx.unsafe(`
      create or replace function bm25_text(collection integer, terms tsvector) returns text language sql immutable parallel safe as $$
        select string_agg(repeat(${encoded('collection', 'lexeme')} || ' ', cardinality(positions)), '') from unnest(terms) $$`)
    await tx.unsafe(
      `create index if not exists chunks_bm25 on chunks using bm25 (bm25_text(collection_id, terms)) with (text_config = 'simple')`,
    )
    // A separate function because its plan must be the index scan, whatever the estimate for the filter: any other plan
    // computes a score for every row.
    await tx.unsafe(`
      create or replace function bm25_chunks(collection integer, words text, path jsonpath, wanted integer) returns setof bigint
      language plpgsql stable set enable_sort = off set enable_seqscan = off set enable_bitmapscan = off as $$
      begin
        return query select c.id from chunks c where c.collection_id = collection and (path is null or (select d.metadata @@ path from documents d where d.id = c.document_id))
          order by bm25_text(c.collection_id, c.terms) <@> to_bm25query(words, 'chunks_bm25') limit wanted;
      end $$`)
  })
}

/** The chunks that the extension ranks best: more than requested, because the order is not final yet. */
export function textsearchCandidates(
  sql: Sql,
  search: { readonly collectionId: number; readonly limit: number },
  path: string | null,
): Fragment {
  const { collectionId, limit } = search
  return sql`
    select k.id from
      (select string_agg(${sql.unsafe(encoded(String(collectionId), 'term'))}, ' ') as words from asked having count(*) > 0) a
      cross join lateral bm25_chunks(${collectionId}, a.words, ${path}::jsonpath, ${limit * candidatesPerRow}) as k(id)`
}

const candidatesPerRow = 4
