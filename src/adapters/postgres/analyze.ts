import type { Database } from './database.ts'

type Leasing = Pick<Database, 'kind' | 'lease'>

const tables = ['chunks', 'chunk_vectors', 'collection_terms', 'documents']

/**
 * Whether so much was written since the server's last look that it would look again, in a minute or two. The embedded
 * database never looks by itself, and does not know.
 */
export async function needsAnalyze({ kind, lease }: Leasing, signal: AbortSignal): Promise<boolean> {
  if (kind === 'embedded') return true
  const [row] = await lease(
    { signal, label: 'settle' },
    sql => sql`
    select bool_or(n_mod_since_analyze > 50 + 0.1 * n_live_tup) as is_due from pg_stat_user_tables where relname = any(${tables}::text[])`,
  )
  return row?.['is_due'] === true
}

/**
 * After a large load: what it wrote is in the statistics that the planner goes by, and out of the list of pending words. A table
 * that somebody has locked is left out: waiting for `create index concurrently`, which waits for whoever was there before it,
 * would be a deadlock, and the server would end one of the two.
 */
export async function analyzeTables({ lease }: Pick<Leasing, 'lease'>, signal: AbortSignal): Promise<void> {
  await lease({ signal, label: 'settle', holdLimitMs: Infinity }, async sql => {
    await sql`select set_config('statement_timeout', '0', false)`
    try {
      await sql`analyze (skip_locked) chunks, chunk_vectors, collection_terms, documents`
      await sql`select gin_clean_pending_list('chunks_terms'), gin_clean_pending_list('collection_terms_trigrams'), gin_clean_pending_list('documents_metadata')`
    } finally {
      await sql`reset statement_timeout`
    }
  })
}
