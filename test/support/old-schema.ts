import { readdirSync, readFileSync } from 'node:fs'
import { migrate } from '../../src/adapters/postgres/migrate.ts'
import { readMigrations } from '../../src/adapters/postgres/migrations/files.ts'
import { inDatabase } from './contents.ts'
import type { Sql } from '../../src/adapters/postgres/database.ts'
import { administer, sharedPostgres, urlOf } from './postgres.ts'
import type { Owner } from './server-process.ts'

const folder = new URL('../../sql/', import.meta.url)

/** Creates the schema of an older version, with only the migrations before `next` (`000006`). */
export async function migrateBefore(sql: Sql, next: string): Promise<void> {
  const names = readdirSync(folder)
    .filter(name => name.endsWith('.sql') && name < next)
    .sort()
  await sql.begin(async tx => {
    await tx`create table migrations (name text primary key, applied_at timestamptz not null default now())`
    for (const name of names) {
      await tx.unsafe(readFileSync(new URL(name, folder), 'utf8'))
      await tx`insert into migrations (name) values (${name})`
    }
  })
}

/** Creates a database without a schema on the server that test files share. */
export async function createEmptyDatabase(t: Owner): Promise<{ readonly name: string; readonly url: string }> {
  const { port } = await sharedPostgres()
  const admin = urlOf(port, 'postgres')
  const name = `empty_${process.pid}_${(count += 1)}`
  await administer(admin, sql => sql`create database ${sql(name)}`)
  t.teardown(() => administer(admin, sql => sql`drop database if exists ${sql(name)} with (force)`))
  return { name, url: urlOf(port, name) }
}

let count = 0

/** The rows of a database that version 0.2.0 made; see the README beside the file. */
const rowsOf020 = new URL('../fixtures/databases/0.2.0.sql', import.meta.url)

/** Replaces an empty, migrated database by one of version 0.2.0. `settings` are environment variables. */
export async function makeDatabaseOf020(settings: Readonly<Record<string, string>>): Promise<void> {
  const files = (await readMigrations()).filter(({ name }) => name < '000008')
  await inDatabase(settings, async sql => {
    await sql`drop schema public cascade`
    await sql`create schema public`
    await migrate(sql, { files })
    await sql.unsafe(readFileSync(rowsOf020, 'utf8'))
  })
}
