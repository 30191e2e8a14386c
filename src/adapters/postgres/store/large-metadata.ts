import type { Sql } from '../database.ts'

/** Counting stops beyond this number. */
export const mostLarge = 1000

/**
 * Counts documents whose metadata exceeds the current limit (16 kB of JSON), up to one above {@link mostLarge}; they
 * were written before the limit existed. An index with only these documents finds them. Postgres prints a space after
 * each comma and colon, which is subtracted here.
 */
export async function countLargeMetadata(sql: Sql): Promise<number> {
  const [row] = await sql`
    select count(*)::int as count
    from (select metadata from documents where octet_length(metadata::text) > 16384 limit ${mostLarge + 1}) d
    where octet_length(d.metadata::text) - (
      select sum(case jsonb_typeof(part)
        when 'object' then greatest(0, 2 * (select count(*) from jsonb_object_keys(part)) - 1)
        when 'array' then greatest(0, jsonb_array_length(part) - 1) else 0 end)
      from jsonb_path_query(d.metadata, 'strict $.**') part) > 16384`
  return Number(row?.['count'])
}
