import type { FollowSecret } from '../../config/terms.ts'
import { AskError } from '../../errors.ts'
import {
  databaseUrlFault,
  readDatabaseUrl,
  type DatabaseAddress,
  type ServerAddress,
  type WantedServer,
} from '../../config/database-url.ts'
import { checkFiles } from './tls.ts'
import { startDriver, type ChooseServer, type Sql } from './driver.ts'

/** The servers of a DATABASE_URL and the one in use, which is the same for all connections. */
export interface Servers {
  readonly address: DatabaseAddress
  /** Returns the server in use, and searches for it if unknown or in doubt. Rejects with `database_unavailable`. */
  readonly choose: ChooseServer
  /**
   * A connection to the server was lost or failed, or its state changed: the next connection searches again. Null for
   * any server.
   */
  doubt(server?: ServerAddress | null): void
}

/** State of a server, as it reports it. */
export interface ServerState {
  readonly isStandby: boolean
  /** A standby, or a server that was made read-only. */
  readonly isReadOnly: boolean
}

/** Limit for connecting to a server and reading its state. */
const probeMs = 3000

export function openServers(url: string, follow: FollowSecret = () => {}): Servers {
  let address = readDatabaseUrl(url)
  if (address === undefined) throw new Error(`DATABASE_URL is invalid: it ${databaseUrlFault(url)}`)
  checkFiles(address.tls)
  // Only the login: open connections and what was read from them belong to the database of the start.
  follow('DATABASE_URL', text => {
    const { user, password } = readDatabaseUrl(text) ?? {}
    if (password !== undefined)
      address = { ...(address as DatabaseAddress), ...(user !== undefined && { user }), password }
  })
  const { servers, wanted } = address
  let current: ServerAddress | null = null
  let searching: Promise<ServerAddress> | undefined

  /** A single server without a required state needs no check. */
  const choose: ChooseServer = async () => {
    if (servers.length === 0) return null
    if (servers.length === 1 && wanted === 'any') return servers[0] as ServerAddress
    return current ?? (await (searching ??= search().finally(() => (searching = undefined))))
  }

  async function search(): Promise<ServerAddress> {
    return (current = await findServer(address as DatabaseAddress))
  }

  return {
    get address() {
      return address as DatabaseAddress
    },
    choose,
    doubt: server => void (!server || server === current ? (current = null) : null),
  }
}

export async function readServerState(sql: Sql): Promise<ServerState> {
  const [row] =
    await sql`select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as read_only`
  return { isStandby: row?.['standby'] === true, isReadOnly: row?.['read_only'] === true }
}

const matches: Readonly<Record<WantedServer, (state: ServerState) => boolean>> = {
  // Askwell writes, so a writable server is preferred. Without one there are still answers.
  any: ({ isReadOnly }) => !isReadOnly,
  'read-write': ({ isReadOnly }) => !isReadOnly,
  'read-only': ({ isReadOnly }) => isReadOnly,
  primary: ({ isStandby }) => !isStandby,
  standby: ({ isStandby }) => isStandby,
  'prefer-standby': ({ isStandby }) => isStandby,
}

/**
 * Returns the first server, in the order of the URL, that matches. With `any` and `prefer-standby`, falls back to the
 * first that responds.
 */
async function findServer(address: DatabaseAddress): Promise<ServerAddress> {
  const findings: string[] = []
  let error: unknown
  let fallback: ServerAddress | undefined
  for (const server of address.servers) {
    try {
      const state = await askServer(address, server)
      if (matches[address.wanted](state)) return server
      fallback ??= server
      findings.push(`${server.host}:${server.port} is ${describe(state)}`)
    } catch (cause) {
      error = cause
      findings.push(`${server.host}:${server.port}: ${cause instanceof Error ? cause.message : String(cause)}`)
    }
  }
  if (fallback && (address.wanted === 'any' || address.wanted === 'prefer-standby')) return fallback
  // The target is not at fault: no server is up, or none accepts us.
  if (!fallback && error) throw error
  const cause = Object.assign(
    new Error(`DATABASE_URL requires a server that is ${address.wanted}: ${findings.join('; ')}`),
    {
      code: 'NO_SUCH_SERVER',
    },
  )
  throw new AskError('database_unavailable', {
    detail: `no server of DATABASE_URL is ${address.wanted}, as its target_session_attrs requires`,
    retryAfter: 1,
    cause,
  })
}

function describe({ isStandby, isReadOnly }: ServerState): string {
  if (isStandby) return 'a standby'
  return isReadOnly ? 'a read-only primary' : 'a primary'
}

async function askServer(address: DatabaseAddress, server: ServerAddress): Promise<ServerState> {
  const driver = startDriver(
    address,
    async () => server,
    { name: 'askwell', statementTimeoutMs: probeMs },
    () => {},
  )
  const limit = setTimeout(driver.destroy, probeMs)
  try {
    return await readServerState(driver.sql)
  } finally {
    clearTimeout(limit)
    void driver.end(1000)
  }
}
