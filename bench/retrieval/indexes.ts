import type postgres from 'postgres'
import { say } from './sizes.ts'

/** Definitions by name. */
export type Indexes = Readonly<Record<string, string>>

/** Drops what slows a bulk load and no constraint needs. */
export async function dropIndexes(sql: postgres.Sql): Promise<Indexes> {
  const rows = await sql<{ name: string; definition: string }[]>`
    select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
    from pg_index i where i.indrelid in ('chunks'::regclass, 'chunk_vectors'::regclass, 'collection_terms'::regclass) and not i.indisunique`
  for (const { name } of rows) await sql.unsafe(`drop index ${name}`)
  return Object.fromEntries(rows.map(row => [row.name, row.definition]))
}

/** Seconds each took. */
export async function buildIndexes(sql: postgres.Sql, indexes: Indexes): Promise<Record<string, number>> {
  const seconds: Record<string, number> = {}
  for (const [name, definition] of Object.entries(indexes)) {
    const started = performance.now()
    await sql.unsafe(definition)
    seconds[name] = (performance.now() - started) / 1000
    say(`${name} built in ${seconds[name].toFixed(1)} s`)
  }
  return seconds
}

/** Megabytes of every table (with what is stored beside it) and index. */
export async function relationSizes(sql: postgres.Sql): Promise<Record<string, number>> {
  const rows = await sql<{ name: string; bytes: string }[]>`
    select relname as name, case relkind when 'r' then pg_table_size(oid) else pg_relation_size(oid) end as bytes
    from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'i') order by 2 desc`
  return Object.fromEntries(rows.map(row => [row.name, Math.round(Number(row.bytes) / 1e5) / 10]))
}
