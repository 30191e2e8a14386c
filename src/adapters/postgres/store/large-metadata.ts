import type { Sql } from '../database.ts'

/** More are not counted. */
export const mostLarge = 1000

/**
 * Documents with more metadata than is stored by now (16 kB of JSON), up to one above {@link mostLarge}: they were written
 * before there was a bound. Found by an index that has only those; Postgres prints a blank behind each comma and colon, which
 * are taken off here.
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
