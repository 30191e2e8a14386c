import { readdirSync, readFileSync } from 'node:fs'
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
