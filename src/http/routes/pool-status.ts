import type { FastifyInstance } from 'fastify'
import type { Facts } from '../../monitoring/findings/facts.ts'
import type { Seen } from '../../monitoring/findings/monitor.ts'
import { underAnyPressure } from '../edge/load-shedding.ts'

export interface PoolStatusParts {
  readonly monitor: {
    /** Returns the latest known state without querying anything. */
    look(): Seen
    /** Call when monitoring is read, so that the background inspection continues. */
    markViewed(): void
  }
}

/**
 * GET /monitoring/pool-status. Uses no connection and waits for nothing, so it replies even when the pool is exhausted
 * or Postgres is down. Values that need a query are read in the background and shown with their age.
 */
export function registerPoolStatus(app: FastifyInstance, { monitor }: PoolStatusParts): void {
  app.get(
    '/monitoring/pool-status',
    { logLevel: 'warn', config: { needs: 'monitoring', rateLimit: false, ...underAnyPressure } },
    async (_, reply) => {
      monitor.markViewed()
      return await reply.header('cache-control', 'no-store').send(poolStatusJson(monitor.look()))
    },
  )
}

/** The body of the reply. */
export type PoolStatusBody = ReturnType<typeof poolStatusJson>

function poolStatusJson({ pool, reasons, service, findings, facts }: Seen) {
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
