import type { Events } from '../../events.ts'
import type { Backend, BackendState } from './backends.ts'
import type { PoolTotals } from './pool-totals.ts'
import type { Client } from './client.ts'

/** What the pool reports: every lease, and each that failed because of the server. */
export type PoolEvents = Pick<
  Events,
  'connectionLeased' | 'connectionReturned' | 'connectionOverdue' | 'databaseFailed'
>

export interface PoolOptions {
  /** The client replaces a connection that was lost, and calls `onClose`. */
  readonly connect: (onClose: () => void) => Client
  /** Called for every connection that is opened, with null or the error, and whether its server is read-only. */
  readonly onOpened?: (error: unknown, isReadOnly?: boolean) => void
  /** A statement was rejected because the server is read-only. */
  readonly onReadOnly?: () => void
  /** A session met objects that were dropped underneath it and is closed. Other open sessions may be affected too. */
  readonly onStale?: (error: unknown) => void
  /** Connections kept open. */
  readonly size: number
  /** Connections opened above `size` when all are in use; closed when the load has passed. */
  readonly maxOverflow: number
  /**
   * Idle time after which a connection above `size` is closed. Reopening one for each request costs more than ten
   * queries.
   */
  readonly surplusMs?: number
  /** Requests that may wait for a connection; further ones are rejected immediately. */
  readonly maxWaiting: number
  /** Cancels the backend's current query. Absent if the server cannot do that (embedded). */
  readonly cancelBackend?: (pid: number, backend: Backend) => Promise<void>
  /**
   * Asks through another connection what a backend does. A connection that is cut off is destroyed once the server has
   * no matching backend.
   */
  readonly stateOf?: (backend: Backend) => Promise<BackendState>
  /** Time without traffic on a leased connection before the server is asked about it. */
  readonly silentMs?: number
  /**
   * Time from a cancel until the connection is destroyed: a server that is frozen or cut off does not receive the
   * cancel.
   */
  readonly cancelGraceMs?: number
  /** Limit for opening a connection. Longer than the driver's own 5 s, whose error says more. */
  readonly openLimitMs?: number
  /**
   * The longest a lease may last, unless its terms say otherwise. It exceeds what any request may take, so reaching it
   * is a fault.
   */
  readonly holdLimitMs?: number
  /**
   * The server's statement timeout with which connections are opened; it applies to leases without a deadline. 0 for
   * none.
   */
  readonly statementTimeoutMs?: number
  readonly events?: PoolEvents
  readonly now?: () => number
}

/** What a lease is for, and until when. */
export interface LeaseTerms {
  readonly signal: AbortSignal
  /** Shown in the pool's status during the lease. */
  readonly label: string
  /**
   * When the signal will abort, if known, on the clock of `performance.now()`. The server then ends statements by
   * itself.
   */
  readonly deadline?: number
  /** Replaces the pool's hold limit, if it has one; Infinity for work of unlimited duration. */
  readonly holdLimitMs?: number
}

export interface PoolStatus {
  readonly size: number
  readonly maxOverflow: number
  readonly maxWaiting: number
  readonly open: number
  /** Open and idle. */
  readonly checkedIn: number
  readonly checkedOut: number
  /** Open above `size`. */
  readonly overflow: number
  readonly waiting: number
  readonly longestWaitMs: number
  readonly longestHoldMs: number
  readonly holders: Readonly<Record<string, number>>
  readonly totals: Readonly<PoolTotals>
}

export interface Connection extends Client {
  /** The current backend; null until queried, and again when the connection was replaced. */
  backend: Backend | null
  /** The server's statement timeout for this connection, in milliseconds. */
  statementTimeoutMs: number
  isDead: boolean
  /** We are closing it. */
  isEnding: boolean
  idleSince: number
  /** Called when the connection is lost during a lease. */
  onLost: (() => void) | null
  /** When its backend was started. */
  bornAt: number
}

export interface Waiter {
  readonly since: number
  readonly assign: (connection: Connection) => void
}
