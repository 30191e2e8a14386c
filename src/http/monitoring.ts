import type { FastifyInstance } from 'fastify'
import { registerPoolStatus, type PoolStatusOptions } from './pool-status.ts'
import { registerScrape, type Scrapable } from './scrape.ts'

export interface MonitoringOptions {
  readonly registry: Scrapable
  readonly poolStatus: PoolStatusOptions
}

/** What those who run the service look at; on a port of its own where there is one. */
export function registerMonitoring(app: FastifyInstance, { registry, poolStatus }: MonitoringOptions): void {
  registerScrape(app, registry)
  registerPoolStatus(app, poolStatus)
}
