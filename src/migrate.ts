import { readdir, readFile } from 'node:fs/promises'
import type { Sql } from './adapters/pool.ts'
import { AskError } from './errors.ts'

const folder = new URL('../sql/', import.meta.url)

/** Any number, the same in every process: who holds it migrates, the others wait and then find nothing to do. */
const lockKey = 7_273_913

export interface Migrated {
  /** Names of the files applied now, in order. */
  readonly applied: readonly string[]
  /** Newest migration the database now has. */
  readonly current: string
}

/**
 * Applies the files of sql/ that the database does not have yet, in order, each in a transaction of its own.
 * Refuses a database that has migrations this program does not know (it belongs to a newer one).
 */
export async function migrate(sql: Sql): Promise<Migrated> {
  const files = (await readdir(folder)).filter(name => /^\d{6}_\w+\.sql$/.test(name)).sort()
  return await sql.begin(async tx => {
    await tx`select pg_advisory_xact_lock(${lockKey})`
    await tx`create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())`
    const known = new Set((await tx`select name from migrations`).map(row => String(row['name'])))
    const strangers = [...known].filter(name => !files.includes(name))
    if (strangers.length > 0) throw newer(strangers)
    const applied = files.filter(name => !known.has(name))
    for (const name of applied) {
      await tx.unsafe(await readFile(new URL(name, folder), 'utf8'))
      await tx`insert into migrations (name) values (${name})`
    }
    return { applied, current: files.at(-1) ?? '' }
  })
}

/** Files of sql/ that the database lacks; all of them when it was never migrated. */
export async function pendingMigrations(sql: Sql): Promise<string[]> {
  const files = (await readdir(folder)).filter(name => /^\d{6}_\w+\.sql$/.test(name)).sort()
  const [row] = await sql`select to_regclass('migrations') is not null as exists`
  if (!row?.['exists']) return files
  const known = new Set((await sql`select name from migrations`).map(found => String(found['name'])))
  return files.filter(name => !known.has(name))
}

function newer(names: string[]): AskError {
  return new AskError('database_unavailable', {
    detail: `the database was migrated by a newer version (it has ${names.join(', ')}): run that version, or restore an older backup`,
  })
}
