import type { Sql } from '../pool.ts'
import { AskError } from '../../../errors.ts'
import type { Migration, OlderCode } from './files.ts'

/** A migration as recorded in the database. Null for fields that the version which applied it did not record. */
export interface Applied {
  readonly name: string
  readonly checksum: string | null
  readonly olderCode: OlderCode | null
}

/** How a database and this version differ. */
export interface SchemaState {
  /** Migrations that the database lacks. */
  readonly pending: readonly Migration[]
  /** Migrations that this version does not know but can run with. */
  readonly newer: readonly string[]
  /** Migrations whose record in the database is incomplete. */
  readonly unsigned: readonly Migration[]
}

/**
 * Reads the applied migrations in order; none if the database was never migrated. Writes nothing, and can read the
 * table of older versions.
 */
export async function readApplied(sql: Sql): Promise<Applied[]> {
  const [row] = await sql`select to_regclass('migrations') is not null as exists`
  if (!row?.['exists']) return []
  const rows = await sql`
    select name, to_jsonb(m) ->> 'checksum' as checksum, to_jsonb(m) ->> 'older_code' as older_code from migrations m order by name`
  return rows.map(each => ({
    name: String(each['name']),
    checksum: each['checksum'] as string | null,
    olderCode: each['older_code'] as OlderCode | null,
  }))
}

/**
 * Throws `database_unavailable`, with what to do, if this version must not work on the database: a migration has
 * changed since it was applied, or a newer version's migration does not permit older code.
 */
export function compare(files: readonly Migration[], applied: readonly Applied[]): SchemaState {
  const known = new Map(files.map(each => [each.name, each]))
  for (const each of applied) rejectChanged(each, known.get(each.name))
  const unknownMigrations = applied.filter(each => !known.has(each.name))
  const pending = files.filter(({ name }) => !applied.some(each => each.name === name))
  if (unknownMigrations.some(each => each.olderCode !== 'runs'))
    throw newer(unknownMigrations.filter(each => each.olderCode !== 'runs'))
  if (unknownMigrations.length > 0 && pending.length > 0) throw forked(unknownMigrations, pending)
  const unsigned = applied
    .filter(each => each.checksum === null || each.olderCode === null)
    .map(each => known.get(each.name))
    .filter(each => each !== undefined)
  return { pending, newer: unknownMigrations.map(each => each.name), unsigned }
}

export function unavailable(detail: string, cause?: unknown): AskError {
  return new AskError('database_unavailable', { detail, ...(cause !== undefined && { cause }) })
}

export function namesOf(migrations: readonly { readonly name: string }[]): string {
  return migrations.map(each => each.name).join(', ')
}

function rejectChanged({ name, checksum }: Applied, file: Migration | undefined): void {
  if (!file || checksum === null || checksum === file.checksum) return
  throw unavailable(
    `the migration ${name} differs from the one that was applied to the database (SHA-256 ${file.checksum.slice(0, 12)}…, applied ${checksum.slice(0, 12)}…): ` +
      'install the version of Askwell that applied it, or, if you know that the schema is right, ' +
      `accept the file with: update migrations set checksum = null where name = '${name}'`,
  )
}

function newer(unknownMigrations: readonly Applied[]): AskError {
  return unavailable(
    `the database was migrated by a newer version (it has ${namesOf(unknownMigrations)}): run that version, or restore an older backup; ` +
      'this version may not work on such a schema',
  )
}

function forked(unknownMigrations: readonly Applied[], pending: readonly Migration[]): AskError {
  return unavailable(
    `the database has ${namesOf(unknownMigrations)}, which this version does not know, but lacks ${namesOf(pending)}: ` +
      'run askwell migrate of the newest version that works on it',
  )
}
