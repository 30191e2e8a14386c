import type { ServerAddress } from '../../config/database-url.ts'
import { startDeadline } from '../../resilience/deadline.ts'
import { lifetimeSeconds, openClient, openLimitMs, type Sql } from './client.ts'
import type { Servers } from './servers.ts'

/** A shared connection outside the pool. */
export interface SideConnection {
  /** Rejects with the server's error, the signal's reason, or `deadline_exceeded` if there was no reply. */
  ask<T>(work: (sql: Sql) => Promise<T>, signal?: AbortSignal): Promise<T>
  /** The server it is connected to; null for none. */
  server(): ServerAddress | null
  /** The next caller gets a new connection. */
  renew(): void
  close(): Promise<void>
}

/** Its statements are short. The server ends a long one and so shows that it is up. */
const statementMs = 5000
/** Beyond this the server is frozen or cut off. Without this limit it would take TCP minutes to find out. */
const silentMs = 6000

const never = new AbortController().signal

/** An unresponsive connection is replaced, so that it works again as soon as the server does. */
export function openSideConnection(servers: Servers, onAsked: (error: unknown) => void = () => {}): SideConnection {
  const open = () => openClient(servers, { name: 'askwell', statementTimeoutMs: statementMs })
  let client = open()
  let openedAt = performance.now()
  let inFlight = 0
  let isClosed = false

  async function ask<T>(work: (sql: Sql) => Promise<T>, signal: AbortSignal = never): Promise<T> {
    signal.throwIfAborted()
    if (inFlight === 0 && performance.now() - openedAt >= lifetimeSeconds * 1000) renew()
    const currentClient = client
    const limit = startDeadline('the database', Math.max(silentMs, openLimitMs(servers.address)), never)
    inFlight++
    const answer = Promise.race([work(currentClient.sql), limit.expired])
    answer.then(() => onAsked(null), onAsked)
    // Keep watching even if the caller does not wait that long.
    answer.catch(() => limit.signal.aborted && replace(currentClient)).finally(() => (limit.stop(), inFlight--))
    return await untilAborted(signal, answer)
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

async function untilAborted<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  if (signal === never) return await answer
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([answer, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
