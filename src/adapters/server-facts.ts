import type { Sql } from './database.ts'

/** What a Postgres server has of connections, and who has them. */
export interface ServerConnections {
  readonly maxConnections: number
  /** Of those, for superusers and for `pg_use_reserved_connections`. */
  readonly reserved: number
  /** Of all databases and users. `other`: also those whose state this role may not see. */
  readonly connections: { readonly active: number; readonly idle: number; readonly idleInTransaction: number; readonly other: number }
  /** Opened by any Askwell on this database. */
  readonly ours: number
  /** That this role may still open, by the limits of the server, the database and the role. */
  readonly free: number
}

/** One row from shared memory: under a millisecond, and no table is touched. For a real server; the embedded one has one connection. */
export async function serverConnections(sql: Sql): Promise<ServerConnections> {
  const [row = {}] = await sql`
    with settings as (
      select current_setting('max_connections')::int as max_connections,
        current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true), '0')::int as reserved),
    seen as (
      select count(*) as every, count(*) filter (where state = 'active') as active, count(*) filter (where state = 'idle') as idle,
        count(*) filter (where state like 'idle in transaction%') as idle_in_transaction,
        count(*) filter (where application_name = 'askwell' and datname = current_database()) as ours,
        count(*) filter (where datname = current_database()) as here,
        count(*) filter (where usename = current_user) as mine
      from pg_stat_activity where backend_type = 'client backend')
    select settings.*, seen.*,
      (select datconnlimit from pg_database where datname = current_database()) as database_limit,
      (select rolconnlimit from pg_roles where rolname = current_user) as role_limit
    from settings, seen`
  const number = (name: string) => Number(row[name])
  const [active, idle, idleInTransaction] = [number('active'), number('idle'), number('idle_in_transaction')]
  return {
    maxConnections: number('max_connections'),
    reserved: number('reserved'),
    connections: { active, idle, idleInTransaction, other: number('every') - active - idle - idleInTransaction },
    ours: number('ours'),
    free: Math.max(0, Math.min(
      number('max_connections') - number('reserved') - number('every'),
      room(number('database_limit'), number('here')),
      room(number('role_limit'), number('mine')),
    )),
  }
}

/** −1: no limit, which is how Postgres writes it. */
function room(limit: number, used: number): number {
  return limit < 0 ? Infinity : limit - used
}

/** How well the planner knows a table. */
export interface TableFacts {
  readonly table: string
  readonly bytes: number
  /** As the planner knows it; null: it was never told. */
  readonly rows: number | null
  readonly liveRows: number
  readonly changedSinceAnalyze: number
  /** ISO; null: never, or before the statistics were reset. */
  readonly analyzedAt: string | null
}

const tables = ['chunks', 'chunk_vectors', 'collection_terms', 'documents']

/** Of the tables that questions read; indexes count to the size of theirs. */
export async function tableFacts(sql: Sql): Promise<TableFacts[]> {
  const rows = await sql`
    select c.relname as name, pg_total_relation_size(c.oid) as bytes, c.reltuples, s.n_live_tup, s.n_mod_since_analyze,
      greatest(s.last_analyze, s.last_autoanalyze) as analyzed_at
    from pg_class c join pg_stat_user_tables s on s.relid = c.oid
    where c.oid = any (array(select to_regclass(name) from unnest(${tables}::text[]) name))
    order by c.relname`
  return rows.map(row => ({
    table: String(row['name']),
    bytes: Number(row['bytes']),
    rows: Number(row['reltuples']) < 0 ? null : Number(row['reltuples']),
    liveRows: Number(row['n_live_tup']),
    changedSinceAnalyze: Number(row['n_mod_since_analyze']),
    analyzedAt: row['analyzed_at'] === null ? null : (row['analyzed_at'] as Date).toISOString(),
  }))
}
