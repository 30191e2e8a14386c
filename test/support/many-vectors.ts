import type { Sql } from '../../src/adapters/postgres/database.ts'

/** Enough vectors for an index to pay off, and for one in seven thousand to be rare. */
export const manyVectors = 20_500

/**
 * Fills a collection "many" with vectors of the local model, in clusters of a hundred like those of real texts, so that
 * a search that stops early misses some.
 */
export async function fillWithVectors(sql: Sql, count = manyVectors): Promise<void> {
  await sql`select setseed(0.42)`
  await sql`insert into embedding_models (name, dimensions) values ('use-lite-en', 512)`
  await sql`
    insert into collections (name, model_id, document_count, chunk_count, window_count, term_count)
    select 'many', id, 4, ${count}, ${count}, ${count} from embedding_models`
  await sql`
    insert into documents (id, collection_id, source, hash, title, language, text, metadata)
    select gen_random_uuid(), id, 'all ' || rare || third, 'x', 'All', 'en', 'A sentence about redirects. Another about hooks.', jsonb_build_object('rare', rare, 'third', third)
    from collections, unnest(array[true, false]) rare, unnest(array[true, false]) third`
  await sql`
    insert into chunks (document_id, collection_id, ordinal, start_at, end_at, title, language, text, terms, length, tokens)
    select d.id, d.collection_id, n, 0, 48, 'All', 'en', d.text, 'hook:1', 1, 10
    from generate_series(1, ${count}::int) n join documents d on d.metadata = jsonb_build_object('rare', n % 7000 = 0, 'third', n % 3 = 0)`
  await sql`create temp table centres as select c, array(select random() - 0.5 from generate_series(1, 512) where c > 0) as at from generate_series(1, 200) c`
  await sql`
    insert into chunk_vectors (chunk_id, model_id, collection_id, window_number, start_at, end_at, embedding)
    select k.id, o.model_id, k.collection_id, 0, 0, 48, array(select (v + (random() - 0.5) * 0.9)::real from unnest(c.at) v where k.id > 0)::halfvec
    from chunks k join collections o on o.id = k.collection_id join centres c on c.c = 1 + k.ordinal % 200`
}
