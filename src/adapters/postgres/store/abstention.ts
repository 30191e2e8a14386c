import type { CollectionAbstention } from '../../../ask/terms/collection.ts'
import type { Sql } from '../database.ts'

/**
 * Titles and headings of random chunks, each with its document's title in front, and their languages. A chunk that joins
 * small sections has a heading for each.
 */
export async function sampleTitles(
  sql: Sql,
  collectionId: number,
  count: number,
): Promise<{ readonly title: string; readonly language: string }[]> {
  const rows = await sql`
    select title, language from (
      select distinct on (t.title) t.title, c.language
      from chunks c cross join lateral (
        select c.title
        union all
        select array_to_string(array[c.title] || array(select jsonb_array_elements_text(s->'headings')), ${separator})
        from jsonb_array_elements(c.sections) s where c.sections is not null) t
      where c.collection_id = ${collectionId} and t.title <> '' order by t.title) as each
    order by random() limit ${count}`
  return rows.map(row => ({ title: String(row['title']), language: String(row['language']) }))
}

/** Between the title of a document and its headings. */
const separator = ' › '

/** Stores the collection's own thresholds; null removes them. Returns false if there is no such collection. */
export async function writeAbstention(sql: Sql, name: string, own: CollectionAbstention | null): Promise<boolean> {
  const rows = await sql`
    update collections set abstention = ${own === null ? null : JSON.stringify(own)}::text::jsonb where name = ${name} returning id`
  return rows.length > 0
}

/** Undefined for thresholds of another form, which a later version may have stored. */
export function abstentionOf(stored: unknown): CollectionAbstention | undefined {
  const { hopeless, doubtful, lose, questions, isJudged } = (stored ?? {}) as Partial<CollectionAbstention>
  const isWhole = [hopeless, doubtful, lose, questions].every(value => typeof value === 'number')
  return isWhole && typeof isJudged === 'boolean'
    ? ({ hopeless, doubtful, lose, questions, isJudged } as CollectionAbstention)
    : undefined
}
