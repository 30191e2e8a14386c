import type { ServerAddress } from '../../config/database-url.ts'
import { openClient, type Client, type Sql } from './client.ts'
import type { Servers } from './servers.ts'

/** A process of a server: its number alone may be another's by now, or one of another server. */
export interface Backend {
  readonly pid: number
  /** Seconds since 1970, as the server writes them; null: not to be seen. */
  readonly startedAt: string | null
  /** Null: it is not known. */
  readonly server: ServerAddress | null
}

/** `busy`: with a statement, or in a transaction that waits for a lock. `idle`: it waits for us. */
export type BackendState = 'busy' | 'idle' | 'gone'

/** To connect and ask; longer, and nobody knows. */
const askMs = 3000

/** Asks the server of a backend about it by a connection of its own, which must be had while others are cut off. */
export function createBackends(servers: Servers) {
  async function ask<T>(backend: Backend, work: (sql: Sql) => Promise<T>): Promise<T> {
    const client = clientTo(servers, backend.server)
    const limit = setTimeout(client.destroy, askMs)
    try {
      return await work(client.sql)
    } finally {
      clearTimeout(limit)
      void client.end(1000)
    }
  }

  /** Rejects when the server does not answer. */
  async function stateOf(backend: Backend): Promise<BackendState> {
    const [row] = await ask(
      backend,
      async sql => await sql`select state from pg_stat_activity where ${isBackend(sql, backend)}`,
    )
    if (row === undefined) return 'gone'
    return row['state'] === 'active' || row['state'] === null ? 'busy' : 'idle'
  }

  async function cancel(backend: Backend): Promise<void> {
    await ask(backend, async sql => await cancelOf(sql, backend))
  }

  return { stateOf, cancel }
}

/** Of a connection to the backend's own server. */
export async function cancelOf(sql: Sql, backend: Backend): Promise<void> {
  await sql`select pg_cancel_backend(pid) from pg_stat_activity where ${isBackend(sql, backend)}`
}

/** For what a new connection is asked first. */
export const startedAt = (sql: Sql) =>
  sql`(select extract(epoch from backend_start)::text from pg_stat_activity where pid = pg_backend_pid())`

function isBackend(sql: Sql, { pid, startedAt: began }: Backend) {
  return sql`pid = ${pid}::int and (${began}::text is null or extract(epoch from backend_start)::text = ${began}::text)`
}

function clientTo(servers: Servers, server: ServerAddress | null): Client {
  const pinned: Servers = server ? { address: servers.address, choose: async () => server, doubt() {} } : servers
  return openClient(pinned, { name: 'askwell', statementTimeoutMs: askMs })
}
