import { hash } from 'node:crypto'
import type { Database, Sql } from './database.ts'

/** What distinguishes a database from others; see {@link databaseName}. */
interface Identity {
  /** Random, set by a migration; included in dumps. */
  readonly id: string
  /** OID of the database within its server; changes with every restore. */
  readonly oid: string
  /** System identifier of the server's data directory; null if not everyone may read it. */
  readonly system: string | null
}

/**
 * The name of a migrated database, 16 characters of base64url, for keys in stores that several databases share. A copy
 * made from a dump or by `create database … template` has another name; replicas and a promoted standby have the same
 * name. Rejects as a lease does.
 */
export async function databaseName(database: Pick<Database, 'lease'>, signal: AbortSignal): Promise<string> {
  const { id, oid, system } = await database.lease({ signal, label: 'check' }, readIdentity)
  return hash('sha256', JSON.stringify([id, oid, system]), 'base64url').slice(0, 16)
}

/**
 * Checks whether everyone may read the server's identifier, not just this role: all replicas must compute the same
 * name.
 */
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
