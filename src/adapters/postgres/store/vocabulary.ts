import type { KnownTerms } from '../../../ask/retrieval/respell.ts'
import type { Database, Sql } from '../database.ts'
import { inlineNumber } from '../inline-number.ts'
import { tracedSql } from '../sql-span.ts'

/** Which of some terms the chunks of a collection have: lookups in the primary key. */
export function knownTermsIn(database: Pick<Database, 'lease'>): KnownTerms {
  return async ({ collection, terms }, { signal, deadline }) =>
    await database.lease({ signal, deadline, label: 'retrieve' }, async sql => {
      const rows = await tracedSql(
        sql,
        'SELECT collection_terms',
        sql`select term from collection_terms where collection_id = ${inlineNumber(sql, collection.id)} and term = any(${[...terms]}::text[])`,
      )
      return new Set(rows.map(row => String(row['term'])))
    })
}

/**
 * Maintains the collection's statistics for BM25. Every write updates them in its own transaction, so no term counts a
 * deleted chunk. Rows are updated in term order.
 */
export async function addTerms(tx: Sql, collectionId: number, chunks: readonly (readonly string[])[]): Promise<void> {
  const counts = new Map<string, number>()
  for (const terms of chunks) for (const term of new Set(terms)) counts.set(term, (counts.get(term) ?? 0) + 1)
  if (counts.size === 0) return
  const sorted = [...counts.keys()].sort()
  await tx`
    insert into collection_terms (collection_id, term, chunk_count)
    select ${collectionId}, u.term, u.count from unnest(${sorted}::text[], ${sorted.map(term => counts.get(term) ?? 0)}::int[]) as u(term, count)
    on conflict (collection_id, term) do update set chunk_count = collection_terms.chunk_count + excluded.chunk_count`
}

/** Removes the chunks of these documents from the statistics; call it before the chunks are deleted. */
export async function removeTerms(tx: Sql, collectionId: number, documentIds: string[]): Promise<void> {
  const left = await tx`
    with gone as (
      select t.lexeme as term, count(*)::int as chunks
      from chunks c cross join lateral unnest(c.terms) t where c.document_id = any(${documentIds}::uuid[]) group by t.lexeme)
    update collection_terms t set chunk_count = t.chunk_count - gone.chunks
    from gone where t.collection_id = ${collectionId} and t.term = gone.term
    returning t.term, t.chunk_count`
  const unused = left.filter(row => Number(row['chunk_count']) <= 0).map(row => String(row['term']))
  if (unused.length > 0)
    await tx`delete from collection_terms where collection_id = ${collectionId} and term = any(${unused}::text[])`
  await tx`
    with gone as (select language, count(*) as chunks from chunks where document_id = any(${documentIds}::uuid[]) group by language)
    update collection_languages l set chunk_count = l.chunk_count - gone.chunks
    from gone where l.collection_id = ${collectionId} and l.language = gone.language`
  await tx`delete from collection_languages where collection_id = ${collectionId} and chunk_count <= 0`
}

export async function countLanguages(tx: Sql, collectionId: number, languages: readonly string[]): Promise<void> {
  const counts = new Map<string, number>()
  for (const language of languages) counts.set(language, (counts.get(language) ?? 0) + 1)
  if (counts.size === 0) return
  await tx`
    insert into collection_languages (collection_id, language, chunk_count)
    select ${collectionId}, u.language, u.count from unnest(${[...counts.keys()]}::text[], ${[...counts.values()]}::int[]) as u(language, count)
    on conflict (collection_id, language) do update set chunk_count = collection_languages.chunk_count + excluded.chunk_count`
}
