import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../pool.ts'
import type { AskError } from '../../../errors.ts'
import { lockNotAvailable } from '../errors.ts'
import { insufficientPrivilege } from '../missing-right.ts'
import { extensions } from '../session.ts'
import { unavailable } from './applied.ts'
import { statementsOf, type Migration } from './files.ts'
import { takeLock } from './session.ts'

/** Waits no longer than this for a table that is in use, because new queries queue after the waiting migration. */
const lockTimeoutMs = 3000
const defaultLockPatienceMs = 800_000
const pauseMs = 1000

export interface ApplyOptions {
  readonly signal?: AbortSignal | undefined
  /** How long to wait for tables that are in use. */
  readonly lockPatienceMs?: number | undefined
}

/** Creates the table of applied migrations, with the columns of this version. */
export async function prepareTable(sql: Sql, options: ApplyOptions): Promise<void> {
  try {
    await patiently('the table migrations', options, () =>
      sql.begin(async tx => {
        await tx`select set_config('lock_timeout', ${String(lockTimeoutMs)}, true)`
        await tx`create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())`
        await tx`alter table migrations add column if not exists checksum text, add column if not exists older_code text`
      }),
    )
  } catch (error) {
    throw hasCode(error, insufficientPrivilege) ? await tablesForbidden(sql, error) : error
  }
}

/** Completes rows of versions that recorded only names. */
export async function completeRow(sql: Sql, { name, checksum, olderCode }: Migration): Promise<void> {
  await sql`update migrations set checksum = ${checksum}, older_code = ${olderCode} where name = ${name}`
}

/**
 * Returns false if another process has applied it since. Rejects with the server's error; a transaction is then rolled
 * back.
 */
export async function apply(sql: Sql, migration: Migration, options: ApplyOptions): Promise<boolean> {
  try {
    return await patiently(migration.name, options, () =>
      migration.isTransaction ? inTransaction(sql, migration) : oneByOne(sql, migration),
    )
  } catch (error) {
    if (mayNotCreateExtension(error)) throw await extensionForbidden(sql, error)
    if (isMissingExtension(error)) throw extensionMissing(error)
    if (hasCode(error, insufficientPrivilege)) throw await tablesForbidden(sql, error)
    if (hasCode(error, undefinedObject))
      throw unavailable(
        `${migration.name} needs an object that does not exist: check that the role in DATABASE_URL may use the schema of the extension vector (grant usage on schema NAME to ROLE)`,
        error,
      )
    throw error
  }
}

/** Tries again while another transaction has the locks that the statements need, or the two were a deadlock. */
async function patiently<T>(
  what: string,
  { signal, lockPatienceMs = defaultLockPatienceMs }: ApplyOptions,
  work: () => Promise<T>,
): Promise<T> {
  const endsAt = performance.now() + lockPatienceMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!retried.some(code => hasCode(error, code))) throw error
      if (performance.now() + pauseMs > endsAt)
        throw unavailable(
          `${what} cannot be changed while other transactions use its tables: end the loads and long queries, then try again`,
          error,
        )
      await sleep(pauseMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted())
    }
  }
}

async function inTransaction(sql: Sql, migration: Migration): Promise<boolean> {
  return await sql.begin(async transaction => {
    const tx = transaction as unknown as Sql
    if (!(await shouldApply(tx, migration))) return false
    await tx`select set_config('lock_timeout', ${String(lockTimeoutMs)}, true)`
    await tx.unsafe(migration.text)
    await record(tx, migration)
    return true
  })
}

async function oneByOne(sql: Sql, migration: Migration): Promise<boolean> {
  if (!(await shouldApply(sql, migration))) return false
  for (const statement of statementsOf(migration.text)) await sql.unsafe(statement)
  await record(sql, migration)
  return true
}

async function shouldApply(sql: Sql, { name }: Migration): Promise<boolean> {
  if (!(await takeLock(sql)))
    throw unavailable('the connection was lost, and another process is migrating the database now: run it again')
  const [row] = await sql`select exists (select from migrations where name = ${name}) as is_applied`
  return row?.['is_applied'] !== true
}

async function record(sql: Sql, { name, checksum, olderCode }: Migration): Promise<void> {
  await sql`insert into migrations (name, checksum, older_code) values (${name}, ${checksum}, ${olderCode})`
}

/** The code alone could refer to a table or schema, and the message is translated. */
function mayNotCreateExtension(error: unknown): boolean {
  return hasCode(error, insufficientPrivilege) && 'routine' in error && error.routine === 'execute_extension_script'
}

const createExtensions = extensions.map(name => `create extension if not exists ${name};`).join(' ')

/** Names all extensions at once, so that the administrator is asked only once. */
async function extensionForbidden(sql: Sql, cause: unknown): Promise<AskError> {
  const { role, database } = await whoAndWhere(sql)
  return unavailable(
    `the role "${role}" may not create the extensions ${extensions.join(', ')} in the database "${database}": let a superuser, or the provider's administrator role, run there, once: ${createExtensions}`,
    cause,
  )
}

const isMissingExtension = (error: unknown): error is Error =>
  (hasCode(error, '0A000') || hasCode(error, '58P01')) &&
  'routine' in error &&
  error.routine === 'parse_extension_control_file'

function extensionMissing(cause: Error): AskError {
  return unavailable(
    `the database server lacks an extension: install ${extensions.join(', ')} there (pgvector, and the package postgresql-contrib)`,
    cause,
  )
}

async function tablesForbidden(sql: Sql, cause: unknown): Promise<AskError> {
  const { role, schema, lacking } = await whoAndWhere(sql)
  const alsoLacks = Number(lacking) > 0 ? `; a superuser must also run there, once: ${createExtensions}` : ''
  return unavailable(
    `the role "${role}" may not create or change tables in the schema "${schema}": let its owner run: grant create on schema ${schema} to "${role}"; or give the role a schema of its own: create schema authorization "${role}"; tables that exist must belong to the role${alsoLacks}`,
    cause,
  )
}

async function whoAndWhere(sql: Sql): Promise<Readonly<Record<'role' | 'database' | 'schema' | 'lacking', string>>> {
  const [row] = await sql`
    select current_user as role, current_database() as database, current_schema() as schema,
      (select count(*) from unnest(${[...extensions]}::text[]) as wanted (name) where not exists (select from pg_extension where extname = wanted.name)) as lacking`
  const text = (name: string) => String(row?.[name])
  return { role: text('role'), database: text('database'), schema: text('schema'), lacking: text('lacking') }
}

/** A missing type or operator class. */
const undefinedObject = '42704'
const deadlock = '40P01'
const retried = [lockNotAvailable, deadlock]

function hasCode(error: unknown, code: string): error is Error {
  return error instanceof Error && 'code' in error && error.code === code
}
