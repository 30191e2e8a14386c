import type { PreparationMarks, Preparedness } from '../../../ingest/terms.ts'
import type { Embedder } from '../../../ask/retrieval/embedder.ts'
import type { Fragment, Sql } from '../database.ts'

/** Counting stops at this number, per collection. */
const mostOutdated = 100_000

/** The mark at the beginning of the hash of the document `d`; empty for those of older versions. As in the index. */
function markOf(sql: Sql) {
  return sql`(case when octet_length(d.hash) = 36 then substring(d.hash for 4) else ''::bytea end)`
}

/**
 * Whether an older version prepared the document `d`, or this one with other settings than those of the mark
 * `settings`. As ranges, because an index finds these and not what is unequal.
 */
export function isOutdated(sql: Sql, { read, restored }: PreparationMarks, settings: Fragment) {
  const [first, second] = Buffer.compare(read, restored) < 0 ? [read, restored] : [restored, read]
  const [low, high] = [sql`(${first}::bytea || ${settings})`, sql`(${second}::bytea || ${settings})`]
  return sql`(${markOf(sql)} < ${low} or (${markOf(sql)} > ${low} and ${markOf(sql)} < ${high}) or ${markOf(sql)} > ${high})`
}

export async function selectPreparedness(
  sql: Sql,
  marks: PreparationMarks,
  languages: Embedder['languages'],
): Promise<Map<string, Preparedness>> {
  const rows = await sql`
    select c.name,
      (select count(*)::int from (
        select from documents d where d.collection_id = c.id and ${isOutdated(sql, marks, sql`c.chunk_mark`)} limit ${mostOutdated}) o) as outdated,
      (select count(*)::int from (
        select from documents d where d.collection_id = c.id and ${markOf(sql)} = ${marks.restored}::bytea || c.chunk_mark limit ${mostOutdated}) s) as stored,
      (select count(*)::int from chunk_units u where u.collection_id = c.id and u.model_id = c.model_id) as with_units,
      (select count(*)::int from (
        select from chunk_vectors v where v.collection_id = c.id and v.model_id = c.model_id and v.window_number = 0
          and not exists (select from chunk_units u where u.chunk_id = v.chunk_id and u.model_id = v.model_id) limit ${mostOutdated}) n) as lacking_units,
      exists (select from unit_fillings f where f.collection_id = c.id and f.model_id = c.model_id) as is_filling
    from collections c`
  const bare = rows.some(row => row['is_filling'] === true)
    ? await selectLackingVectors(sql, languages)
    : new Map<string, number>()
  return new Map(
    rows.map(row => [
      String(row['name']),
      {
        outdated: Number(row['outdated']),
        fromStoredText: Number(row['stored']),
        lackingVectors: bare.get(String(row['name'])) ?? 0,
        withUnits: Number(row['with_units']),
        lackingUnits: Number(row['lacking_units']),
        isFilling: row['is_filling'] === true,
      },
    ]),
  )
}

/** Chunks without vectors that the model can read, of the collections that have something to be filled in. */
async function selectLackingVectors(sql: Sql, languages: Embedder['languages']): Promise<ReadonlyMap<string, number>> {
  const readable = languages === 'any' ? null : [...languages]
  const rows = await sql`
    select c.name, (select count(*)::int from (
      select from chunks k where k.collection_id = c.id and (${readable}::text[] is null or k.language = any(${readable}::text[]))
        and not exists (select from chunk_vectors v where v.chunk_id = k.id and v.model_id = c.model_id) limit ${mostOutdated}) b) as count
    from unit_fillings f join collections c on c.id = f.collection_id and c.model_id = f.model_id`
  return new Map(rows.map(row => [String(row['name']), Number(row['count'])]))
}

/** Counting over all collections stops beyond this number. */
export const mostReported = 1000

/** Counts outdated documents of all collections, up to one above {@link mostReported}. */
export async function countOutdated(sql: Sql, marks: PreparationMarks): Promise<number> {
  const [row] = await sql`
    select count(*)::int as count from (
      select from collections c cross join lateral (
        select from documents d where d.collection_id = c.id and ${isOutdated(sql, marks, sql`c.chunk_mark`)} limit ${mostReported + 1}) o
      limit ${mostReported + 1}) all_of_them`
  return Number(row?.['count'])
}
