import type { Fragment, Sql } from './database.ts'

/**
 * Puts a number into the text of a statement instead of a parameter. A prepared statement is planned once for all
 * values, and for an unknown `limit` Postgres expects a tenth of the table. Do not use it for numbers with many values:
 * each one makes a new statement.
 */
export function inlineNumber(sql: Sql, value: number): Fragment {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is not a valid SQL number`)
  return sql.unsafe(String(value))
}
