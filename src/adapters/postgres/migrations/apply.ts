import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../pool.ts'
import type { AskError } from '../../../errors.ts'
import { unavailable } from './applied.ts'
import { statementsOf, type Migration } from './files.ts'
import { takeLock } from './session.ts'

/** Waits no longer than this for a table that is in use, because new queries queue after the waiting migration. */
const lockTimeoutMs = 3000
const triesForLocks = 200
const pauseMs = 1000

/** Creates the table of applied migrations, with the columns of this version. */
export async function prepareTable(sql: Sql): Promise<void> {
  await sql`create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())`
  await sql`alter table migrations add column if not exists checksum text, add column if not exists older_code text`
}

/** Completes rows of versions that recorded only names. */
export async function completeRow(sql: Sql, { name, checksum, olderCode }: Migration): Promise<void> {
  await sql`update migrations set checksum = ${checksum}, older_code = ${olderCode} where name = ${name}`
}

/**
 * Returns false if another process has applied it since. Rejects with the server's error; a transaction is then rolled
 * back.
 */
export async function apply(sql: Sql, migration: Migration, signal?: AbortSignal): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    try {
      return await (migration.isTransaction ? inTransaction(sql, migration) : oneByOne(sql, migration))
    } catch (error) {
      if (mayNotCreateExtension(error)) throw extensionForbidden(migration, error)
      if (hasCode(error, undefinedObject))
        throw unavailable(
          `${migration.name} needs an object that does not exist: check that the extension vector is in a schema of the role's search_path`,
          error,
        )
      if (!hasCode(error, lockNotAvailable)) throw error
      if (tries === triesForLocks)
        throw unavailable(
          `${migration.name} cannot lock the tables that it changes: end the loads and long queries that use them, then try again`,
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
  return hasCode(error, '42501') && 'routine' in error && error.routine === 'execute_extension_script'
}

function extensionForbidden({ text }: Migration, cause: unknown): AskError {
  const names = [...text.matchAll(/create extension if not exists (\w+)/g)].map(([, name]) => name)
  const statements = names.map(name => `create extension if not exists ${name};`).join(' ')
  return unavailable(
    `the role in DATABASE_URL may not create the extension${names.length > 1 ? 's' : ''} ${names.join(', ')}: let a superuser run "${statements}" in that database once, then start again`,
    cause,
  )
}

/** A missing type or operator class. */
const undefinedObject = '42704'
const lockNotAvailable = '55P03'

function hasCode(error: unknown, code: string): error is Error {
  return error instanceof Error && 'code' in error && error.code === code
}
