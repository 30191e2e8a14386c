import { execFileSync } from 'node:child_process'
import { administer, sharedPostgres, urlOf } from './postgres.ts'
import { postgresProgram } from './postgres-programs.ts'
import type { Owner } from './server-process.ts'

/** What `pg_dump` writes of a database: SQL. */
export function dumpOf(url: string): string {
  return execFileSync(postgresProgram('pg_dump'), ['--dbname', url], { encoding: 'utf8', maxBuffer: 2 ** 28 })
}

/** A database made of a dump, on the server that test files share; dropped when the test ends. */
export async function restoreDump(t: Owner, dump: string): Promise<string> {
  const { port } = await sharedPostgres()
  const name = `restored_${process.pid}_${(count += 1)}`
  t.teardown(() => administer(urlOf(port, 'postgres'), sql => sql`drop database if exists ${sql(name)} with (force)`))
  await restoreInto(urlOf(port, name), dump)
  return urlOf(port, name)
}

/** As an operator restores: whoever is connected to the database is sent away, and it is made anew under its name. */
export async function restoreInto(url: string, dump: string): Promise<void> {
  const admin = Object.assign(new URL(url), { pathname: '/postgres' }).href
  const name = new URL(url).pathname.slice(1)
  await administer(admin, sql => sql`drop database if exists ${sql(name)} with (force)`)
  await administer(admin, sql => sql`create database ${sql(name)}`)
  execFileSync(postgresProgram('psql'), ['--dbname', url, '--quiet', '--no-psqlrc', '--set', 'ON_ERROR_STOP=1'], { input: dump, stdio: ['pipe', 'ignore', 'pipe'] })
}

let count = 0
