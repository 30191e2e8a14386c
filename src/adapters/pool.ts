import postgres from 'postgres'
import { AskError, isAskError } from '../errors.ts'
import { databaseError } from './postgres-errors.ts'

export type Sql = postgres.Sql<Record<never, never>>
/** A part of a statement. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>

export interface PoolOptions {
  /** A client of one connection (`max: 1`). postgres.js opens a lost one again by itself and tells `onClose`. */
  readonly connect: (onClose: () => void) => Sql
  /** Connections kept open. */
  readonly size: number
  /** Connections opened above `size` when all are in use, closed when the rush is over. */
  readonly maxOverflow: number
  /** How long one above `size` is kept without work; opening it anew for each request costs more than ten queries. */
  readonly surplusMs?: number
  /** Requests that may wait for a connection; the next one is refused at once. */
  readonly maxWaiting: number
  /** Ends the query that the backend runs at this moment; absent where the server cannot (embedded). */
  readonly cancelBackend?: (pid: number) => Promise<void>
  readonly now?: () => number
}

/** Who wants a connection, and until when. */
export interface LeaseTerms {
  readonly signal: AbortSignal
  /** Shown in the pool's status while the lease is out. */
  readonly label: string
}

export interface PoolStatus {
  readonly size: number
  readonly maxOverflow: number
  readonly open: number
  readonly checkedOut: number
  readonly waiting: number
  readonly longestWaitMs: number
  readonly longestHoldMs: number
  readonly holders: Readonly<Record<string, number>>
  readonly totals: Readonly<PoolTotals>
}

interface PoolTotals {
  checkouts: number
  refused: number
  timeouts: number
  cancels: number
}

interface Connection {
  readonly sql: Sql
  /** Of the backend behind it now; null until asked, and again when the connection was replaced. */
  pid: number | null
  isDead: boolean
  idleSince: number
}

interface Waiter {
  readonly since: number
  readonly give: (connection: Connection) => void
}

/**
 * A lease pool over postgres.js, which itself queues without limit and without a time-out and knows no
 * AbortSignal. A lease is exclusive use of one connection: bounded queue, wait bounded by the caller's signal,
 * and on abort the backend is told to cancel while the lease is *held until the query has settled*, so that the
 * next holder can never meet somebody else's cancel or a half-read result.
 */
export function createPool(options: PoolOptions) {
  const { size, maxOverflow, maxWaiting, surplusMs = 5000, now = () => performance.now() } = options
  const idle: Connection[] = []
  const waiters = new Set<Waiter>()
  const held = new Map<Connection, { since: number; label: string }>()
  const totals: PoolTotals = { checkouts: 0, refused: 0, timeouts: 0, cancels: 0 }
  let open = 0
  let isClosed = false
  let trimming: NodeJS.Timeout | undefined

  /**
   * Runs `work` with a connection of its own. Rejects with `pool_exhausted` when the queue is full, with the
   * signal's reason when it aborts while waiting, with `database_unavailable` when no connection can be made.
   */
  async function lease<T>(terms: LeaseTerms, work: (sql: Sql) => Promise<T>): Promise<T> {
    const connection = await checkout(terms)
    const stopWatching = cancelOnAbort(connection, terms.signal)
    try {
      terms.signal.throwIfAborted()
      return await work(connection.sql)
    } catch (error) {
      const translated = databaseError(error)
      if (isAskError(translated, 'database_unavailable')) connection.isDead = true
      throw terms.signal.aborted ? terms.signal.reason : translated
    } finally {
      await stopWatching()
      giveBack(connection)
    }
  }

  async function checkout({ signal, label }: LeaseTerms): Promise<Connection> {
    signal.throwIfAborted()
    if (isClosed) throw new AskError('draining')
    const connection = idle.pop() ?? (open < size + maxOverflow ? openConnection() : await queue(signal))
    held.set(connection, { since: now(), label })
    totals.checkouts++
    if (connection.pid === null) await learnPid(connection)
    return connection
  }

  function queue(signal: AbortSignal): Promise<Connection> {
    if (waiters.size >= maxWaiting) {
      totals.refused++
      const detail = `${size + maxOverflow} database connections are in use and ${maxWaiting} requests wait; try again shortly`
      throw new AskError('pool_exhausted', { detail, retryAfter: 1 })
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        since: now(),
        give(connection) {
          waiters.delete(waiter)
          signal.removeEventListener('abort', onAbort)
          resolve(connection)
        },
      }
      const onAbort = () => {
        waiters.delete(waiter)
        totals.timeouts++
        reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      waiters.add(waiter)
    })
  }

  function openConnection(): Connection {
    open++
    const forgetPid = () => void (connection.pid = null)
    const connection: Connection = { sql: options.connect(forgetPid), pid: null, isDead: false, idleSince: 0 }
    return connection
  }

  // Once a physical connection, so that it can be cancelled by number later.
  async function learnPid(connection: Connection): Promise<void> {
    if (!options.cancelBackend) return
    try {
      const rows = await connection.sql`select pg_backend_pid() as pid`
      connection.pid = Number(rows[0]?.['pid'])
    } catch (error) {
      connection.isDead = true
      giveBack(connection)
      throw databaseError(error)
    }
  }

  function cancelOnAbort(connection: Connection, signal: AbortSignal): () => Promise<void> {
    let cancelling: Promise<void> | undefined
    const onAbort = () => {
      if (connection.pid === null || !options.cancelBackend) return
      totals.cancels++
      cancelling = options.cancelBackend(connection.pid)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    return async () => {
      signal.removeEventListener('abort', onAbort)
      // A cancel still on its way must not hit the next holder's query. Its own failure changes nothing here.
      await cancelling?.catch(() => {})
    }
  }

  function giveBack(connection: Connection): void {
    held.delete(connection)
    if (connection.isDead || isClosed) return discard(connection)
    const next = waiters.values().next().value
    if (next) return next.give(connection)
    connection.idleSince = now()
    idle.push(connection)
    if (open > size) trimSoon()
  }

  function trimSoon(): void {
    trimming ??= setTimeout(trim, surplusMs).unref()
  }

  /** Those used least lie at the bottom. */
  function trim(): void {
    trimming = undefined
    while (open > size && idle[0] && now() - idle[0].idleSince >= surplusMs) discard(idle.shift() as Connection)
    if (open > size && idle.length > 0) trimSoon()
  }

  function discard(connection: Connection): void {
    open--
    void connection.sql.end({ timeout: 1 }).catch(() => {})
    const next = waiters.values().next().value
    if (next && !isClosed) next.give(openConnection())
  }

  function status(): PoolStatus {
    const at = now()
    const holders: Record<string, number> = {}
    for (const { label } of held.values()) holders[label] = (holders[label] ?? 0) + 1
    return {
      size,
      maxOverflow,
      open,
      checkedOut: held.size,
      waiting: waiters.size,
      longestWaitMs: longest([...waiters].map(waiter => at - waiter.since)),
      longestHoldMs: longest([...held.values()].map(holder => at - holder.since)),
      holders,
      totals: { ...totals },
    }
  }

  /** Idle connections close now, leased ones when they come back; waits for both, at most `graceMs`. */
  async function close(graceMs = 5000): Promise<void> {
    isClosed = true
    clearTimeout(trimming)
    const leased = [...held.keys()]
    await Promise.all([...idle.splice(0), ...leased].map(({ sql }) => sql.end({ timeout: graceMs / 1000 }).catch(() => {})))
  }

  return { lease, status, close }
}

export type Pool = ReturnType<typeof createPool>

function longest(values: number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}
