import postgres from 'postgres'
import { readDatabaseUrl, type DatabaseAddress, type ServerAddress } from '../database-url.ts'
import { dial } from './dial.ts'
import { openLine, type Line } from './line.ts'
import { arrayTypes } from './postgres-arrays.ts'

export type Sql = postgres.Sql<Record<never, never>>

/** One connection at a time: opened when it is wanted, and another when that is lost. */
export interface Client {
  /**
   * The connection that is open, or a new one. Of one that was lost every statement rejects, also those that come later: the
   * rest of a transaction must not run on the next connection, outside of it.
   */
  readonly sql: Sql
  /** Of the connection that is open: see {@link Line}; null when none is. */
  readonly traffic: Line['traffic'] | null
  /** Lets go of the connection when what runs on it is done; the next is a new one. */
  renew(): void
  /** After what runs, `graceMs` at the longest; a server that is deaf is not waited for longer. */
  end(graceMs: number): Promise<void>
  /** Now: what runs rejects with `CONNECTION_DESTROYED`, and the server finds it closed. */
  destroy(): void
}

export interface ClientOptions {
  readonly name: string
  /** The server's own bound on a statement; 0: none. */
  readonly statementTimeoutMs: number
  /** Of each connection that was open, or could not be opened. */
  readonly onClose?: () => void
  readonly onNotify?: (channel: string, payload: string) => void
}

/** What the driver's types leave out. */
interface DriverOptions extends Omit<postgres.Options<Record<string, never>>, 'host' | 'port'> {
  readonly host?: readonly string[]
  readonly port?: readonly number[]
  readonly socket: (target: Target) => Line
  readonly onnotify?: (channel: string, payload: string) => void
}

interface Target {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path: string | false
}

/** One that is older is closed as soon as it is idle. */
export const lifetimeSeconds = 30 * 60
const renewMs = 10_000

/** Planning the search anew for each question's values costs more than running it; one plan serves all. */
export const planCacheMode = 'force_generic_plan'

export function openClient(url: string, options: ClientOptions): Client {
  const address = readDatabaseUrl(url)
  if (address === undefined) throw new Error('DATABASE_URL is not usable')
  let current: Driver | undefined
  let opened = 0
  let isOver = false

  /** The next of several servers after each connection that was lost. */
  function start(): Driver {
    const driver: Driver = startDriver(address as DatabaseAddress, opened++, options, () => {
      if (current !== driver) return
      if (!isOver) current = undefined
      options.onClose?.()
    })
    if (isOver) driver.destroy()
    return driver
  }

  return {
    get sql() {
      return (current ??= start()).sql
    },
    get traffic() {
      return current?.traffic() ?? null
    },
    renew() {
      void current?.end(renewMs)
      current = undefined
    },
    async end(graceMs) {
      isOver = true
      await current?.end(graceMs)
    },
    destroy() {
      isOver = true
      current?.destroy()
    },
  }
}

/** postgres.js for the length of one physical connection: it cannot be trusted to open another by itself. */
interface Driver extends Pick<Client, 'end' | 'destroy'> {
  readonly sql: Sql
  traffic(): Line['traffic'] | null
}

function startDriver(address: DatabaseAddress, nth: number, { name, statementTimeoutMs, onNotify }: ClientOptions, onClose: () => void): Driver {
  let line: Line | undefined
  const lost = async (each: Line) => {
    onClose()
    await sql.end({ timeout: 0 }).catch(() => {})
    each.finish()
  }
  // The driver has read what PGHOST and its like say, where the URL says nothing.
  const serverOf = ({ host, port, path }: Target): ServerAddress =>
    address.servers[nth % address.servers.length] ?? { host: host[0] ?? 'localhost', port: port[0] ?? 5432, path: path || null }
  const open = (target: Target) => {
    const isFirst = line === undefined
    const server = serverOf(target)
    line = openLine(signal => (isFirst ? dial(server, address.tls, signal) : Promise.reject(givenUp())), each => void lost(each))
    // The driver reads them for the words of its errors.
    return Object.assign(line, server.path === null ? { host: server.host, port: server.port } : {})
  }
  const options: DriverOptions = {
    ...driverAddress(address, nth),
    max: 1,
    connect_timeout: 5,
    max_lifetime: null,
    ssl: false,
    fetch_types: false,
    types: arrayTypes as never,
    connection: { application_name: name, statement_timeout: statementTimeoutMs, plan_cache_mode: planCacheMode, ...address.parameters },
    socket: open,
    onnotice: () => {},
    transform: { undefined: null },
    ...(onNotify && { onnotify: onNotify }),
  }
  const sql = postgres(options as unknown as postgres.Options<Record<string, never>>) as Sql
  const destroy = () => {
    sql.end({ timeout: 0 }).catch(() => {})
    line?.destroy(givenUp())
  }
  const end = async (graceMs: number) => {
    await sql.end({ timeout: graceMs / 1000 }).catch(() => {})
    destroy()
  }
  return { sql, traffic: () => line?.traffic ?? null, end, destroy }
}

function driverAddress({ servers, user, password, database }: DatabaseAddress, nth: number) {
  const server = servers[nth % servers.length]
  return {
    ...(server && { host: [server.host], port: [server.port] }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
  }
}

function givenUp(): Error {
  return Object.assign(new Error('the connection was given up'), { code: 'CONNECTION_DESTROYED' })
}
