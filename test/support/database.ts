import { appendFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type postgres from 'postgres'
import { administer, sharedPostgres, templateName, urlOf } from './postgres.ts'
import type { Owner } from './server-process.ts'
import { waitWith } from './until.ts'

export interface Database {
  readonly name: string
  readonly url: string
}

/**
 * Creates a database for one test by cloning a template (by default the migrated, empty one) in about 50 ms. It is
 * dropped when the test passes. When the test fails, it is kept and its name printed, except in CI, where nobody can inspect it.
 */
export async function createDatabase(t: Owner, template = templateName): Promise<Database> {
  const { port, folder } = await sharedPostgres()
  const admin = urlOf(port, 'postgres')
  const name = nextName()
  await administer(admin, sql => sql`create database ${sql(name)} template ${sql(template)}`)
  t.teardown(async () => {
    if (!t.passing() && process.env['CI'] !== 'true') return keep(folder, name)
    await administer(admin, sql => drop(sql, name))
  })
  return { name, url: urlOf(port, name) }
}

let count = 0

/** The name has the file, process and a number, to identify the owner in `pg_stat_activity` and in a kept cluster. */
function nextName(): string {
  count += 1
  const file = basename(process.argv[1] ?? 'database')
    .replace(/\W+/g, '_')
    .replace(/_test_ts$/, '')
    .slice(0, 40)
  return `${file.toLowerCase()}_${process.pid}_${count}`
}

function keep(folder: string, name: string): void {
  appendFileSync(join(folder, 'kept'), `${name}\n`)
  console.error(
    `# the database of the failed test is kept; look at it with: node test/support/open-kept.ts ${folder} ${name}`,
  )
}

/** A connection that outlives its test is a leak in the tested code, so it fails the test. */
async function drop(sql: postgres.Sql, name: string): Promise<void> {
  const left = await connectionsLeft(sql, name)
  await sql`drop database ${sql(name)} with (force)`
  if (left.length > 0) throw new Error(`${left.length} connection(s) left open on ${name}: ${left.join('; ')}`)
}

/** The server needs a moment to notice a closed socket; a connection still there after twenty seconds is a leak. */
async function connectionsLeft(sql: postgres.Sql, name: string): Promise<string[]> {
  let left: string[] = []
  const areGone = async () => {
    const rows =
      await sql`select application_name || ': ' || query as what from pg_stat_activity where datname = ${name}`
    left = rows.map(row => String(row['what']))
    return left.length === 0
  }
  await waitWith(200)('no connection is left', areGone, { progress: () => left.length }).catch(() => {})
  return left
}
