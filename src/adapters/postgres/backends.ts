import type { ServerAddress } from '../../config/database-url.ts'
import { openClient, type Client, type Sql } from './client.ts'
import type { Servers } from './servers.ts'

/** A server process. Its pid alone may have been reused, or belong to another server. */
export interface Backend {
  readonly pid: number
  /** Seconds since 1970, as the server formats them; null when this role may not see it. */
  readonly startedAt: string | null
  /** Null when unknown. */
  readonly server: ServerAddress | null
}

/** `busy`: it runs a statement or waits for a lock. `idle`: it waits for us. */
export type BackendState = 'busy' | 'idle' | 'gone'

/** Limit for connecting and asking, after which the state counts as unknown. */
const askMs = 3000

/** Asks a backend's server about it through a separate connection, which works even when others are cut off. */
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

  /** Rejects when the server does not respond. */
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

/** Cancels the backend's query; `sql` must be connected to the same server. */
export async function cancelOf(sql: Sql, backend: Backend): Promise<void> {
  await sql`select pg_cancel_backend(pid) from pg_stat_activity where ${isBackend(sql, backend)}`
}

/** For the first query of a new connection. */
export const startedAt = (sql: Sql) =>
  sql`(select extract(epoch from backend_start)::text from pg_stat_activity where pid = pg_backend_pid())`

function isBackend(sql: Sql, { pid, startedAt: began }: Backend) {
  return sql`pid = ${pid}::int and (${began}::text is null or extract(epoch from backend_start)::text = ${began}::text)`
}

function clientTo(servers: Servers, server: ServerAddress | null): Client {
  const pinned: Servers = server ? { address: servers.address, choose: async () => server, doubt() {} } : servers
  return openClient(pinned, { name: 'askwell', statementTimeoutMs: askMs })
}
