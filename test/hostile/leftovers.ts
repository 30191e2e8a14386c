import { administer } from '../support/postgres.ts'
import { waitWith } from '../support/until.ts'
import { aliveOf } from './processes.ts'
import type { World } from './world.ts'

/** Stops the service as an operator does, and says what is there afterwards that should not be. */
export async function stopAndLook({ target, databaseUrl, model }: World): Promise<string[]> {
  if (target.end() === null) await target.stop()
  const { code, signal } = target.end()!
  let left: string[] = []
  const look = async () => {
    const answering = await model.answering()
    left = [
      ...aliveOf(target.children).map(({ pid }) => `process ${pid}`),
      ...(await sessionsOf(databaseUrl)),
      ...(answering > 0 ? [`${answering} calls of the model`] : []),
    ]
    return left.length === 0
  }
  // What is about to end needs a moment; what has not ended while this process could look for half a minute stays.
  await waitUntil('nothing is left', look, { progress: () => left.join() }).catch(() => undefined)
  return [...(code === 0 ? [] : [`it ended with ${signal ?? code} when it was told to stop`]), ...left]
}

const waitUntil = waitWith(300)

async function sessionsOf(url: string): Promise<string[]> {
  const rows = await administer(
    url,
    sql =>
      sql<
        { pid: number }[]
      >`select pid from pg_stat_activity where datname = current_database() and application_name like 'askwell%'`,
  )
  return rows.map(({ pid }) => `session ${pid} of the database`)
}

/** A transaction that is given up, or waits its turn, takes a number with it. */
const mayBeAhead = 20

/** Identity columns whose sequence is ahead of the largest number in the table: each unchanged write has cost one. */
export async function spentSequences(url: string, ahead = mayBeAhead): Promise<string[]> {
  return await administer(url, async sql => {
    const columns = await sql<{ table: string; column: string }[]>`
      select c.relname as table, a.attname as column from pg_attribute a join pg_class c on c.oid = a.attrelid
      where a.attidentity <> '' and c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace`
    const all = await Promise.all(
      columns.map(async ({ table, column }) => {
        const [row] = await sql<{ at: number; last: number }[]>`
        select coalesce(pg_sequence_last_value(pg_get_serial_sequence(${table}, ${column})), 0)::int8::float8 as at, coalesce(max(${sql(column)}), 0)::float8 as last from ${sql(table)}`
        return { name: `${table}.${column}`, at: row?.at ?? 0, last: row?.last ?? 0 }
      }),
    )
    return all
      .filter(({ name, at, last }) => !isRemovedFrom(name) && at > last + ahead)
      .map(({ name, at, last }) => `${name} is at ${at}, its last row at ${last}`)
  })
}

/** Rows of these come and go with every write. */
function isRemovedFrom(name: string): boolean {
  return name.startsWith('chunks.')
}

/** Megabytes of the database. */
export async function databaseMb(url: string): Promise<number> {
  const [row] = await administer(
    url,
    sql => sql<{ bytes: number }[]>`select pg_database_size(current_database())::float8 as bytes`,
  )
  return (row?.bytes ?? 0) / 2 ** 20
}
