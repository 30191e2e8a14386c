import type { Backend, BackendState } from './backends.ts'
import type { PoolTotals } from './pool-figures.ts'
import type { Client } from './client.ts'

export interface PoolOptions {
  /** The client opens another connection in the place of one that was lost, and tells `onClose`. */
  readonly connect: (onClose: () => void) => Client
  /** Told of every connection that is opened: null, or what it met; and whether its server takes no writes. */
  readonly onOpened?: (error: unknown, isReadOnly?: boolean) => void
  /** A statement was refused because the server takes no writes. */
  readonly onReadOnly?: () => void
  /** A session met what was dropped under it; it is closed. Others that are open may know the same. */
  readonly onStale?: (error: unknown) => void
  /** Connections kept open. */
  readonly size: number
  /** Connections opened above `size` when all are in use, closed when the rush is over. */
  readonly maxOverflow: number
  /** How long one above `size` is kept without work; opening it anew for each request costs more than ten queries. */
  readonly surplusMs?: number
  /** Requests that may wait for a connection; the next one is refused at once. */
  readonly maxWaiting: number
  /** Ends the query that the backend runs at this moment; absent where the server cannot (embedded). */
  readonly cancelBackend?: (pid: number, backend: Backend) => Promise<void>
  /** What a backend does, by another connection: one that is cut off is given up when the server does not hear us. */
  readonly stateOf?: (backend: Backend) => Promise<BackendState>
  /** Of a leased connection without a byte, until the server is asked about it. */
  readonly silentMs?: number
  /** From a cancel until the connection is given up: a server that is frozen or cut off hears of no cancel. */
  readonly cancelGraceMs?: number
  /** To open a connection: longer, and there is no database. Behind the driver's own 5 s, which says more of what it was at. */
  readonly openLimitMs?: number
  /** The longest a lease may be out, unless its terms say otherwise. Above what any request may take: it is a fault. */
  readonly holdLimitMs?: number
  /** What the connections are opened with: the server's bound on a statement of a lease that has no deadline. 0: none. */
  readonly statementTimeoutMs?: number
  readonly now?: () => number
}

/** Who wants a connection, and until when. */
export interface LeaseTerms {
  readonly signal: AbortSignal
  /** Shown in the pool's status while the lease is out. */
  readonly label: string
  /** When the signal will abort, if that is known: on the clock of `performance.now()`. Then the server ends statements by itself. */
  readonly deadline?: number
  /** In the place of the pool's limit, if that has one; Infinity: for work that takes as long as it takes. */
  readonly holdLimitMs?: number
}

export interface PoolStatus {
  readonly size: number
  readonly maxOverflow: number
  readonly maxWaiting: number
  readonly open: number
  /** Open, and free. */
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
  /** Behind it now; null until asked, and again when the connection was replaced. */
  backend: Backend | null
  /** What the server will end a statement after, in milliseconds. */
  statementTimeoutMs: number
  isDead: boolean
  /** We close it. */
  isEnding: boolean
  idleSince: number
  /** Told of its loss while it is leased. */
  onLost: (() => void) | null
  /** When its backend was new. */
  bornAt: number
}

export interface Waiter {
  readonly since: number
  readonly give: (connection: Connection) => void
}
