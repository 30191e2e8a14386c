import type { ServerAddress } from '../../config/database-url.ts'
import { startDeadline } from '../../resilience/deadline.ts'
import { lifetimeSeconds, openClient, type Sql } from './client.ts'
import type { Servers } from './servers.ts'

/** A connection beside the pool, that all share. */
export interface SideConnection {
  /** Rejects with what the server said, the signal's reason, or `deadline_exceeded` when nothing came. */
  ask<T>(work: (sql: Sql) => Promise<T>, signal?: AbortSignal): Promise<T>
  /** That it is connected to; null: to none. */
  server(): ServerAddress | null
  /** The next to ask finds a new connection. */
  renew(): void
  close(): Promise<void>
}

/** Its statements are short: the server ends one that is not, and so shows that it is there. */
const statementMs = 5000
/** Silent for longer: frozen, or cut off. A connection that is cut off would stay so for minutes before TCP finds out. */
const silentMs = 6000

const never = new AbortController().signal

/** A connection that is silent is given up for a new one, so that it can be used again as soon as the server can. */
export function openSideConnection(servers: Servers, onAsked: (error: unknown) => void = () => {}): SideConnection {
  const open = () => openClient(servers, { name: 'askwell', statementTimeoutMs: statementMs })
  let client = open()
  let openedAt = performance.now()
  let underWay = 0
  let isClosed = false

  async function ask<T>(work: (sql: Sql) => Promise<T>, signal: AbortSignal = never): Promise<T> {
    signal.throwIfAborted()
    if (underWay === 0 && performance.now() - openedAt >= lifetimeSeconds * 1000) renew()
    const asked = client
    const limit = startDeadline('the database', silentMs, never)
    underWay++
    const answer = Promise.race([work(asked.sql), limit.expired])
    answer.then(() => onAsked(null), onAsked)
    // Watched also when the one who asked does not wait that long.
    answer.catch(() => limit.signal.aborted && replace(asked)).finally(() => (limit.stop(), underWay--))
    return await until(signal, answer)
  }

  function replace(silent: typeof client): void {
    silent.destroy()
    if (client === silent && !isClosed) client = open()
  }

  function renew(): void {
    client.renew()
    openedAt = performance.now()
  }

  async function close(): Promise<void> {
    isClosed = true
    await client.end(1000)
  }

  return { ask, server: () => client.server, renew, close }
}

async function until<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  if (signal === never) return await answer
  const { promise: left, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([answer, left])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
