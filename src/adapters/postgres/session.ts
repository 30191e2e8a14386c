import type postgres from 'postgres'

type Sql = postgres.Sql<Record<never, never>>

/**
 * Settings that the code relies on. A role or a database may have others as defaults. They are not sent with the
 * connection, because PgBouncer rejects most of them there.
 */
const settings: Readonly<Record<string, string>> = {
  array_nulls: 'on',
  bytea_output: 'hex',
  client_encoding: 'UTF8',
  datestyle: 'ISO, MDY',
  default_transaction_deferrable: 'off',
  default_transaction_isolation: 'read committed',
  exit_on_error: 'off',
  extra_float_digits: '1',
  gin_fuzzy_search_limit: '0',
  intervalstyle: 'postgres',
  'pg_trgm.similarity_threshold': '0.3',
  quote_all_identifiers: 'off',
  row_security: 'on',
  standard_conforming_strings: 'on',
  timezone: 'UTC',
  transform_null_equals: 'off',
  // Planning the search for each question's values costs more than running it, so one plan serves all.
  plan_cache_mode: 'force_generic_plan',
  // Our deadlines bound every statement, and the pool keeps idle connections. A writer may pause between rows.
  idle_in_transaction_session_timeout: '10min',
  idle_session_timeout: '0',
  lock_timeout: '0',
  transaction_timeout: '0',
}

/** Extensions of sql/, and of BM25. */
export const extensions = ['vector', 'pg_trgm', 'btree_gin', 'fuzzystrmatch'] as const
const found = [...extensions, 'pg_textsearch']

/**
 * SQL that prepares a new connection. Settings that the server does not have are left out. Schemas of extensions that are
 * not in the search path, such as Supabase's `extensions`, are added to it.
 */
export function preparationOf(statementTimeoutMs: number): string {
  const all = Object.entries(settings)
  // First, because the role's own limit would bound the rest.
  return `
    set statement_timeout = ${statementTimeoutMs};
    select set_config(name, value, false) from (values ${all.map(([name, value]) => `('${name}', '${value}')`).join(', ')}) as wanted (name, value)
      where current_setting(name, true) <> value;
    select set_config('search_path', concat_ws(', ', nullif(current_setting('search_path'), ''), string_agg(distinct quote_ident(nspname), ', ')), false)
      from pg_extension join pg_namespace n on n.oid = extnamespace
      where extname in (${found.map(name => `'${name}'`).join(', ')}) and nspname <> all (current_schemas(true)) having count(*) > 0`
}

/** Runs `work` without the server's limit per statement. */
export async function withoutStatementTimeout<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  const [row] =
    await sql`select current_setting('statement_timeout') as before, set_config('statement_timeout', '0', false)`
  try {
    return await work()
  } finally {
    // Not `reset`, which would set the default of the role.
    await sql`select set_config('statement_timeout', ${String(row?.['before'])}, false)`
  }
}
