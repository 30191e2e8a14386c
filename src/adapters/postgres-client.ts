import { connect, type Socket } from 'node:net'
import postgres from 'postgres'
import { arrayTypes } from './postgres-arrays.ts'

export type Sql = postgres.Sql<Record<never, never>>

/** One connection: postgres.js opens it when it is wanted, and again when it is lost. */
export interface Client {
  readonly sql: Sql
  /** After what runs, `graceMs` at the longest; a server that is deaf is not waited for longer. */
  end(graceMs: number): Promise<void>
  /** Now: what runs rejects with `CONNECTION_DESTROYED` or `CONNECTION_CLOSED`, and the server finds it closed. */
  destroy(): void
}

export interface ClientOptions {
  readonly name: string
  /** The server's own bound on a statement; 0: none. */
  readonly statementTimeoutMs: number
  readonly onClose?: () => void
  readonly onNotify?: (channel: string, payload: string) => void
}

/** What the driver's types leave out. */
interface DriverOptions extends postgres.Options<Record<string, never>> {
  readonly socket: (target: Target) => Socket
  readonly onnotify?: (channel: string, payload: string) => void
}

interface Target {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path: string | false
}

/** The driver closes one that is older, as soon as it is idle. */
export const lifetimeSeconds = 30 * 60
/** For one that stays closed the driver waits longer and longer, up to 20 s: a server that is back must be found at once. */
const reconnectSeconds = 0.1

/** Planning the search anew for each question's values costs more than running it; one plan serves all. */
export const planCacheMode = 'force_generic_plan'

/**
 * A client whose socket is ours: the driver says goodbye and waits for the server to hang up, which one that is frozen
 * or cut off never does. Such a socket would stay open, and the process with it.
 */
export function openClient(url: string, { name, statementTimeoutMs, onClose, onNotify }: ClientOptions): Client {
  const sockets = createSockets()
  const options: DriverOptions = {
    max: 1,
    connect_timeout: 5,
    max_lifetime: onNotify ? null : lifetimeSeconds,
    backoff: () => reconnectSeconds,
    fetch_types: false,
    types: arrayTypes as never,
    connection: { application_name: name, statement_timeout: statementTimeoutMs, plan_cache_mode: planCacheMode },
    socket: sockets.open,
    onnotice: () => {},
    transform: { undefined: null },
    ...(onClose && { onclose: onClose }),
    ...(onNotify && { onnotify: onNotify }),
  }
  const sql = postgres(url, options) as Sql
  const destroy = () => {
    sql.end({ timeout: 0 }).catch(() => {})
    sockets.destroy()
  }
  const end = async (graceMs: number) => {
    await sql.end({ timeout: graceMs / 1000 }).catch(() => {})
    destroy()
  }
  return { sql, end, destroy }
}

/** The sockets of one client: one at a time, at the next address of the list after each that was lost. */
function createSockets() {
  let current: Socket | undefined
  let opened = 0
  let isDestroyed = false

  function open({ host, port, path }: Target): Socket {
    // After its end the driver may be in the middle of another try.
    if (isDestroyed) throw Object.assign(new Error('the connection was given up'), { code: 'CONNECTION_DESTROYED' })
    const at = opened++ % port.length
    const address = { host: host[at], port: port[at] as number }
    current = path ? connect(path) : connect({ ...address, host: address.host as string })
    // The driver reads the name for its certificate and for the words of its errors from here.
    return Object.assign(current, path ? {} : address)
  }

  function destroy(): void {
    isDestroyed = true
    current?.destroy()
  }

  return { open, destroy }
}
