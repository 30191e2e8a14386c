import type { Database } from './database.ts'
import { withoutStatementTimeout } from './session.ts'

type Leasing = Pick<Database, 'kind' | 'lease'>

const tables = ['chunks', 'chunk_vectors', 'chunk_units', 'collection_terms', 'documents']

/**
 * Whether enough was written since the server's last ANALYZE that autoanalyze would run again, within a minute or two.
 * The embedded database never analyzes by itself and does not track this.
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
 * For use after a large load: updates the planner's statistics and merges the pending list of the GIN indexes. A table
 * that is locked is skipped: waiting for `create index concurrently`, which waits for all earlier transactions, would
 * be a deadlock, and the server would abort one of the two.
 */
export async function analyzeTables({ lease }: Pick<Leasing, 'lease'>, signal: AbortSignal): Promise<void> {
  await lease({ signal, label: 'settle', holdLimitMs: Infinity }, async sql => {
    await withoutStatementTimeout(sql, async () => {
      await sql`analyze (skip_locked) chunks, chunk_vectors, chunk_units, collection_terms, documents`
      await sql`select gin_clean_pending_list('chunks_terms'), gin_clean_pending_list('collection_terms_trigrams'), gin_clean_pending_list('documents_metadata')`
    })
  })
}
