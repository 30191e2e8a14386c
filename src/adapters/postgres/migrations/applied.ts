import type { Sql } from '../pool.ts'
import { AskError } from '../../../errors.ts'
import type { Migration, OlderCode } from './files.ts'

/** What the database says of a migration that it has; null: it was applied by a version that did not say. */
export interface Applied {
  readonly name: string
  readonly checksum: string | null
  readonly olderCode: OlderCode | null
}

/** How a database and this version differ. */
export interface SchemaState {
  /** The database lacks them. */
  readonly pending: readonly Migration[]
  /** This version does not know them, and may run nevertheless. */
  readonly newer: readonly string[]
  /** Of these the database does not say all that it should. */
  readonly unsigned: readonly Migration[]
}

/** In order; none when it was never migrated. Writes nothing, and reads the table of older versions too. */
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
 * Throws `database_unavailable`, with what to do, when this version must not work on the database: a migration is not what it
 * was when it was applied, or a newer version's does not let older code run.
 */
export function compare(files: readonly Migration[], applied: readonly Applied[]): SchemaState {
  const known = new Map(files.map(each => [each.name, each]))
  for (const each of applied) refuseChanged(each, known.get(each.name))
  const strangers = applied.filter(each => !known.has(each.name))
  const pending = files.filter(({ name }) => !applied.some(each => each.name === name))
  if (strangers.some(each => each.olderCode !== 'runs'))
    throw newer(strangers.filter(each => each.olderCode !== 'runs'))
  if (strangers.length > 0 && pending.length > 0) throw forked(strangers, pending)
  const unsigned = applied
    .filter(each => each.checksum === null || each.olderCode === null)
    .map(each => known.get(each.name))
    .filter(each => each !== undefined)
  return { pending, newer: strangers.map(each => each.name), unsigned }
}

export function unavailable(detail: string, cause?: unknown): AskError {
  return new AskError('database_unavailable', { detail, ...(cause !== undefined && { cause }) })
}

export function namesOf(migrations: readonly { readonly name: string }[]): string {
  return migrations.map(each => each.name).join(', ')
}

function refuseChanged({ name, checksum }: Applied, file: Migration | undefined): void {
  if (!file || checksum === null || checksum === file.checksum) return
  throw unavailable(
    `the migration ${name} is not the one that the database was given (SHA-256 ${file.checksum.slice(0, 12)}…, applied ${checksum.slice(0, 12)}…): ` +
      'install the version of Askwell that applied it, or, if you know that the schema is right, ' +
      `accept the file by: update migrations set checksum = null where name = '${name}'`,
  )
}

function newer(strangers: readonly Applied[]): AskError {
  return unavailable(
    `the database was migrated by a newer version (it has ${namesOf(strangers)}): run that version, or restore an older backup; ` +
      'this version may not work on such a schema',
  )
}

function forked(strangers: readonly Applied[], pending: readonly Migration[]): AskError {
  return unavailable(
    `the database has ${namesOf(strangers)}, which this version does not know, but lacks ${namesOf(pending)}: ` +
      'migrate it with the newest version that works on it',
  )
}
