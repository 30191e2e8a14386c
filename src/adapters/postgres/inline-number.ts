import type { Fragment, Sql } from './database.ts'

/**
 * A number that stands in the text of a statement, not as a parameter: a prepared statement is planned once for whatever may
 * come, and of an unknown `limit` Postgres expects a tenth of the table. Not for what takes many values: each is a statement
 * of its own.
 */
export function inlineNumber(sql: Sql, value: number): Fragment {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is no number of SQL`)
  return sql.unsafe(String(value))
}
