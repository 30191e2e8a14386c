import type postgres from 'postgres'
import { AskError, isAskError } from '../../errors.ts'
import { silent } from '../../events.ts'
import { startDeadline } from '../../resilience/deadline.ts'
import { watchLease } from './lease-watch.ts'
import { startedAt, type Backend } from './backends.ts'
import { holdingLease } from './one-lease-guard.ts'
import type { Connection, LeaseTerms, PoolOptions, PoolStatus, Waiter } from './pool-terms.ts'
import { lifetimeSeconds, type Sql } from './client.ts'
import { databaseError, databaseFault, isStaleSession } from './errors.ts'
import { emptyTotals } from './pool-totals.ts'
import { noteLease } from './sql-span.ts'

export type { LeaseTerms, PoolOptions, PoolStatus } from './pool-terms.ts'
export type { Sql } from './client.ts'
/** A fragment of a statement. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>

const defaults = {
  surplusMs: 5000,
  cancelGraceMs: 2000,
  silentMs: 2000,
  openLimitMs: 6000,
  holdLimitMs: 60_000,
  statementTimeoutMs: 0,
  events: silent,
}

/**
 * A lease pool over postgres.js, whose own queue has neither a limit nor a timeout and ignores AbortSignals. A lease is
 * exclusive use of one connection. The queue is bounded, and the wait is bounded by the caller's signal.
 * On abort the backend receives a cancel request, and the lease is kept *until the query has settled*, so that the next holder
 * can never meet an earlier cancel or a half-read result. If the query does not settle, the server is unreachable: the
 * connection is destroyed and its slot is free. The same happens to a lease that lasts longer than any request may
 * take.
 */
export function createPool(options: PoolOptions) {
  const {
    size,
    maxOverflow,
    maxWaiting,
    surplusMs,
    cancelGraceMs,
    silentMs,
    openLimitMs,
    holdLimitMs,
    events,
    now = () => performance.now(),
  } = { ...defaults, ...options }
  const normalTimeoutMs = options.statementTimeoutMs ?? defaults.statementTimeoutMs
  const idle: Connection[] = []
  const waiters = new Set<Waiter>()
  const held = new Map<Connection, { since: number; label: string }>()
  const totals = emptyTotals()
  let open = 0
  let isClosed = false
  let renewedAt = -Infinity
  let trimming: NodeJS.Timeout | undefined

  /**
   * Runs `work` with exclusive use of a connection. Rejects with `pool_exhausted` if the queue is full, with the
   * signal's reason if it aborts, and with `database_unavailable` if no connection can be opened or it is lost.
   */
  async function lease<T>(terms: LeaseTerms, work: (sql: Sql) => Promise<T>): Promise<T> {
    const requestedAt = now()
    const wasQueued = idle.length === 0 && open >= size + maxOverflow
    const connection = await checkout(terms)
    const takenAt = now()
    events.connectionLeased((takenAt - requestedAt) / 1000, wasQueued)
    noteLease(terms.label, takenAt - requestedAt)
    const watch = watchLease(connection, terms, {
      cancelBackend: options.cancelBackend,
      stateOf: options.stateOf,
      silentMs,
      graceMs: cancelGraceMs,
      limitMs: terms.holdLimitMs ?? holdLimitMs,
      events,
      totals,
    })
    connection.onLost = watch.lost
    try {
      terms.signal.throwIfAborted()
      boundStatements(connection, terms)
      return await Promise.race([holdingLease(() => work(connection.sql)), watch.givenUp])
    } catch (error) {
      const translated = databaseError(error)
      // Sessions of a server that was switched over may stay read-only for good, while a new session can write.
      const isReadOnly = isAskError(translated, 'database_read_only')
      if (isReadOnly) options.onReadOnly?.()
      if (isStaleSession(error)) options.onStale?.(error)
      if (isReadOnly || isAskError(translated, 'database_unavailable')) connection.isDead = true
      if (!terms.signal.aborted) reportFault(error)
      throw terms.signal.aborted ? terms.signal.reason : translated
    } finally {
      await watch.stop()
      connection.onLost = null
      events.connectionReturned((now() - takenAt) / 1000, terms.label)
      release(connection)
    }
  }

  /** Reports each lease that failed because of the server. For leases that ran out of time the cause is unknown. */
  function reportFault(error: unknown): void {
    const fault = databaseFault(error)
    if (fault !== null) events.databaseFailed(fault)
  }

  async function checkout({ signal, label }: LeaseTerms): Promise<Connection> {
    signal.throwIfAborted()
    if (isClosed) throw new AskError('draining')
    const connection = idle.pop() ?? (open < size + maxOverflow ? openConnection() : await queue(signal))
    held.set(connection, { since: now(), label })
    totals.checkouts++
    if (connection.backend === null) await identifyBackend(connection, signal)
    return connection
  }

  function queue(signal: AbortSignal): Promise<Connection> {
    if (waiters.size >= maxWaiting) {
      totals.refused++
      const detail = `All ${size + maxOverflow} database connections are in use and ${maxWaiting} requests are waiting; try again shortly.`
      throw new AskError('pool_exhausted', { detail, retryAfter: 1 })
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        since: now(),
        assign(connection) {
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
    const onClose = () => {
      // A connection that was never used, or that we ended, was not lost.
      if (connection.backend !== null && !connection.isDead && !connection.isEnding) {
        totals.invalidated++
        events.databaseFailed('lost')
      }
      Object.assign(connection, unopened())
      connection.onLost?.()
    }
    const connection: Connection = Object.assign(options.connect(onClose), {
      ...unopened(),
      isDead: false,
      isEnding: false,
      onLost: null,
      idleSince: 0,
      bornAt: 0,
    })
    return connection
  }

  const unopened = () => ({ backend: null, statementTimeoutMs: normalTimeoutMs })

  /**
   * Runs once per physical connection, so that its queries can be cancelled later. This is the first query of a new
   * connection and so waits for the connection too. Nothing else here bounds that if a proxy accepts every connection
   * and closes it again.
   */
  async function identifyBackend(connection: Connection, signal: AbortSignal): Promise<void> {
    if (!options.cancelBackend) return
    const limit = startDeadline('opening a database connection', openLimitMs, signal)
    try {
      const rows = await Promise.race([
        connection.sql`
        select pg_backend_pid() as pid, ${startedAt(connection.sql)} as started_at, current_setting('transaction_read_only') = 'on' as read_only`,
        limit.expired,
      ])
      const [row] = rows
      const backend: Backend = {
        pid: Number(row?.['pid']),
        startedAt: row?.['started_at'] ?? null,
        server: connection.server,
      }
      Object.assign(connection, { backend, bornAt: now() })
      options.onOpened?.(null, row?.['read_only'] === true)
    } catch (error) {
      options.onOpened?.(error)
      connection.isDead = true
      if (!signal.aborted)
        events.databaseFailed(
          isAskError(error, 'deadline_exceeded') ? 'silent' : (databaseFault(error) ?? 'unreachable'),
        )
      release(connection)
      throw signal.aborted ? signal.reason : noConnection(error, openLimitMs)
    } finally {
      limit.stop()
    }
  }

  /**
   * Sets the server's own limit for the statements of a lease, a backstop that works even if this process hangs. Any
   * limit from one to four times the remaining time will do, so that the usual question needs no change (normally 30 s,
   * of which a search may take 10). A new limit is sent along with the first statement, without a round trip of its
   * own.
   */
  function boundStatements(connection: Connection, { deadline }: LeaseTerms): void {
    if (!options.cancelBackend) return
    const remainingMs = deadline === undefined || deadline === Infinity ? null : Math.max(1, deadline - now())
    const { statementTimeoutMs: currentMs } = connection
    if (remainingMs === null ? currentMs === normalTimeoutMs : currentMs >= remainingMs && currentMs <= 4 * remainingMs)
      return
    const timeoutMs = remainingMs === null ? normalTimeoutMs : powerOfTwo(remainingMs)
    connection.statementTimeoutMs = timeoutMs
    // The next statement will report what is wrong with the connection.
    connection.sql.unsafe(`set statement_timeout = ${timeoutMs}`).catch(() => void (connection.isDead = true))
  }

  function release(connection: Connection): void {
    held.delete(connection)
    if (connection.isDead || isClosed) return discard(connection)
    if (
      connection.backend !== null &&
      (connection.bornAt < renewedAt || now() - connection.bornAt >= lifetimeSeconds * 1000)
    )
      renew(connection)
    const next = waiters.values().next().value
    if (next) return next.assign(connection)
    connection.idleSince = now()
    idle.push(connection)
    if (open > size) scheduleTrim()
  }

  /** Backends use more memory as they age, and the host name may now resolve to another server. */
  function renew(connection: Connection): void {
    connection.renew()
    Object.assign(connection, unopened())
  }

  /** Replaces every connection: idle ones now, leased ones when they are returned. */
  function renewAll(): void {
    renewedAt = now()
    for (const each of idle) if (each.backend !== null) renew(each)
  }

  function scheduleTrim(): void {
    trimming ??= setTimeout(trim, surplusMs).unref()
  }

  /** The least recently used connections are first. */
  function trim(): void {
    trimming = undefined
    while (open > size && idle[0] && now() - idle[0].idleSince >= surplusMs) discard(idle.shift() as Connection)
    if (open > size && idle.length > 0) scheduleTrim()
  }

  function discard(connection: Connection): void {
    open--
    connection.isEnding = true
    if (connection.isDead) connection.destroy()
    else void connection.end(1000)
    const next = waiters.values().next().value
    if (next && !isClosed) next.assign(openConnection())
  }

  function status(): PoolStatus {
    const at = now()
    const holders: Record<string, number> = {}
    for (const { label } of held.values()) holders[label] = (holders[label] ?? 0) + 1
    return {
      size,
      maxOverflow,
      maxWaiting,
      open,
      checkedIn: idle.length,
      checkedOut: held.size,
      overflow: Math.max(0, open - size),
      waiting: waiters.size,
      longestWaitMs: longest([...waiters].map(waiter => at - waiter.since)),
      longestHoldMs: longest([...held.values()].map(holder => at - holder.since)),
      holders,
      totals: { ...totals },
    }
  }

  /** Closes idle connections now and leased ones when they are returned; waits for both, at most `graceMs`. */
  async function close(graceMs = 5000): Promise<void> {
    isClosed = true
    clearTimeout(trimming)
    const leased = [...held.keys()]
    await Promise.all([...idle.splice(0), ...leased].map(each => Object.assign(each, { isEnding: true }).end(graceMs)))
  }

  return { lease, status, renewAll, close }
}

export type Pool = ReturnType<typeof createPool>

/** Rounds up to few distinct values, so that the next lease can often reuse the limit. */
function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast))
}

/** Slow or rejected, the database is unavailable. Errors about the password or a name stay as they are. */
function noConnection(error: unknown, openLimitMs: number): unknown {
  if (!isAskError(error, 'deadline_exceeded')) return databaseError(error)
  return new AskError('database_unavailable', {
    detail: `The database did not respond within ${openLimitMs / 1000} s; check DATABASE_URL.`,
    retryAfter: 1,
    cause: error,
  })
}

function longest(values: number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}
