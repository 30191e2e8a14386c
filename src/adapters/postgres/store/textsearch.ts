import { AskError } from '../../../errors.ts'
import { codeOf } from '../errors.ts'
import type { Fragment, Sql } from '../database.ts'

/** What finds the chunks that BM25 then scores: the extension's own index, or an ordinary GIN index everywhere else. */
export type Bm25 = 'pg_textsearch' | 'portable'

/** `auto`: the extension where the database has it (`create extension pg_textsearch`). */
export type WantedBm25 = Bm25 | 'auto'

/**
 * Settles which of the two this database uses, and makes what it needs: the first time on a large database that takes
 * minutes. Rejects with `database_unavailable` and the way out when the extension is asked for and cannot be had.
 *
 * The extension counts words over its whole index and dead rows with them. So it only finds candidates; scores come
 * from the collection's own statistics either way (bm25-search.ts), and a term carries its collection's number, so
 * that no other collection's words are in its way.
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

/** What is there already, of a database that takes no writes. */
async function preparedBm25(sql: Sql, wanted: WantedBm25): Promise<Bm25> {
  if (wanted === 'portable') return 'portable'
  if (await isPrepared(sql)) return 'pg_textsearch'
  if (wanted === 'auto') return 'portable'
  const detail =
    'BM25 is "pg_textsearch", but the database lacks its index and takes no writes: start Askwell on the primary once, or set BM25=portable'
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

/** A word as the extension's parser leaves it alone: letters and digits that stand for its bytes. */
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
    // A function of its own because its plan must be the index scan whatever the filter is guessed to let through:
    // any other computes a score for every row.
    await tx.unsafe(`
      create or replace function bm25_chunks(collection integer, words text, path jsonpath, wanted integer) returns setof bigint
      language plpgsql stable set enable_sort = off set enable_seqscan = off set enable_bitmapscan = off as $$
      begin
        return query select c.id from chunks c where c.collection_id = collection and (path is null or (select d.metadata @@ path from documents d where d.id = c.document_id))
          order by bm25_text(c.collection_id, c.terms) <@> to_bm25query(words, 'chunks_bm25') limit wanted;
      end $$`)
  })
}

/** Chunks that the extension finds best: more than are wanted, because their order is not yet the final one. */
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
