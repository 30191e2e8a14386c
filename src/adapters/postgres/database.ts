import type { ServerAddress } from '../../config/database-url.ts'
import type { FollowSecret } from '../../config/terms.ts'
import { AskError } from '../../errors.ts'
import { silent, type Events } from '../../events.ts'
import { createLoginHealth } from './login-health.ts'
import { openEmbedded } from './embedded.ts'
import { cancelOf, createBackends, type Backend } from './backends.ts'
import { openClient, openLimitMs } from './client.ts'
import type { Row } from './driver.ts'
import { databaseError, isStaleSession } from './errors.ts'
import { readServerConnections, type ServerConnections } from './server-connections.ts'
import { rejectSharedConnections } from './pooler-check.ts'
import { openServers, type Servers } from './servers.ts'
import { openSideConnection } from './side-connection.ts'
import { watchCollections, type CollectionWatch } from './collection-notifications.ts'
import { watchWrites } from './write-access.ts'
import { createPool, type Fragment, type LeaseTerms, type Pool, type PoolStatus, type Sql } from './pool.ts'
import type { PoolEvents } from './pool-terms.ts'

export interface DatabaseSettings {
  /** Undefined for the embedded database. */
  readonly url: string | undefined
  /** Folder of the embedded database; undefined to keep it in memory. */
  readonly dataDir: string | undefined
  readonly poolSize: number
  readonly poolMaxOverflow: number
  readonly poolMaxWaiting: number
  /** The server's own limit per statement, a backstop for our deadlines. */
  readonly statementTimeoutMs: number
}

export interface OpenDatabaseOptions {
  /** Aborts the opening. */
  readonly signal?: AbortSignal
  readonly events?: DatabaseEvents
  /** Follows the password of the URL, for new connections. */
  readonly follow?: FollowSecret
}

type DatabaseEvents = PoolEvents & Pick<Events, 'loginsChanged' | 'writesChanged' | 'databaseReplaced'>

export interface Database {
  readonly kind: 'postgres' | 'embedded'
  /** Human-readable, such as "PostgreSQL 17.2, pgvector 0.8.0". */
  readonly version: string
  /** Exclusive use of one connection while `work` runs; see {@link createPool}. */
  readonly lease: Pool['lease']
  /**
   * Runs on a connection shared by all callers, outside the pool: for short reads that must work even while the pool is
   * exhausted. Rejects as a lease does.
   */
  readonly aside: Pool['lease']
  /**
   * Calls `onCollection` with the name of each collection that changes, and without a name when changes may have been
   * missed. Connects in the background and reconnects after a failure. The embedded database sends nothing because
   * nothing else writes to it.
   */
  watch(onCollection: (name?: string) => void): void
  /**
   * Whether the database rejects writes: it is a standby or was made read-only. Known from what connections met, and
   * polled while it lasts.
   */
  readonly isReadOnly: () => boolean
  /** For callers that want to write: if the database was read-only, it is asked again now. */
  mayWrite(): Promise<boolean>
  /**
   * Resolves to true if the database responds. Uses a separate connection, so that an exhausted pool does not look like
   * a dead server.
   */
  ping(signal: AbortSignal): Promise<boolean>
  /**
   * Resolves when the database responds; rejects with the driver's error, or `deadline_exceeded` if there was no reply.
   */
  answer(signal: AbortSignal): Promise<unknown>
  /**
   * The server's view of its connections and lock waits; null for the embedded database, which has no other clients.
   * Rejects as `answer` does.
   */
  connections(signal: AbortSignal): Promise<ServerConnections | null>
  status(): PoolStatus
  close(): Promise<void>
}

/** Connects and checks the server and pgvector. Rejects with `database_unavailable` and what to do. */
export async function openDatabase(
  settings: DatabaseSettings,
  { signal = never, events = silent, follow }: OpenDatabaseOptions = {},
): Promise<Database> {
  return await checked(
    settings.url === undefined
      ? await openEmbeddedDatabase(settings, events)
      : openServer(openServers(settings.url, follow), settings, events),
    signal,
  )
}

const never = new AbortController().signal

const renewalMs = 1000

/** More than twice the longest stage. Uploads and migrations set a longer limit themselves. */
const holdLimitMs = 60_000

function openServer(servers: Servers, settings: DatabaseSettings, events: DatabaseEvents): Unchecked {
  // The side connection serves cancels, pings and `aside` reads, so it must work when the pool is exhausted.
  const loginHealth = createLoginHealth(events.loginsChanged)
  const side = openSideConnection(servers, error => loginHealth.record('side', error))
  const backends = createBackends(servers)
  const onWritesChange = (isWritable: boolean) => {
    if (isWritable) renewAll()
    events.writesChanged(isWritable)
  }
  const writes = watchWrites(servers, { onChange: onWritesChange })
  // A pid is only meaningful to its own server.
  const cancelBackend = async (_: number, backend: Backend) =>
    isSame(side.server(), backend.server)
      ? await side.ask(sql => cancelOf(sql, backend))
      : await backends.cancel(backend)
  const { statementTimeoutMs } = settings
  const pool = createPool({
    connect: onClose => openClient(servers, { name: 'askwell', statementTimeoutMs, onClose }),
    onOpened(error, isReadOnly) {
      loginHealth.record('pool', error)
      if (isReadOnly !== undefined) writes.observe(isReadOnly)
    },
    onReadOnly: () => writes.observe(true),
    onStale: renewSessions,
    size: settings.poolSize,
    maxOverflow: settings.poolMaxOverflow,
    maxWaiting: settings.poolMaxWaiting,
    statementTimeoutMs,
    // If statements are unbounded, so are leases: a command that builds an index.
    holdLimitMs: statementTimeoutMs === 0 ? Infinity : holdLimitMs,
    openLimitMs: openLimitMs(servers.address),
    cancelBackend,
    stateOf: backends.stateOf,
    events,
  })
  const watches: CollectionWatch[] = []
  let renewedAt = -Infinity
  const renewAll = () => (pool.renewAll(), side.renew())

  /**
   * Replaces all sessions opened before now, at most once per second because many questions may meet the error at the
   * same time.
   */
  function renewSessions(error: unknown): void {
    const now = performance.now()
    if (now - renewedAt < renewalMs) return
    renewedAt = now
    renewAll()
    for (const each of watches) each.renew()
    events.databaseReplaced(error)
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
    watch,
    isReadOnly: writes.isReadOnly,
    mayWrite: writes.mayWrite,
    ping,
    answer,
    connections,
    close,
    check: signal => rejectSharedConnections(servers, signal),
  }
}

/**
 * The embedded engine runs one query at a time, and its socket server interleaves the protocol messages of two
 * connections outside transactions, so that one may execute what the other bound. A single connection, leased in turn,
 * costs nothing and is always correct. It cannot cancel a query; late results are dropped.
 */
async function openEmbeddedDatabase(settings: DatabaseSettings, events: DatabaseEvents): Promise<Unchecked> {
  const server = await openEmbedded(settings.dataDir)
  const connect = (onClose: () => void) =>
    openClient(server.url, { name: 'askwell', statementTimeoutMs: settings.statementTimeoutMs, onClose })
  const pool = createPool({ connect, size: 1, maxOverflow: 0, maxWaiting: settings.poolMaxWaiting, events })
  const close = async () => {
    await pool.close()
    await server.close()
  }
  const answer = async () => {
    if (!server.isAlive())
      throw new AskError('database_unavailable', { detail: 'The embedded database has stopped; restart Askwell.' })
  }
  return {
    kind: 'embedded',
    lease: pool.lease,
    aside: pool.lease,
    status: pool.status,
    watch() {},
    isReadOnly: () => false,
    mayWrite: async () => true,
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
  /** Checks what is between us and the server. */
  readonly check?: (signal: AbortSignal) => Promise<void>
}

async function checked({ check, ...database }: Unchecked, signal: AbortSignal): Promise<Database> {
  try {
    await check?.(signal)
    return { ...database, version: await database.lease({ signal, label: 'check' }, checkServer) }
  } catch (error) {
    await database.close()
    throw error
  }
}

async function checkServer(sql: Sql): Promise<string> {
  const [row] = await sql`
    select split_part(version(), ' ', 1) as product, current_setting('server_version_num')::int as number,
      current_setting('server_version') as version, (select default_version from pg_available_extensions where name = 'vector') as vector,
      current_database() as database, current_user as role, current_setting('server_encoding') as encoding, current_schema() as schema,
      current_setting('search_path') as path, current_setting('session_replication_role') as replication`
  const vector = row?.['vector'] as string | null
  if (row?.['product'] !== 'PostgreSQL') throw unsuitable(`the server is ${row?.['product']}; Askwell needs PostgreSQL`)
  if (Number(row?.['number']) < 150_000) throw tooOld(`PostgreSQL ${row?.['version']}`, 'PostgreSQL 15')
  if (vector === null) throw missingVector()
  if (isBelow(vector, [0, 8])) throw tooOld(`pgvector ${vector}`, 'pgvector 0.8')
  checkDefaults(row)
  return `PostgreSQL ${row?.['version']}, pgvector ${vector}`
}

/** Checks what only an administrator can change. */
function checkDefaults(row: Row): void {
  const [database, role, encoding, path, replication] = ['database', 'role', 'encoding', 'path', 'replication'].map(
    name => String(row[name]),
  )
  if (encoding !== 'UTF8')
    throw unsuitable(
      `the database "${database}" has the encoding ${encoding}; Askwell needs UTF8: create it with "create database NAME encoding 'UTF8' template template0"`,
    )
  if (row['schema'] === null)
    throw unsuitable(
      `no schema of the search_path (${path}) exists, or the role "${role}" may not use it: create one, or set schema=NAME in DATABASE_URL`,
    )
  // Without triggers the marks of epochs stay as they are, and cached answers outlive their documents.
  if (replication !== 'origin')
    throw unsuitable(
      `session_replication_role is ${replication}, which turns triggers off: run: alter role "${role}" reset session_replication_role; and the same for the database`,
    )
}

function isBelow(version: string, [major, minor]: [number, number]): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number)
  return a < major || (a === major && b < minor)
}

function tooOld(found: string, wanted: string): AskError {
  return unsuitable(`the database has ${found}; Askwell needs ${wanted} or newer`)
}

function unsuitable(detail: string): AskError {
  return new AskError('database_unavailable', { detail })
}

function missingVector(): AskError {
  const detail =
    'the database server lacks pgvector: install it (package postgresql-NN-pgvector, or the image pgvector/pgvector)'
  return new AskError('database_unavailable', { detail })
}

export type { Fragment, LeaseTerms, PoolStatus, Sql }
