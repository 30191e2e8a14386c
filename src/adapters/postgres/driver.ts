import postgres from 'postgres'
import type { DatabaseAddress, ServerAddress } from '../../config/database-url.ts'
import { dial } from './dial.ts'
import { openLine, type Line, type Traffic } from './line.ts'
import { createHandshake } from './handshake.ts'
import { preparationOf } from './session.ts'
import { arrayTypes } from './arrays.ts'

export type Sql = postgres.Sql<Record<never, never>>

/** A row of a result, before its values are converted. */
export type Row = Record<string, unknown>

export interface DriverTerms {
  readonly name: string
  /** The server's own limit per statement; 0 for none. */
  readonly statementTimeoutMs: number
  readonly onNotify?: (channel: string, payload: string) => void
  /** Leaves the session as the server starts it. */
  readonly isBare?: boolean
}

/** Options that the driver's types leave out. */
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

/** What the URL says, or PGUSER and its like, which the driver has read. */
interface Credentials {
  readonly user: string
  readonly pass: string | null
}

/** postgres.js for the lifetime of one physical connection. It cannot be trusted to reconnect by itself. */
export interface Driver {
  readonly sql: Sql
  /** Null before the connection was opened. */
  traffic(): Traffic | null
  /** Null until known. */
  server(): ServerAddress | null
  end(graceMs: number): Promise<void>
  destroy(): void
}

export const defaultConnectSeconds = 5

/** Chooses the server to connect to. Null to use PGHOST and PGPORT, or localhost. */
export type ChooseServer = (signal: AbortSignal) => Promise<ServerAddress | null>

/** `onClose` is called when the connection was lost or could not be opened. The driver is unusable after that. */
export function startDriver(
  address: DatabaseAddress,
  choose: ChooseServer,
  { name, statementTimeoutMs, onNotify, isBare }: DriverTerms,
  onClose: () => void,
): Driver {
  let line: Line | undefined
  let server: ServerAddress | null = null
  const lost = async (lostLine: Line) => {
    onClose()
    await sql.end({ timeout: 0 }).catch(() => {})
    lostLine.finish()
  }
  const open = (target: Target) => {
    if (line)
      return openLine(
        () => Promise.reject(destroyed()),
        lostLine => void lost(lostLine),
      )
    line = openLine(
      async signal => {
        server = (await choose(signal)) ?? defaultServer(target)
        return await dial(server, address, signal)
      },
      lostLine => void lost(lostLine),
      handshake,
    )
    // The driver uses these in its error messages.
    return Object.assign(line, { host: target.host[0], port: target.port[0] })
  }
  const options: DriverOptions = {
    ...driverAddress(address),
    max: 1,
    connect_timeout: address.connectSeconds ?? defaultConnectSeconds,
    max_lifetime: null,
    ssl: false,
    fetch_types: false,
    types: arrayTypes as never,
    connection: { application_name: name, ...address.parameters },
    socket: open,
    onnotice: () => {},
    transform: { undefined: null },
    ...(onNotify && { onnotify: onNotify }),
  }
  const sql = postgres(options as unknown as postgres.Options<Record<string, never>>) as Sql
  const { user, pass } = sql.options as unknown as Credentials
  const handshake = createHandshake({
    user,
    password: pass ?? '',
    wish: address.login,
    preparation: isBare ? null : preparationOf(statementTimeoutMs),
    onFailed: error => line?.destroy(error as Error),
  })
  const destroy = () => {
    sql.end({ timeout: 0 }).catch(() => {})
    line?.destroy(destroyed())
  }
  const end = async (graceMs: number) => {
    await sql.end({ timeout: graceMs / 1000 }).catch(() => {})
    destroy()
  }
  return { sql, traffic: () => line?.traffic ?? null, server: () => server, end, destroy }
}

/** Host and port from PGHOST and its like, which the driver has read if the URL has none. */
function defaultServer({ host, port, path }: Target): ServerAddress {
  return { host: host[0] ?? 'localhost', port: port[0] ?? 5432, path: path || null }
}

function driverAddress({ servers: [server], user, password, database }: DatabaseAddress) {
  return {
    ...(server && { host: [server.host], port: [server.port] }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
  }
}

function destroyed(): Error {
  return Object.assign(new Error('the connection was destroyed'), { code: 'CONNECTION_DESTROYED' })
}
