import type { Sql } from './pool.ts'
import { apply, prepareTable, completeRow, type ApplyOptions } from './migrations/apply.ts'
import { compare, namesOf, readApplied, unavailable, type SchemaState } from './migrations/applied.ts'
import { readMigrations, type Migration } from './migrations/files.ts'
import { exclusively } from './migrations/session.ts'

export interface Migrated {
  /** Names of the files applied by this call, in order. */
  readonly applied: readonly string[]
  /** The newest migration that the database has now. */
  readonly current: string
  /** Migrations of the database that this version does not know but can run with. */
  readonly newer: readonly string[]
}

export interface MigrateOptions {
  /** Aborts the wait for other processes. */
  readonly signal?: AbortSignal
  /** Called once if this call waits for another process to finish migrating. */
  readonly onWait?: () => void
  /** How long to wait for another process that migrates; no limit if undefined. */
  readonly turnPatienceMs?: number
  /** How long to wait for tables that other transactions use. */
  readonly lockPatienceMs?: number
  /** Defaults to the files of sql/. */
  readonly files?: readonly Migration[]
}

/**
 * Applies the files of sql/ that the database does not have yet, in order, each in its own transaction (or without one
 * if the file says so), while a session lock excludes other processes. If there is nothing to do, nothing is written
 * and no lock is taken, so a standby will do. Rejects with `database_unavailable` and what to do if this version may
 * not work on the database (see {@link compare}).
 */
export async function migrate(
  sql: Sql,
  { signal, onWait, turnPatienceMs, lockPatienceMs, files: given }: MigrateOptions = {},
): Promise<Migrated> {
  const files = given ?? (await readMigrations())
  const state = await stateOf(sql, files)
  if (state.pending.length === 0 && state.unsigned.length === 0) return outcome(files, state.newer, [])
  if (await isStandby(sql)) return onStandby(files, state)
  return await exclusively(sql, () => applyAll(sql, files, { signal, lockPatienceMs }), {
    signal,
    onWait,
    patienceMs: turnPatienceMs,
  })
}

/** What `migrate` would do, without doing it. Rejects as `migrate` does. */
export async function checkMigrations(sql: Sql): Promise<SchemaState> {
  return await stateOf(sql, await readMigrations())
}

async function stateOf(sql: Sql, files: readonly Migration[]): Promise<SchemaState> {
  return compare(files, await readApplied(sql))
}

async function applyAll(sql: Sql, files: readonly Migration[], options: ApplyOptions): Promise<Migrated> {
  await prepareTable(sql, options)
  const { pending, newer, unsigned } = await stateOf(sql, files)
  for (const each of unsigned) await completeRow(sql, each)
  const applied: string[] = []
  for (const each of pending) {
    options.signal?.throwIfAborted()
    if (await apply(sql, each, options)) applied.push(each.name)
  }
  return outcome(files, newer, applied)
}

function outcome(files: readonly Migration[], newer: readonly string[], applied: readonly string[]): Migrated {
  return { applied, current: newer.at(-1) ?? files.at(-1)?.name ?? '', newer }
}

async function isStandby(sql: Sql): Promise<boolean> {
  const [row] = await sql`select pg_is_in_recovery() as is_standby`
  return row?.['is_standby'] === true
}

/** Checksums and migrations are written on the primary. */
function onStandby(files: readonly Migration[], { pending, newer }: SchemaState): Migrated {
  if (pending.length > 0)
    throw unavailable(`the database is a standby and lacks ${namesOf(pending)}: run askwell migrate on its primary`)
  return outcome(files, newer, [])
}
