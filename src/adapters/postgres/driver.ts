import postgres from 'postgres'
import type { DatabaseAddress, ServerAddress } from '../../config/database-url.ts'
import { dial } from './dial.ts'
import { openLine, type Line, type Traffic } from './line.ts'
import { arrayTypes } from './arrays.ts'

export type Sql = postgres.Sql<Record<never, never>>

/** Planning the search anew for each question's values costs more than running it; one plan serves all. */
export const planCacheMode = 'force_generic_plan'

export interface DriverTerms {
  readonly name: string
  /** The server's own bound on a statement; 0: none. */
  readonly statementTimeoutMs: number
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

/** postgres.js for the length of one physical connection: it cannot be trusted to open another by itself. */
export interface Driver {
  readonly sql: Sql
  /** Null before it was opened. */
  traffic(): Traffic | null
  /** Null until it is known. */
  server(): ServerAddress | null
  end(graceMs: number): Promise<void>
  destroy(): void
}

/** Which server to open the connection to. Null: what PGHOST and PGPORT say, or localhost. */
export type ChooseServer = (signal: AbortSignal) => Promise<ServerAddress | null>

/** `onClose` is told when the connection was lost, or could not be opened: this driver is of no more use then. */
export function startDriver(
  address: DatabaseAddress,
  choose: ChooseServer,
  { name, statementTimeoutMs, onNotify }: DriverTerms,
  onClose: () => void,
): Driver {
  let line: Line | undefined
  let server: ServerAddress | null = null
  const lost = async (each: Line) => {
    onClose()
    await sql.end({ timeout: 0 }).catch(() => {})
    each.finish()
  }
  const open = (target: Target) => {
    if (line)
      return openLine(
        () => Promise.reject(givenUp()),
        each => void lost(each),
      )
    line = openLine(
      async signal => {
        server = (await choose(signal)) ?? usualServer(target)
        return await dial(server, address.tls, signal)
      },
      each => void lost(each),
    )
    // The driver reads them for the words of its errors.
    return Object.assign(line, { host: target.host[0], port: target.port[0] })
  }
  const options: DriverOptions = {
    ...driverAddress(address),
    max: 1,
    connect_timeout: 5,
    max_lifetime: null,
    ssl: false,
    fetch_types: false,
    types: arrayTypes as never,
    connection: {
      application_name: name,
      statement_timeout: statementTimeoutMs,
      plan_cache_mode: planCacheMode,
      ...address.parameters,
    },
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
  return { sql, traffic: () => line?.traffic ?? null, server: () => server, end, destroy }
}

/** The driver has read what PGHOST and its like say, where the URL says nothing. */
function usualServer({ host, port, path }: Target): ServerAddress {
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

function givenUp(): Error {
  return Object.assign(new Error('the connection was given up'), { code: 'CONNECTION_DESTROYED' })
}
