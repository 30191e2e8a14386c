import type { FastifyInstance } from 'fastify'
import type { Seen } from '../../monitoring/findings/monitor.ts'
import { underAnyPressure } from '../edge/load-shedding.ts'
import { mergedPoolStatus } from './merged-pool-status.ts'
import { poolStatusJson } from './pool-status-body.ts'
import { withOthers, type OtherWorkers } from './other-workers.ts'

export interface PoolStatusParts {
  readonly monitor: {
    /** Returns the latest known state without querying anything. */
    look(): Seen
    /** Call when monitoring is read, so that the background inspection continues. */
    markViewed(): void
  }
  readonly workers: OtherWorkers
}

/**
 * GET /monitoring/pool-status. Uses no connection and waits for nothing but the other workers, so it replies even when
 * the pool is exhausted or Postgres is down. Values that need a query are read in the background and shown with their age.
 */
export function registerPoolStatus(app: FastifyInstance, { monitor, workers }: PoolStatusParts): void {
  const read = () => {
    monitor.markViewed()
    return poolStatusJson(monitor.look())
  }
  workers.reportsWith('pool-status', read)
  app.get(
    '/monitoring/pool-status',
    { logLevel: 'warn', config: { needs: 'monitoring', rateLimit: false, ...underAnyPressure } },
    async (_, reply) => {
      const body = await withOthers(workers, 'pool-status', { own: read(), merge: mergedPoolStatus })
      return await reply.header('cache-control', 'no-store').send(body)
    },
  )
}
