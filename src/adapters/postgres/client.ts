import type { ServerAddress } from '../../config/database-url.ts'
import { startDriver, type Driver, type DriverTerms, type Sql } from './driver.ts'
import type { Traffic } from './line.ts'
import { openServers, type Servers } from './servers.ts'

export type { Sql } from './driver.ts'
export { planCacheMode } from './driver.ts'

/** One connection at a time: opened when it is wanted, and another when that is lost. */
export interface Client {
  /**
   * The connection that is open, or a new one. Of one that was lost every statement rejects, also those that come later: the
   * rest of a transaction must not run on the next connection, outside of it.
   */
  readonly sql: Sql
  /** Of the connection that is open: null when none is. */
  readonly traffic: Traffic | null
  /** That the connection is to; null when none is open. */
  readonly server: ServerAddress | null
  /** Lets go of the connection when what runs on it is done; the next is a new one. */
  renew(): void
  /** After what runs, `graceMs` at the longest; a server that is deaf is not waited for longer. */
  end(graceMs: number): Promise<void>
  /** Now: what runs rejects with `CONNECTION_DESTROYED`, and the server finds it closed. */
  destroy(): void
}

export interface ClientOptions extends DriverTerms {
  /** Of each connection that was open, or could not be opened. */
  readonly onClose?: () => void
}

/** One that is older is closed as soon as it is idle. */
export const lifetimeSeconds = 30 * 60
const renewMs = 10_000

/** `target`: a URL, or the servers that several clients share, so that all go to the same one. */
export function openClient(target: string | Servers, options: ClientOptions): Client {
  const servers = typeof target === 'string' ? openServers(target) : target
  let current: Driver | undefined
  let isOver = false

  function start(): Driver {
    const driver: Driver = startDriver(servers.address, servers.choose, options, () => {
      servers.doubt(driver.server())
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
    get server() {
      return current?.server() ?? null
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
