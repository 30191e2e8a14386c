import type { DatabaseAddress, ServerAddress } from '../../config/database-url.ts'
import { defaultConnectSeconds, startDriver, type Driver, type DriverTerms, type Sql } from './driver.ts'
import type { Traffic } from './line.ts'
import { openServers, type Servers } from './servers.ts'

export type { Sql } from './driver.ts'

/** A client with one connection at a time. It is opened on demand, and again after it is lost. */
export interface Client {
  /**
   * The open connection, or a new one. On a lost connection every statement rejects, including later ones: the rest of
   * a transaction must not run on the next connection, outside the transaction.
   */
  readonly sql: Sql
  /** Traffic of the open connection; null when none is open. */
  readonly traffic: Traffic | null
  /** The server of the open connection; null when none is open. */
  readonly server: ServerAddress | null
  /** Closes the connection after its current work; the next statement opens a new one. */
  renew(): void
  /** Closes after the current work, waiting at most `graceMs`, even if the server does not respond. */
  end(graceMs: number): Promise<void>
  /** Closes now. Current work rejects with `CONNECTION_DESTROYED`, and the server sees the connection closed. */
  destroy(): void
}

export interface ClientOptions extends DriverTerms {
  /** Called for each connection that closed or could not be opened. */
  readonly onClose?: () => void
}

/** Limit for opening a connection. It exceeds the driver's own, whose error says more. */
export function openLimitMs({ connectSeconds = defaultConnectSeconds }: DatabaseAddress): number {
  return (connectSeconds + 1) * 1000
}

/** Connections older than this are closed as soon as they are idle. */
export const lifetimeSeconds = 30 * 60
const renewMs = 10_000

/** `target` is a URL, or servers shared by several clients so that all use the same one. */
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
