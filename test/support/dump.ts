import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { administer, sharedPostgres, urlOf } from './postgres.ts'
import { postgresProgram } from './postgres-programs.ts'
import type { Owner } from './server-process.ts'

/** SQL dump of a database by `pg_dump`. */
export function dumpOf(url: string): string {
  return execFileSync(postgresProgram('pg_dump'), ['--dbname', url], { encoding: 'utf8', maxBuffer: 2 ** 28 })
}

/** Archive of a database by `pg_dump -Fc`. */
export function archiveOf(url: string): Buffer {
  return execFileSync(postgresProgram('pg_dump'), ['--dbname', url, '--format', 'custom'], { maxBuffer: 2 ** 28 })
}

/**
 * Drops and recreates the contents of the archive, including extensions, while others are connected. Retries after a
 * deadlock with them.
 */
export async function restoreInPlace(url: string, archive: Buffer): Promise<void> {
  for (;;) {
    const failure = await tryInPlace(url, archive)
    if (failure === null) return
    if (!failure.includes('deadlock detected')) throw new Error(failure)
  }
}

/** Returns null, or the error output of `pg_restore`. */
async function tryInPlace(url: string, archive: Buffer): Promise<string | null> {
  const restoring = spawn(
    postgresProgram('pg_restore'),
    ['--dbname', url, '--clean', '--if-exists', '--single-transaction'],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  )
  restoring.stdin.on('error', () => {}) // it may exit before it has read everything
  restoring.stdin.end(archive)
  const [stderr, [code]] = await Promise.all([text(restoring.stderr), once(restoring, 'close')])
  return code === 0 ? null : `pg_restore ended with ${code}: ${stderr}`
}

/** Restores a dump into a new database on the server that test files share, and drops it when the test ends. */
export async function restoreDump(t: Owner, dump: string): Promise<string> {
  const { port } = await sharedPostgres()
  const name = `restored_${process.pid}_${(count += 1)}`
  t.teardown(() => administer(urlOf(port, 'postgres'), sql => sql`drop database if exists ${sql(name)} with (force)`))
  await restoreInto(urlOf(port, name), dump)
  return urlOf(port, name)
}

/** Restores as an operator would: disconnects all clients, then drops and recreates the database under its name. */
export async function restoreInto(url: string, dump: string): Promise<void> {
  const admin = Object.assign(new URL(url), { pathname: '/postgres' }).href
  const name = new URL(url).pathname.slice(1)
  await administer(admin, sql => sql`drop database if exists ${sql(name)} with (force)`)
  await administer(admin, sql => sql`create database ${sql(name)}`)
  execFileSync(postgresProgram('psql'), ['--dbname', url, '--quiet', '--no-psqlrc', '--set', 'ON_ERROR_STOP=1'], {
    input: dump,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
}

let count = 0
