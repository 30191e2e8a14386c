import { hash } from 'node:crypto'
import type { Database, Sql } from './database.ts'

/** What a database is told from others by; see {@link databaseName}. */
interface Identity {
  /** Drawn by a migration; travels with a dump. */
  readonly id: string
  /** Of the database within its server: another one after every restore. */
  readonly oid: string
  /** Of the server's data directory; null where not everybody may read it. */
  readonly system: string | null
}

/**
 * The name of a migrated database, 16 characters of base64url, for keys in stores that databases share. A copy made by a dump,
 * or by `create database … template`, has another name; replicas and a promoted standby have the same. Rejects as a lease does.
 */
export async function databaseName(database: Pick<Database, 'lease'>, signal: AbortSignal): Promise<string> {
  const { id, oid, system } = await database.lease({ signal, label: 'check' }, readIdentity)
  return hash('sha256', JSON.stringify([id, oid, system]), 'base64url').slice(0, 16)
}

/** Whether everybody may read the server's identifier is asked, not whether this role may: all replicas must get one name. */
async function readIdentity(sql: Sql): Promise<Identity> {
  const [row] = await sql`
    select (select id from database_identity) as id, (select oid from pg_database where datname = current_database()) as oid,
      has_function_privilege('public', 'pg_control_system()', 'execute') as is_open`
  const [server] = row?.['is_open'] ? await sql`select system_identifier from pg_control_system()` : []
  return {
    id: String(row?.['id']),
    oid: String(row?.['oid']),
    system: server ? String(server['system_identifier']) : null,
  }
}
