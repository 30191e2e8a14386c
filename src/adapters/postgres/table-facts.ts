import type { Sql } from './database.ts'

/** How up to date the planner's statistics of a table are. */
export interface TableFacts {
  readonly table: string
  readonly bytes: number
  /** The planner's row estimate; null if the table was never analyzed. */
  readonly rows: number | null
  readonly liveRows: number
  readonly changedSinceAnalyze: number
  /** ISO timestamp; null if never, or before the statistics were reset. */
  readonly analyzedAt: string | null
}

const tables = ['chunks', 'chunk_vectors', 'collection_terms', 'documents']

/** Reads the facts of the tables that questions use. The size includes indexes. */
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
