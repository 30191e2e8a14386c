import { randomUUID } from 'node:crypto'
import type { ServerAddress } from '../../config/database-url.ts'
import { AskError } from '../../errors.ts'
import { createLoginHealth, type OnLoginChange } from './login-health.ts'
import { openEmbedded } from './embedded.ts'
import { cancelOf, createBackends, type Backend } from './backends.ts'
import { openClient } from './client.ts'
import { databaseError, isStaleSession } from './errors.ts'
import { readServerConnections, type ServerConnections } from './server-connections.ts'
import { openServers } from './servers.ts'
import { openSideConnection, type SideConnection } from './side-connection.ts'
import { watchCollections, type CollectionWatch } from './collection-notifications.ts'
import { watchWrites, type TellWrites } from './write-access.ts'
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
  /** Calls `tell` when the server begins to refuse who connects, with what it says, and with null when it ceases to. */
  watchLogins(tell: OnLoginChange): void
  /** Calls `tell` with what a session met when all are replaced because the database was changed under them. */
  watchStale(tell: TellStale): void
  /** It takes no writes: a standby, or one that was told so. Known from what connections met, and looked at while it lasts. */
  readonly isReadOnly: () => boolean
  /** For whoever would write: where it took no writes it is asked again, now. */
  mayWrite(): Promise<boolean>
  /** Calls `tell` when it begins to refuse writes (false), and when it takes them again (true). */
  watchWrites(tell: TellWrites): void
  /** True when it answers now. Uses a connection of its own, so that a full pool does not look like a dead server. */
  ping(signal: AbortSignal): Promise<boolean>
  /** Resolves when it answers; rejects with what the driver said, or `deadline_exceeded` when nothing came. */
  answer(signal: AbortSignal): Promise<unknown>
  /** Who is connected, and what waits for a lock, as the server sees it; null where there is nobody else. Rejects as `answer` does. */
  connections(signal: AbortSignal): Promise<ServerConnections | null>
  status(): PoolStatus
  /** Tells of each lease from now on. */
  readonly observe: Pool['observe']
  close(): Promise<void>
}

/** Connects, checks the server and pgvector. Rejects with `database_unavailable` and the way out. */
export async function openDatabase(settings: DatabaseSettings, signal: AbortSignal = never): Promise<Database> {
  return await checked(
    settings.url === undefined ? await openInside(settings) : openServer(settings.url, settings),
    signal,
  )
}

const never = new AbortController().signal

export type TellStale = (error: unknown) => void

const renewalMs = 1000

/** Twice what the longest stage may take, and some. Uploads and migrations say that they take longer. */
const holdLimitMs = 60_000

function openServer(url: string, settings: DatabaseSettings): Unchecked {
  // For cancels, pings and reads aside: must work when the pool is exhausted.
  const admittance = createLoginHealth()
  const servers = openServers(url)
  const side = openSideConnection(servers, error => admittance.met('side', error))
  const backends = createBackends(servers)
  const writes = watchWrites(servers, { onWriter: () => (pool.renewAll(), side.renew()) })
  // A number says nothing to another server.
  const cancelBackend = async (_: number, backend: Backend) =>
    isSame(side.server(), backend.server)
      ? await side.ask(sql => cancelOf(sql, backend))
      : await backends.cancel(backend)
  const { statementTimeoutMs } = settings
  const pool = createPool({
    connect: onClose => openClient(servers, { name: 'askwell', statementTimeoutMs, onClose }),
    onOpened(error, isReadOnly) {
      admittance.met('pool', error)
      if (isReadOnly !== undefined) writes.heard(isReadOnly)
    },
    onReadOnly: () => writes.heard(true),
    onStale: renewSessions,
    size: settings.poolSize,
    maxOverflow: settings.poolMaxOverflow,
    maxWaiting: settings.poolMaxWaiting,
    statementTimeoutMs,
    // Where statements are not bounded, leases are not: a command that builds an index.
    holdLimitMs: statementTimeoutMs === 0 ? Infinity : holdLimitMs,
    cancelBackend,
    stateOf: backends.stateOf,
  })
  const watches: CollectionWatch[] = []
  let renewedAt = -Infinity
  let tellStale: TellStale = () => {}

  /** All that were opened before now: at most once a second, because many questions may meet it at once. */
  function renewSessions(error: unknown): void {
    const now = performance.now()
    if (now - renewedAt < renewalMs) return
    renewedAt = now
    pool.renewAll()
    side.renew()
    for (const each of watches) each.renew()
    tellStale(error)
  }

  const close = async () => {
    await Promise.all([writes, ...watches].map(each => each.close()))
    await pool.close()
    await side.close()
  }
  const watch = (onCollection: (name?: string) => void) => void watches.push(watchCollections(servers, onCollection))
  const aside: Pool['lease'] = async ({ signal }, work) => {
    try {
      return await side.ask(work, signal)
    } catch (error) {
      if (isStaleSession(error)) renewSessions(error)
      throw signal.aborted ? signal.reason : databaseError(error)
    }
  }
  const answer = (signal: AbortSignal) => side.ask(sql => sql`select 1`, signal)
  const ping = (signal: AbortSignal) =>
    answer(signal).then(
      () => true,
      () => false,
    )
  const connections = (signal: AbortSignal) => side.ask(readServerConnections, signal)
  return {
    kind: 'postgres',
    lease: pool.lease,
    aside,
    status: pool.status,
    observe: pool.observe,
    watch,
    watchLogins: admittance.watch,
    watchStale: tell => void (tellStale = tell),
    isReadOnly: writes.isReadOnly,
    mayWrite: writes.mayWrite,
    watchWrites: writes.watch,
    ping,
    answer,
    connections,
    close,
    checkConnection: sql => checkSession(sql, side),
  }
}

/**
 * The embedded engine runs one query at a time, and its socket server lets the protocol messages of two
 * connections interleave outside transactions, so that one may execute what the other bound. One connection,
 * leased in turn, loses nothing and is always right. It cannot cancel a query: late results are dropped.
 */
async function openInside(settings: DatabaseSettings): Promise<Unchecked> {
  const server = await openEmbedded(settings.dataDir)
  const connect = (onClose: () => void) =>
    openClient(server.url, { name: 'askwell', statementTimeoutMs: settings.statementTimeoutMs, onClose })
  const pool = createPool({ connect, size: 1, maxOverflow: 0, maxWaiting: settings.poolMaxWaiting })
  const close = async () => {
    await pool.close()
    await server.close()
  }
  const answer = async () => {
    if (!server.isAlive()) throw new AskError('database_unavailable', { detail: 'the embedded database has ended' })
  }
  return {
    kind: 'embedded',
    lease: pool.lease,
    aside: pool.lease,
    status: pool.status,
    observe: pool.observe,
    watch() {},
    watchLogins() {},
    watchStale() {},
    isReadOnly: () => false,
    mayWrite: async () => true,
    watchWrites() {},
    ping: async () => server.isAlive(),
    answer,
    connections: async () => null,
    close,
  }
}

function isSame(one: ServerAddress | null, other: ServerAddress | null): boolean {
  return one?.host === other?.host && one?.port === other?.port
}

interface Unchecked extends Omit<Database, 'version'> {
  /** Whatever else must hold of a connection. */
  readonly checkConnection?: (sql: Sql) => Promise<void>
}

async function checked({ checkConnection, ...database }: Unchecked, signal: AbortSignal): Promise<Database> {
  try {
    return {
      ...database,
      version: await database.lease({ signal, label: 'check' }, async sql => {
        await checkConnection?.(sql)
        return await checkServer(sql)
      }),
    }
  } catch (error) {
    await database.close()
    throw error
  }
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

/**
 * A pooler that gives a connection to another client between two statements gives away what is set on it, and a query
 * that is cancelled by the number of its backend is then somebody else's. It shows when another holds on to one: what
 * was set is no longer there, or is there for the other.
 */
async function checkSession(sql: Sql, side: SideConnection): Promise<void> {
  const token = randomUUID()
  await sql`select set_config('askwell.session', ${token}, false)`
  const [theirs, ours] = await side.ask(other =>
    other.begin(async held => [
      await held`select current_setting('askwell.session', true) as token`,
      await sql`select current_setting('askwell.session', true) as token`,
    ]),
  )
  if (ours[0]?.['token'] === token && theirs[0]?.['token'] !== token) return
  const detail =
    'the connection pooler in front of the database shares connections between statements (transaction mode), by which one would cancel the queries of others: ' +
    'set it to session mode, or name the database itself in DATABASE_URL'
  throw new AskError('database_unavailable', { detail })
}

function isBelow(version: string, [major, minor]: [number, number]): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number)
  return a < major || (a === major && b < minor)
}

function tooOld(found: string, wanted: string): AskError {
  return new AskError('database_unavailable', { detail: `the database has ${found}; Askwell needs ${wanted} or newer` })
}

function missingVector(): AskError {
  const detail =
    'the database server lacks pgvector: install it (package postgresql-NN-pgvector, or the image pgvector/pgvector)'
  return new AskError('database_unavailable', { detail })
}

export type { Fragment, LeaseTerms, PoolStatus, Sql }
