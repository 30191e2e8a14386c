import type postgres from 'postgres'
import { AskError, isAskError } from '../../errors.ts'
import { startDeadline } from '../../resilience/deadline.ts'
import { watchLease } from './lease-watch.ts'
import { startedAt, type Backend } from './backends.ts'
import { holdingLease } from './one-lease-guard.ts'
import type { Connection, LeaseTerms, PoolOptions, PoolStatus, Waiter } from './pool-terms.ts'
import { lifetimeSeconds, planCacheMode, type Sql } from './client.ts'
import { databaseError, databaseFault, isStaleSession } from './errors.ts'
import { createPoolFigures, type PoolFigures } from './pool-figures.ts'
import { noteLease } from './sql-span.ts'

export type { LeaseTerms, PoolOptions, PoolStatus } from './pool-terms.ts'
export type { Sql } from './client.ts'
/** A part of a statement. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>

const defaults = {
  surplusMs: 5000,
  cancelGraceMs: 2000,
  silentMs: 2000,
  openLimitMs: 6000,
  holdLimitMs: 60_000,
  statementTimeoutMs: 0,
}

/**
 * A lease pool over postgres.js, which itself queues without limit and without a time-out and knows no
 * AbortSignal. A lease is exclusive use of one connection: bounded queue, wait bounded by the caller's signal,
 * and on abort the backend is told to cancel while the lease is *held until the query has settled*, so that the
 * next holder can never meet somebody else's cancel or a half-read result. A query that does not settle then is one
 * of a server that does not hear us: the connection is given up, and its place is free. The same happens to a lease
 * that is out longer than any request may take.
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
    now = () => performance.now(),
  } = { ...defaults, ...options }
  const normalTimeoutMs = options.statementTimeoutMs ?? defaults.statementTimeoutMs
  const idle: Connection[] = []
  const waiters = new Set<Waiter>()
  const held = new Map<Connection, { since: number; label: string }>()
  const figures: PoolFigures = createPoolFigures()
  const { totals } = figures
  let open = 0
  let isClosed = false
  let renewedAt = -Infinity
  let trimming: NodeJS.Timeout | undefined

  /**
   * Runs `work` with a connection of its own. Rejects with `pool_exhausted` when the queue is full, with the
   * signal's reason when it aborts, with `database_unavailable` when no connection can be made or it is lost.
   */
  async function lease<T>(terms: LeaseTerms, work: (sql: Sql) => Promise<T>): Promise<T> {
    const askedAt = now()
    const wasQueued = idle.length === 0 && open >= size + maxOverflow
    const connection = await checkout(terms)
    const takenAt = now()
    figures.waited((takenAt - askedAt) / 1000, wasQueued)
    noteLease(terms.label, takenAt - askedAt)
    const watch = watchLease(connection, terms, {
      cancelBackend: options.cancelBackend,
      stateOf: options.stateOf,
      silentMs,
      graceMs: cancelGraceMs,
      limitMs: terms.holdLimitMs ?? holdLimitMs,
      figures,
    })
    connection.onLost = watch.lost
    try {
      terms.signal.throwIfAborted()
      boundStatements(connection, terms)
      return await Promise.race([holdingLease(() => work(connection.sql)), watch.givenUp])
    } catch (error) {
      const translated = databaseError(error)
      // Sessions of a server that was switched over may stay read-only for good; a new one may write.
      const isReadOnly = isAskError(translated, 'database_read_only')
      if (isReadOnly) options.onReadOnly?.()
      if (isStaleSession(error)) options.onStale?.(error)
      if (isReadOnly || isAskError(translated, 'database_unavailable')) connection.isDead = true
      if (!terms.signal.aborted) tellFault(error)
      throw terms.signal.aborted ? terms.signal.reason : translated
    } finally {
      await watch.stop()
      connection.onLost = null
      figures.held((now() - takenAt) / 1000, terms.label)
      giveBack(connection)
    }
  }

  /** Once for each lease that failed by the server's doing: of those whose time was over, nobody knows by whose. */
  function tellFault(error: unknown): void {
    const fault = databaseFault(error)
    if (fault !== null) figures.failed(fault)
  }

  async function checkout({ signal, label }: LeaseTerms): Promise<Connection> {
    signal.throwIfAborted()
    if (isClosed) throw new AskError('draining')
    const connection = idle.pop() ?? (open < size + maxOverflow ? openConnection() : await queue(signal))
    held.set(connection, { since: now(), label })
    totals.checkouts++
    if (connection.backend === null) await learnBackend(connection, signal)
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
    const onClose = () => {
      // One that was never used, or that we ended, was not lost.
      if (connection.backend !== null && !connection.isDead && !connection.isEnding) figures.lost()
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
   * Once a physical connection, so that it can be cancelled by number later. It is the first thing that a new one is
   * asked, so it waits for the connection too: nothing on this side bounds that where a proxy takes every connection
   * and closes it again.
   */
  async function learnBackend(connection: Connection, signal: AbortSignal): Promise<void> {
    if (!options.cancelBackend) return
    const limit = startDeadline('opening a database connection', openLimitMs, signal)
    try {
      // Its settings are said again: a pooler in between may have dropped those that came with the connection.
      const rows = await Promise.race([
        connection.sql`
        select pg_backend_pid() as pid, ${startedAt(connection.sql)} as started_at, current_setting('transaction_read_only') = 'on' as read_only,
          set_config('plan_cache_mode', ${planCacheMode}, false), set_config('statement_timeout', ${String(normalTimeoutMs)}, false)`,
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
        figures.failed(isAskError(error, 'deadline_exceeded') ? 'silent' : (databaseFault(error) ?? 'unreachable'))
      giveBack(connection)
      throw signal.aborted ? signal.reason : noConnection(error, openLimitMs)
    } finally {
      limit.stop()
    }
  }

  /**
   * The server's own bound for what a lease will ask, behind its deadline: it holds also when this process does not.
   * One up to four times the time left will do, so that the usual question needs none said (the normal 30 s, of which
   * a search may take 10); another is told on the way of the first statement, not in a round trip of its own.
   */
  function boundStatements(connection: Connection, { deadline }: LeaseTerms): void {
    if (!options.cancelBackend) return
    const leftMs = deadline === undefined || deadline === Infinity ? null : Math.max(1, deadline - now())
    const { statementTimeoutMs: present } = connection
    if (leftMs === null ? present === normalTimeoutMs : present >= leftMs && present <= 4 * leftMs) return
    const wanted = leftMs === null ? normalTimeoutMs : powerOfTwo(leftMs)
    connection.statementTimeoutMs = wanted
    // What is wrong with the connection, the statement behind it will say.
    connection.sql.unsafe(`set statement_timeout = ${wanted}`).catch(() => void (connection.isDead = true))
  }

  function giveBack(connection: Connection): void {
    held.delete(connection)
    if (connection.isDead || isClosed) return discard(connection)
    if (
      connection.backend !== null &&
      (connection.bornAt < renewedAt || now() - connection.bornAt >= lifetimeSeconds * 1000)
    )
      renew(connection)
    const next = waiters.values().next().value
    if (next) return next.give(connection)
    connection.idleSince = now()
    idle.push(connection)
    if (open > size) trimSoon()
  }

  /** Backends grow with their age; and behind a name there may be another server by now. */
  function renew(connection: Connection): void {
    connection.renew()
    Object.assign(connection, unopened())
  }

  /** Every connection is replaced by a new one: now where it is idle, else when it comes back. */
  function renewAll(): void {
    renewedAt = now()
    for (const each of idle) if (each.backend !== null) renew(each)
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
    connection.isEnding = true
    if (connection.isDead) connection.destroy()
    else void connection.end(1000)
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

  /** Idle connections close now, leased ones when they come back; waits for both, at most `graceMs`. */
  async function close(graceMs = 5000): Promise<void> {
    isClosed = true
    clearTimeout(trimming)
    const leased = [...held.keys()]
    await Promise.all([...idle.splice(0), ...leased].map(each => Object.assign(each, { isEnding: true }).end(graceMs)))
  }

  return { lease, status, renewAll, observe: figures.observe, close }
}

export type Pool = ReturnType<typeof createPool>

/** The next one: few values, so that the next lease can seldom do without a new one. */
function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast))
}

/** Whether it was slow or refused: there is no database for us now. What is wrong with a password or a name stays that. */
function noConnection(error: unknown, openLimitMs: number): unknown {
  if (!isAskError(error, 'deadline_exceeded')) return databaseError(error)
  return new AskError('database_unavailable', {
    detail: `the database did not answer within ${openLimitMs / 1000} s; check DATABASE_URL`,
    retryAfter: 1,
    cause: error,
  })
}

function longest(values: number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}
