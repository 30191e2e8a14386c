import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../pool.ts'
import type { AskError } from '../../../errors.ts'
import { unavailable } from './applied.ts'
import { statementsOf, type Migration } from './files.ts'
import { takeLock } from './session.ts'

/** A table that is in use is waited for so long and no longer: whoever comes meanwhile stands behind us. */
const lockTimeoutMs = 3000
const triesForLocks = 200
const pauseMs = 1000

/** The table of what was applied, as this version writes it. */
export async function prepareTable(sql: Sql): Promise<void> {
  await sql`create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())`
  await sql`alter table migrations add column if not exists checksum text, add column if not exists older_code text`
}

/** For rows of versions that wrote names alone. */
export async function sign(sql: Sql, { name, checksum, olderCode }: Migration): Promise<void> {
  await sql`update migrations set checksum = ${checksum}, older_code = ${olderCode} where name = ${name}`
}

/** Returns false when another has applied it meanwhile. Rejects with what the server said; then nothing of a transaction is there. */
export async function apply(sql: Sql, migration: Migration, signal?: AbortSignal): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    try {
      return await (migration.isTransaction ? inTransaction(sql, migration) : oneByOne(sql, migration))
    } catch (error) {
      if (mayNotCreateExtension(error)) throw extensionRefused(migration, error)
      if (hasCode(error, undefinedObject))
        throw unavailable(
          `${migration.name} does not find what it builds on: is the extension vector in a schema of the role's search_path?`,
          error,
        )
      if (!hasCode(error, lockNotAvailable)) throw error
      if (tries === triesForLocks)
        throw unavailable(
          `${migration.name} cannot have the tables that it changes: end the loads and long queries that hold them, then try again`,
        )
      await sleep(pauseMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted())
    }
  }
}

async function inTransaction(sql: Sql, migration: Migration): Promise<boolean> {
  return await sql.begin(async transaction => {
    const tx = transaction as unknown as Sql
    if (!(await mayApply(tx, migration))) return false
    await tx`select set_config('lock_timeout', ${String(lockTimeoutMs)}, true)`
    await tx.unsafe(migration.text)
    await record(tx, migration)
    return true
  })
}

async function oneByOne(sql: Sql, migration: Migration): Promise<boolean> {
  if (!(await mayApply(sql, migration))) return false
  for (const statement of statementsOf(migration.text)) await sql.unsafe(statement)
  await record(sql, migration)
  return true
}

async function mayApply(sql: Sql, { name }: Migration): Promise<boolean> {
  if (!(await takeLock(sql)))
    throw unavailable('the connection was lost, and another process migrates the database now: start again')
  const [row] = await sql`select exists (select from migrations where name = ${name}) as is_applied`
  return row?.['is_applied'] !== true
}

async function record(sql: Sql, { name, checksum, olderCode }: Migration): Promise<void> {
  await sql`insert into migrations (name, checksum, older_code) values (${name}, ${checksum}, ${olderCode})`
}

/** The code alone may be about a table or schema, and the message is translated. */
function mayNotCreateExtension(error: unknown): boolean {
  return hasCode(error, '42501') && 'routine' in error && error.routine === 'execute_extension_script'
}

function extensionRefused({ text }: Migration, cause: unknown): AskError {
  const names = [...text.matchAll(/create extension if not exists (\w+)/g)].map(([, name]) => name)
  const statements = names.map(name => `create extension if not exists ${name};`).join(' ')
  return unavailable(
    `the role in DATABASE_URL may not create the extension${names.length > 1 ? 's' : ''} ${names.join(', ')}: let a superuser run "${statements}" in that database once, then start again`,
    cause,
  )
}

/** A type or operator class that is not there. */
const undefinedObject = '42704'
const lockNotAvailable = '55P03'

function hasCode(error: unknown, code: string): error is Error {
  return error instanceof Error && 'code' in error && error.code === code
}
