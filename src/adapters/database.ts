import postgres from 'postgres'
import { AskError } from '../errors.ts'
import { embeddedConnections, openEmbedded } from './embedded.ts'
import { createPool, type LeaseTerms, type Pool, type PoolStatus, type Sql } from './pool.ts'
import { databaseError } from './postgres-errors.ts'

export interface DatabaseSettings {
  /** Undefined: the embedded database. */
  readonly url: string | undefined
  /** Folder of the embedded database; undefined keeps it in memory. */
  readonly dataDir: string | undefined
  readonly poolSize: number
  readonly poolMaxOverflow: number
  readonly poolMaxWaiting: number
  /** The server's own bound on one statement, behind our deadlines. */
  readonly statementTimeoutMs: number
}

export interface Database {
  readonly kind: 'postgres' | 'embedded'
  /** For people: "PostgreSQL 17.2, pgvector 0.8.0". */
  readonly version: string
  /** Exclusive use of one connection while `work` runs; see {@link createPool}. */
  readonly lease: Pool['lease']
  /** True when it answers now. Uses a connection of its own, so that a full pool does not look like a dead server. */
  ping(signal: AbortSignal): Promise<boolean>
  status(): PoolStatus
  close(): Promise<void>
}

/** Connects, checks the server and pgvector. Rejects with `database_unavailable` and the way out. */
export async function openDatabase(settings: DatabaseSettings): Promise<Database> {
  if (settings.url !== undefined) return await openServer(settings.url, settings)
  const server = await openEmbedded(settings.dataDir)
  try {
    const database = await openServer(server.url, settings)
    const close = async () => {
      await database.close()
      await server.close()
    }
    return { ...database, kind: 'embedded', close }
  } catch (error) {
    await server.close()
    throw error
  }
}

async function openServer(url: string, settings: DatabaseSettings): Promise<Database> {
  const isEmbedded = settings.url === undefined
  const connect = (onClose: () => void) => client(url, settings.statementTimeoutMs, onClose)
  const side = client(url, 5000)
  const pool = createPool({
    connect,
    // The embedded engine runs one query at a time: more connections would only queue inside it.
    size: isEmbedded ? embeddedConnections : settings.poolSize,
    maxOverflow: isEmbedded ? 0 : settings.poolMaxOverflow,
    maxWaiting: settings.poolMaxWaiting,
    ...(isEmbedded ? {} : { cancelBackend: async (pid: number) => void (await side`select pg_cancel_backend(${pid})`) }),
  })
  const close = async () => {
    await pool.close()
    await side.end({ timeout: 1 }).catch(() => {})
  }
  try {
    const version = await checkServer(side)
    return { kind: 'postgres', version, lease: pool.lease, status: pool.status, ping: signal => ping(side, signal), close }
  } catch (error) {
    await close()
    throw databaseError(error)
  }
}

function client(url: string, statementTimeoutMs: number, onClose: () => void = () => {}): Sql {
  return postgres(url, {
    max: 1,
    connect_timeout: 5,
    max_lifetime: 30 * 60,
    connection: { application_name: 'askwell', statement_timeout: statementTimeoutMs },
    onclose: onClose,
    onnotice: () => {},
    transform: { undefined: null },
  })
}

async function ping(side: Sql, signal: AbortSignal): Promise<boolean> {
  const gone = new Promise<false>(resolve => signal.addEventListener('abort', () => resolve(false), { once: true }))
  return await Promise.race([side`select 1`.then(() => true, () => false), gone])
}

async function checkServer(sql: Sql): Promise<string> {
  const [row] = await sql`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
      (select default_version from pg_available_extensions where name = 'vector') as vector`
  const vector = row?.['vector'] as string | null
  if (Number(row?.['number']) < 150_000) throw tooOld(`PostgreSQL ${row?.['version']}`, 'PostgreSQL 15')
  if (vector === null) throw missingVector()
  if (isBelow(vector, [0, 8])) throw tooOld(`pgvector ${vector}`, 'pgvector 0.8')
  return `PostgreSQL ${row?.['version']}, pgvector ${vector}`
}

function isBelow(version: string, [major, minor]: [number, number]): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number)
  return a < major || (a === major && b < minor)
}

function tooOld(found: string, wanted: string): AskError {
  return new AskError('database_unavailable', { detail: `the database has ${found}; Askwell needs ${wanted} or newer` })
}

function missingVector(): AskError {
  const detail = 'the database server lacks pgvector: install it (package postgresql-NN-pgvector, or the image pgvector/pgvector)'
  return new AskError('database_unavailable', { detail })
}

export type { LeaseTerms, PoolStatus, Sql }
