import postgres from 'postgres'
import { AskError } from '../errors.ts'
import { openEmbedded } from './embedded.ts'
import { databaseError } from './postgres-errors.ts'
import { watchCollections } from './watch.ts'
import { createPool, type Fragment, type LeaseTerms, type Pool, type PoolStatus, type Sql } from './pool.ts'

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
  /**
   * Beside the pool, on a connection that all share: for short reads that must be had also while the pool is full.
   * Rejects as a lease does.
   */
  readonly aside: Pool['lease']
  /**
   * Calls `onCollection` with the name of each collection that changes, and with nothing when changes may have been
   * missed. Connects in its own time and again after a break. The embedded database, of which nobody else writes, tells
   * nothing.
   */
  watch(onCollection: (name?: string) => void): void
  /** True when it answers now. Uses a connection of its own, so that a full pool does not look like a dead server. */
  ping(signal: AbortSignal): Promise<boolean>
  status(): PoolStatus
  close(): Promise<void>
}

/** Connects, checks the server and pgvector. Rejects with `database_unavailable` and the way out. */
export async function openDatabase(settings: DatabaseSettings): Promise<Database> {
  return settings.url === undefined ? await openInside(settings) : await openServer(settings.url, settings)
}

async function openServer(url: string, settings: DatabaseSettings): Promise<Database> {
  // For cancels, pings and reads aside: must work when the pool is exhausted.
  const side = client(url, 5000)
  const pool = createPool({
    connect: onClose => client(url, settings.statementTimeoutMs, onClose),
    size: settings.poolSize,
    maxOverflow: settings.poolMaxOverflow,
    maxWaiting: settings.poolMaxWaiting,
    cancelBackend: async pid => void (await side`select pg_cancel_backend(${pid})`),
  })
  const watches: { close(): Promise<void> }[] = []
  const close = async () => {
    await Promise.all(watches.map(each => each.close()))
    await pool.close()
    await side.end({ timeout: 1 }).catch(() => {})
  }
  const watch = (onCollection: (name?: string) => void) => void watches.push(watchCollections(url, onCollection))
  const aside: Pool['lease'] = async (terms, work) => {
    terms.signal.throwIfAborted()
    try {
      return await work(side)
    } catch (error) {
      throw databaseError(error)
    }
  }
  return await checked({ kind: 'postgres', lease: pool.lease, aside, status: pool.status, watch, ping: signal => ping(side, signal), close })
}

/**
 * The embedded engine runs one query at a time, and its socket server lets the protocol messages of two
 * connections interleave outside transactions, so that one may execute what the other bound. One connection,
 * leased in turn, loses nothing and is always right. It cannot cancel a query: late results are dropped.
 */
async function openInside(settings: DatabaseSettings): Promise<Database> {
  const server = await openEmbedded(settings.dataDir)
  const connect = (onClose: () => void) => client(server.url, settings.statementTimeoutMs, onClose)
  const pool = createPool({ connect, size: 1, maxOverflow: 0, maxWaiting: settings.poolMaxWaiting })
  const close = async () => {
    await pool.close()
    await server.close()
  }
  return await checked({ kind: 'embedded', lease: pool.lease, aside: pool.lease, status: pool.status, watch() {}, ping: async () => server.isAlive(), close })
}

async function checked(database: Omit<Database, 'version'>): Promise<Database> {
  try {
    const signal = new AbortController().signal
    return { ...database, version: await inTime(database.lease({ signal, label: 'check' }, checkServer)) }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** postgres.js tries for ever where a proxy takes the connection and closes it, the server behind it being gone. */
const openLimitMs = 8000

async function inTime<T>(opening: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    const detail = `the database did not answer within ${openLimitMs / 1000} s; check DATABASE_URL`
    timer = setTimeout(() => reject(new AskError('database_unavailable', { detail })), openLimitMs)
  })
  opening.catch(() => {}) // it fails once more when everything is closed
  try {
    return await Promise.race([opening, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

function client(url: string, statementTimeoutMs: number, onClose: () => void = () => {}): Sql {
  return postgres(url, {
    max: 1,
    connect_timeout: 5,
    max_lifetime: 30 * 60,
    // Planning the search anew for each question's values costs more than running it; one plan serves all.
    connection: { application_name: 'askwell', statement_timeout: statementTimeoutMs, plan_cache_mode: 'force_generic_plan' },
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

export type { Fragment, LeaseTerms, PoolStatus, Sql }
