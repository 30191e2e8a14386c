import { AskError } from '../../errors.ts'
import {
  readDatabaseUrl,
  type DatabaseAddress,
  type ServerAddress,
  type WantedServer,
} from '../../config/database-url.ts'
import { startDriver, type ChooseServer, type Sql } from './driver.ts'

/** The servers of a DATABASE_URL, and which of them is used: by all connections the same one. */
export interface Servers {
  readonly address: DatabaseAddress
  /** The one that is used; looked for when it is not known, or in doubt. Rejects with `database_unavailable`. */
  readonly choose: ChooseServer
  /** A connection to it was lost or failed, or it is not what it was: the next to connect looks again. Null: whichever. */
  doubt(server?: ServerAddress | null): void
}

/** What a server says of itself. */
export interface ServerState {
  readonly isStandby: boolean
  /** A standby, or one that was told to take no writes. */
  readonly isReadOnly: boolean
}

/** To connect to one and hear what it is. */
const probeMs = 3000

export function openServers(url: string): Servers {
  const address = readDatabaseUrl(url)
  if (address === undefined) throw new Error('DATABASE_URL is not usable')
  const { servers, wanted } = address
  let current: ServerAddress | null = null
  let looking: Promise<ServerAddress> | undefined

  /** One server that may be anything needs no look. */
  const choose: ChooseServer = async () => {
    if (servers.length === 0) return null
    if (servers.length === 1 && wanted === 'any') return servers[0] as ServerAddress
    return current ?? (await (looking ??= look().finally(() => (looking = undefined))))
  }

  async function look(): Promise<ServerAddress> {
    return (current = await findServer(address as DatabaseAddress))
  }

  return { address, choose, doubt: server => void (!server || server === current ? (current = null) : null) }
}

export async function readServerState(sql: Sql): Promise<ServerState> {
  const [row] =
    await sql`select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as read_only`
  return { isStandby: row?.['standby'] === true, isReadOnly: row?.['read_only'] === true }
}

const fits: Readonly<Record<WantedServer, (state: ServerState) => boolean>> = {
  // Askwell writes: of several servers one that takes writes is the better one, and without one there are still answers.
  any: ({ isReadOnly }) => !isReadOnly,
  'read-write': ({ isReadOnly }) => !isReadOnly,
  'read-only': ({ isReadOnly }) => isReadOnly,
  primary: ({ isStandby }) => !isStandby,
  standby: ({ isStandby }) => isStandby,
  'prefer-standby': ({ isStandby }) => isStandby,
}

/** In the order of the URL. The first that fits; of `any` and `prefer-standby`, else the first that answers. */
async function findServer(address: DatabaseAddress): Promise<ServerAddress> {
  const met: string[] = []
  let error: unknown
  let other: ServerAddress | undefined
  for (const server of address.servers) {
    try {
      const state = await askServer(address, server)
      if (fits[address.wanted](state)) return server
      other ??= server
      met.push(`${server.host}:${server.port} is ${wordsOf(state)}`)
    } catch (cause) {
      error = cause
      met.push(`${server.host}:${server.port}: ${cause instanceof Error ? cause.message : String(cause)}`)
    }
  }
  if (other && (address.wanted === 'any' || address.wanted === 'prefer-standby')) return other
  // Nothing is wrong with what is wanted: none is there, or none lets us in.
  if (!other && error) throw error
  const cause = Object.assign(new Error(`DATABASE_URL wants a server that is ${address.wanted}: ${met.join('; ')}`), {
    code: 'NO_SUCH_SERVER',
  })
  throw new AskError('database_unavailable', {
    detail: `no server of DATABASE_URL is ${address.wanted}, as its target_session_attrs wants`,
    retryAfter: 1,
    cause,
  })
}

function wordsOf({ isStandby, isReadOnly }: ServerState): string {
  if (isStandby) return 'a standby'
  return isReadOnly ? 'a primary that takes no writes' : 'a primary'
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
