import type { Facts } from '../../monitoring/findings/facts.ts'
import type { Seen } from '../../monitoring/findings/monitor.ts'

/** The body of the reply. */
export type PoolStatusBody = ReturnType<typeof poolStatusJson>

export function poolStatusJson({ pool, reasons, service, findings, facts }: Seen) {
  return {
    verdict: pool,
    reasons,
    at: new Date().toISOString(),
    database: facts.database.isDown ? 'down' : 'up',
    writes: facts.database.isReadOnly ? 'database_read_only' : 'ok',
    pool: poolJson(facts),
    server: facts.database.server && serverJson(facts.database.server),
    redis: { state: facts.redis },
    service: { verdict: service, findings },
  }
}

function poolJson({ pool, waitMs, holdMs }: Facts) {
  const { checkouts, refused, timeouts, cancels, overdue, invalidated } = pool.totals
  return {
    size: pool.size,
    max_overflow: pool.maxOverflow,
    open: pool.open,
    checked_in: pool.checkedIn,
    checked_out: pool.checkedOut,
    overflow: pool.overflow,
    waiting: pool.waiting,
    max_waiting: pool.maxWaiting,
    longest_wait_ms: Math.round(pool.longestWaitMs),
    longest_hold_ms: Math.round(pool.longestHoldMs),
    holders: pool.holders,
    totals: { checkouts, refused, timeouts, cancels, overdue, invalidated },
    wait_ms: waitMs,
    hold_ms: holdMs,
  }
}

function serverJson({
  ageMs,
  maxConnections,
  reserved,
  byState,
  ours,
  free,
}: NonNullable<Facts['database']['server']>) {
  const { active, idle, idleInTransaction, other } = byState
  return {
    age_s: Math.round(ageMs / 100) / 10,
    max_connections: maxConnections,
    reserved,
    connections: { active, idle, idle_in_transaction: idleInTransaction, other },
    ours,
    free,
  }
}
